"""The browser, and a finished tiny study with all of its pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.looking import chromium
from tests.made_once import made_once
from tests.studies import Project


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        try:
            opened = chromium(playwright)
        except FileNotFoundError as error:
            pytest.fail(str(error), pytrace=False)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def shown_study(tmp_path_factory: pytest.TempPathFactory, finished_study: Project) -> Project:
    """A project whose study of two strategies is finished, and its cohort described."""

    def make(folder: Path) -> None:
        finished = finished_study.copied_to(folder).run("--pipelines", "cohort_report")
        assert finished.returncode == 0, finished.stderr

    return Project(made_once(tmp_path_factory, "shown-study", make))
