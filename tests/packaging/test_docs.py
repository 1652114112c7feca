"""The documentation: its links lead somewhere, every page can be found, and opened offline it asks for nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

LINK = re.compile(r"\]\(([^)\s]+)[^)]*\)")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LOADED = {("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src"), ("link", "href")}
"""Attributes whose address a browser asks for without being told to."""
NO_REQUEST = {"canonical", "next", "prev"}
"""Kinds of ``<link>`` that are not loaded."""


@dataclass
class Page(HTMLParser):
    """What one page links to, loads, and can be linked to by."""

    links: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors.update(given[name] for name in ("id", "name") if name in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if given.get("rel") not in NO_REQUEST:
            self.loaded += [given[name] for each, name in LOADED if each == tag and name in given]


def page_of(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text())
    return page


def is_internal(address: str) -> bool:
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc


def texts(root: Path) -> list[Path]:
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]


# --- what is written ---


def test_every_link_of_a_text_leads_to_a_file(project_root: Path):
    broken = [
        f"{path.relative_to(project_root)}: {link}"
        for path in texts(project_root)
        for link in LINK.findall(CODE.sub("", path.read_text()))
        if is_internal(link) and not (path.parent / unquote(urlsplit(link).path)).exists()
    ]

    assert broken == []


def test_every_package_of_the_science_is_in_the_api(project_root: Path):
    connecting = {"datasets", "incremental", "pipelines", "runners", "running"}
    packages = {path.parent.name for path in (project_root / "src" / "faircmr").glob("*/__init__.py")} - connecting

    assert packages == {path.stem for path in (project_root / "docs" / "api").glob("*.md")} - {"index"}


# --- what is built ---


@pytest.fixture(scope="module")
def site(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages as ``make docs`` builds them: a warning is an error."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    quiet = {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(
        command, cwd=project_root, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    # what is asked for and not there is served by a server alone, with links from its root
    return {path: page_of(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


@pytest.mark.slow
def test_every_link_within_the_pages_leads_to_a_place(pages: dict[Path, Page]):
    broken = [
        f"{path.name}: {link}"
        for path, page in pages.items()
        for link in page.links
        if is_internal(link) and not leads_somewhere(path, link, pages)
    ]

    assert broken == []


def leads_somewhere(path: Path, link: str, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if target not in pages:
        return target.is_file()
    return not parts.fragment or unquote(parts.fragment) in pages[target].anchors


@pytest.mark.slow
def test_every_text_has_a_page_that_the_start_page_leads_to(project_root: Path, site: Path, pages: dict[Path, Page]):
    found, waiting = set(), [site / "index.html"]
    while waiting:
        path = waiting.pop()
        if path in pages and path not in found:
            found.add(path)
            waiting += [
                (path.parent / urlsplit(link).path).resolve() for link in pages[path].links if is_internal(link)
            ]
    written = {path.relative_to(project_root / "docs").with_suffix("") for path in texts(project_root)[2:]}
    reached = {path.relative_to(site).with_suffix("") for path in found}

    assert {str(path).replace("README", "index") for path in written} - {str(path) for path in reached} == set()


@pytest.mark.slow
def test_nothing_is_asked_of_a_network(site: Path, pages: dict[Path, Page]):
    asked = {f"{path.name}: {address}" for path, page in pages.items() for address in page.loaded}
    styles = {
        f"{path.name}: {url}" for path in site.rglob("*.css") for url in re.findall(r"url\(([^)]*)\)", path.read_text())
    }

    assert {one for one in asked | styles if re.search(r": [\"']?(https?:)?//", one)} == set()


@pytest.mark.slow
def test_formulas_need_no_script(site: Path):
    method = (site / "method.html").read_text()

    assert method.count("<math") > 30
    assert not re.search(r"\\[\[(]", re.sub(r"<(script|code).*?</\1>", "", method, flags=re.DOTALL))


@pytest.mark.slow
def test_no_page_knows_where_it_was_built(project_root: Path, site: Path):
    assert [path.name for path in site.rglob("*.html") if str(project_root) in path.read_text()] == []
