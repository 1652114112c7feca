"""What every test can ask for: the repository, real scans where there are some, and a finished tiny study."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests import skip_policy
from tests.made_once import made_once
from tests.studies import TWO, Project, write_tiny_project

# Examples are the same in every run, and no example is judged by its time.
settings.register_profile("faircmr", deadline=None, derandomize=True)
settings.load_profile("faircmr")
CASES = "tests/end_to_end/cases/"


def pytest_configure(config: pytest.Config) -> None:
    skip_policy.register(config)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The repository."""
    return Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def acdc_root(project_root: Path) -> Path:
    """Scans of ACDC in its official layout: real people, never copied into the repository."""
    root = project_root.parent / "shared" / "data" / "acdc"
    if not root.is_dir():
        pytest.skip("ACDC lies elsewhere: expected beside the repository, in shared/data/acdc")
    return root


@pytest.fixture
def tiny_project(tmp_path: Path, project_root: Path) -> Project:
    """A project whose study is tiny and has not begun."""
    return write_tiny_project(tmp_path / "project", project_root)


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    """A project whose tiny study of two strategies is finished; shared by all tests, so only to be read."""

    def make(folder: Path) -> None:
        finished = write_tiny_project(folder, project_root).run("--pipelines", ",".join(TWO))
        assert finished.returncode == 0, finished.stdout + finished.stderr

    return Project(made_once(tmp_path_factory, "finished-study", make))


@pytest.fixture
def finished_project(finished_study: Project, tmp_path: Path) -> Project:
    """A copy of the finished tiny study, to be changed."""
    return finished_study.copied_to(tmp_path / "project")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long the cases of real inputs took together, making of inputs included.

    It stands here because the process that hands out tests to others reads no ``conftest.py`` of a folder below.
    """
    reports = [
        report
        for outcome in ("passed", "failed", "error", "skipped")
        for report in terminalreporter.stats.get(outcome, [])
        if report.nodeid.startswith(CASES)
    ]
    if reports:
        tried = {report.nodeid for report in reports}
        # setup and teardown of what passed are listed under the empty outcome
        others = [report for report in terminalreporter.stats.get("", []) if report.nodeid in tried]
        seconds = sum(report.duration for report in [*reports, *others])
        terminalreporter.write_line(f"cases of real inputs: {len(tried)} tried in {seconds:.0f} s")
