"""A project for all cases, a folder for each, and the time that they took together."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.cases.place import Place
from tests.made_once import made_once
from tests.studies import Project, write_tiny_project

FOLDER = "tests/end_to_end/cases/"


@pytest.fixture(scope="session")
def cases_project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A project without a study; every case has its study elsewhere."""
    return Project(made_once(tmp_path_factory, "cases", lambda folder: write_tiny_project(folder, project_root)))


@pytest.fixture
def place(cases_project: Project, tmp_path: Path) -> Place:
    (tmp_path / "inputs").mkdir()
    return Place(cases_project, tmp_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long the cases took together, making of inputs included."""
    reports = [
        report
        for outcome in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(outcome, [])
        if report.nodeid.startswith(FOLDER)
    ]
    if reports:
        tried = {report.nodeid for report in reports}
        # setup and teardown of what passed are listed under the empty outcome
        others = [report for report in terminalreporter.stats.get("", []) if report.nodeid in tried]
        seconds = sum(report.duration for report in [*reports, *others])
        terminalreporter.write_line(f"cases of real inputs: {len(tried)} tried in {seconds:.0f} s")
