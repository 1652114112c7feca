"""The documentation, built and clicked through from its start page."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urldefrag

import pytest
from playwright.sync_api import Browser

from tests.browser.looking import NARROW, looking_at

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_every_page_that_can_be_reached_is_there_asks_nobody_and_complains_of_nothing(browser: Browser, site: Path):
    complaints, left, seen = [], [], set()
    waiting = [(site / "index.html").as_uri()]
    with looking_at(browser, "about:blank") as looked:
        while waiting:
            address = waiting.pop()
            if address not in seen:
                seen.add(address)
                looked.page.goto(address)
                assert looked.page.locator("h1").first.inner_text()
                waiting += links_of(looked.page)
        complaints, left = looked.complaints, looked.left

    assert len(seen) > 20
    assert (complaints, left) == ([], [])


def links_of(page) -> Iterator[str]:
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    return (urldefrag(link).url for link in links if link.startswith("file:") and ".html" in link)


@pytest.mark.parametrize("page", ["index.html", "method.html"])
def test_fits_a_telephone(browser: Browser, site: Path, page: str):
    with looking_at(browser, (site / page).as_uri(), NARROW) as looked:
        assert looked.overflow <= 0
