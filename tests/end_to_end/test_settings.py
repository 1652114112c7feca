"""Odd settings through the whole command: one line, exit status 1, and a project that is as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.studies import Project, digests, write_tiny_project

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return write_tiny_project(tmp_path_factory.mktemp("settings") / "project", REPOSITORY)


def files(project: Project) -> dict[str, str]:
    """What is in the project's folder, but for the log and compiled Python."""
    found = digests(project.folder)
    return {
        name: digest for name, digest in found.items() if not name.startswith("logs/") and "__pycache__" not in name
    }


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("run", "--params", "data_root="), "data_root: empty; a value; "),
        (("run", "--env", "acdc", "--params", "source_root=~,data_root=x"), "source_root: ~; a value; "),
        (("run", "--pipelines", "audit", "--params", "audit_scores={x}"), "audit_scores: {'x': None}; a path "),
        (("run", "--env", "odd"), "data_root: 'None'; a path, not a word for a missing or a truth value; "),
        (("run", "--params", "cohort_seed=true"), "cohort_seed: true; a number, not true or false; "),
        (("catalog", "describe-datasets", "--env", "odd"), "data_root: 'None'; a path, "),
    ],
)
def test_an_odd_setting_ends_with_one_line_and_leaves_nothing(
    project: Project, arguments: tuple[str, ...], line: str
) -> None:
    (project.folder / "conf" / "odd").mkdir(exist_ok=True)
    (project.folder / "conf" / "odd" / "globals.yml").write_text("data_root: None\n")
    before = files(project)

    finished = project.kedro(*arguments)

    assert finished.returncode == 1
    assert finished.stderr.splitlines()[-1].startswith(f"Error: {line}")
    assert "Traceback" not in finished.stderr
    assert files(project) == before
