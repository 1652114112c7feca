"""Kedro-Viz as its users meet it: served from the project, and as a folder of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.looking import Looked, looking_at, served
from tests.end_to_end.viz_server import viz_server
from tests.studies import Project

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def site(shown_study: Project, project_root: Path) -> Iterator[str]:
    built = shown_study.python(os.fspath(project_root / "tools" / "viz_site.py"))
    assert built.returncode == 0, built.stderr
    with served(shown_study.folder / "build" / "viz") as address:
        yield address


@pytest.fixture
def project(shown_study: Project) -> Iterator[str]:
    with viz_server(shown_study) as address:
        yield address


def test_the_site_asks_nobody_and_complains_of_nothing(browser: Browser, site: str):
    with opened(browser, site) as looked:
        assert looked.left == []
        assert looked.complaints == []


def test_a_node_of_the_site_opens_and_says_what_it_does(browser: Browser, site: str):
    with opened(browser, site) as looked:
        choose(looked.page, "compare_strategies")
        looked.page.get_by_text("Show Code").click()

        code = looked.page.locator(".pipeline-metadata-code__code")
        code.get_by_text("Table 2 over training seeds").wait_for()


def test_a_table_is_described_and_shows_its_first_rows(browser: Browser, site: str):
    with opened(browser, site) as looked:
        choose(looked.page, "table2")
        preview = looked.page.locator(".pipeline-metadata__preview-html")

        preview.wait_for()
        assert "mean DSC of each protected group" in preview.inner_text()
        assert preview.locator("tbody tr").count() == 2


def test_the_cohort_shows_a_slice(browser: Browser, site: str):
    with opened(browser, site) as looked:
        choose(looked.page, "cohort")
        picture = looked.page.locator(".pipeline-metadata__preview-html img")

        picture.wait_for()
        assert picture.evaluate("image => image.naturalWidth") > 100


def test_the_project_is_served_and_a_preview_shows(browser: Browser, project: str):
    with opened(browser, project) as looked:
        choose(looked.page, "table2")

        looked.page.locator(".pipeline-metadata__preview-html tbody").wait_for()


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Looked]:
    with looking_at(browser, f"{address}/?pid=__default__") as looked:
        looked.page.locator(".node-list-row").first.wait_for()
        yield looked


def choose(page: Page, name: str) -> None:
    """Find a node by its name and open it, as a user does."""
    page.locator(".search-input__field").first.fill(name)
    page.locator(f".node-list-row[title='{name}']").first.click()
    page.locator(".pipeline-metadata--visible h2", has_text=name).wait_for()
