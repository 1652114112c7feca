"""Every page of a study, opened from its file as a reader does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePath

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from faircmr.reporting.report import CasePictures, study_report
from tests.architecture.configuration import catalog
from tests.browser.looking import NARROW, WIDE, Looked, looking_at
from tests.reporting.report.simulated import study
from tests.studies import Project

pytestmark = [pytest.mark.slow, pytest.mark.browser]
PAGES = {
    name: entry["filepath"]
    for name, entry in catalog("base", data_root=".").items()
    if PurePath(entry["filepath"]).suffix == ".html" and name != "audit.report"  # that is audit_report of other scores
}
FULL_REPORT = "full report"
"""Of a simulated study, with everything that a page can do; the others of the study that was run."""
every_page = pytest.mark.parametrize("name", [*PAGES, FULL_REPORT])
SERIOUS = {"serious", "critical"}


@pytest.fixture(scope="session")
def full_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    page = tmp_path_factory.mktemp("report") / "report.html"
    page.write_text(study_report(study(), CasePictures(), "Is every group segmented as well?"))
    return page


@pytest.fixture
def address(name: str, full_report: Path, request: pytest.FixtureRequest) -> str:
    if name == FULL_REPORT:
        return full_report.as_uri()
    shown: Project = request.getfixturevalue("shown_study")
    return (shown.data / PAGES[name]).as_uri()


@pytest.fixture
def opened(browser: Browser, address: str) -> Iterator[Looked]:
    with looking_at(browser, address) as looked:
        yield looked


@pytest.fixture
def report(browser: Browser, full_report: Path) -> Iterator[Looked]:
    with looking_at(browser, full_report.as_uri()) as looked:
        yield looked


def test_there_are_pages_to_look_at():
    assert {"audit_report", "cohort_report"} <= set(PAGES)


@every_page
def test_opens_from_its_file_complains_of_nothing_and_asks_nobody(opened: Looked):
    assert opened.page.locator("h1").count() == 1
    assert opened.page.title()
    assert opened.complaints == []
    assert opened.left == []


@every_page
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_is_no_wider_than_its_window(browser: Browser, address: str, width: int):
    with looking_at(browser, address, width) as looked:
        wider = [tab for tab in each_tab(looked.page) if looked.overflow > 0]

    assert wider == []


@every_page
def test_is_readable_without_javascript(browser: Browser, address: str):
    with looking_at(browser, address, java_script_enabled=False) as looked:
        tables = looked.page.locator("table:not(details table)")

        assert tables.count() > 0
        assert all(table.is_visible() for table in tables.all())


@every_page
def test_has_no_serious_obstacle_for_anybody(opened: Looked):
    found = {
        f"{tab}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
        for tab in each_tab(opened.page)
        for violation in Axe().run(opened.page).response["violations"]
        if violation["impact"] in SERIOUS
    }

    assert found == set()


def test_every_tab_shows_its_own_panel(report: Looked):
    tabs = 0
    for tab in each_tab(report.page):
        chosen = report.page.locator("[role=tab][aria-selected=true]")
        assert (tab, chosen.count()) == (chosen.inner_text(), 1)
        assert [panel.get_attribute("aria-labelledby") for panel in visible(report.page, "[role=tabpanel]")] == [
            chosen.get_attribute("id")
        ]
        tabs += 1

    assert tabs > 1


def test_every_table_sorts_by_every_column_and_back(report: Looked):
    sorted_columns = 0
    for _ in each_tab(report.page):
        for button in visible(report.page, "table.sortable th button"):
            head = button.locator("xpath=ancestor::th")
            body = button.locator("xpath=ancestor::table").locator("tbody")

            rows = sorted(body.first.locator("tr").all_inner_texts())
            button.click()
            assert head.get_attribute("aria-sort") == "ascending"
            button.click()
            assert head.get_attribute("aria-sort") == "descending"
            assert sorted(body.first.locator("tr").all_inner_texts()) == rows
            sorted_columns += 1

    assert sorted_columns > 1


def test_every_explanation_appears_by_mouse_and_keyboard_and_goes(report: Looked):
    explained = 0
    for _ in each_tab(report.page):
        for term in visible(report.page, "[data-tip]"):
            tip = report.page.locator("[role=tooltip]")

            term.hover()
            assert tip.is_visible()
            assert tip.inner_text() == term.get_attribute("data-tip")
            report.page.mouse.move(0, 0)
            report.page.keyboard.press("Escape")
            assert not tip.is_visible()
            explained += 1

    assert explained > 1


def test_every_section_that_folds_does_so_by_keyboard(report: Looked):
    folded = 0
    for _ in each_tab(report.page):
        for summary in visible(report.page, "details > summary"):
            fold = summary.locator("xpath=..")
            before = fold.get_attribute("open")
            summary.focus()
            report.page.keyboard.press("Enter")

            assert (fold.get_attribute("open") is None) == (before is not None)
            folded += 1

    assert folded > 1


def each_tab(page: Page) -> Iterator[str]:
    """Choose one tab after the other and give its name; a page without tabs is as if it had one."""
    tabs = page.locator("[role=tab]").all()
    for tab in tabs:
        tab.click()
        yield tab.inner_text()
    if not tabs:
        yield ""


def visible(page: Page, selector: str) -> list:
    return [one for one in page.locator(selector).all() if one.is_visible()]
