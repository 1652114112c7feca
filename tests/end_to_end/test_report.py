"""The fairness report of a study that has been run: one page, from what is saved."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.studies import Project

FIGURES = ("strategies", "cohort", "groups", "disparity", "changes", "pareto")
FOR_A_PAPER = {
    *(f"table{one}.{kind}" for one in (1, 2) for kind in ("csv", "tex")),
    *(f"{figure}.{kind}" for figure in FIGURES for kind in ("svg", "pdf")),
    *("model_card.md", "datasheet.md"),
}
LIMIT = 5 * 2**20
STUDY_KEY = re.compile(r"\bsub-\w+")


def report_of(project: Project) -> str:
    return (project.data / "08_reporting" / "report.html").read_text()


def whole(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".json"}


def test_a_study_ends_with_its_report_and_what_goes_into_a_paper(finished_study: Project):
    report = report_of(finished_study)

    assert len(report) < LIMIT
    assert "baseline" in report
    assert "data:image/jpeg" in report
    assert whole(finished_study.data / "08_reporting" / "paper") == FOR_A_PAPER


def test_it_loads_nothing_and_names_nobody(finished_study: Project):
    report = report_of(finished_study)

    assert not re.search(r'(?:src|href)="(?!data:|#)', report)
    assert not STUDY_KEY.search(report)


def test_no_image_of_anybody_where_none_is_wanted(finished_project: Project):
    finished = finished_project.run("--pipelines", "reporting", params={"report.examples": 0})

    assert finished.returncode == 0, finished.stderr
    assert "data:image/jpeg" not in report_of(finished_project)


def test_is_written_again_without_scoring_again(finished_project: Project):
    before = finished_project.contents()
    (finished_project.data / "08_reporting" / "report.html").unlink()

    finished = finished_project.run("--pipelines", "reporting")

    assert finished.returncode == 0, finished.stderr
    assert re.findall(r"Running node: (\w+)", finished.stdout + finished.stderr) == ["report_study"]
    assert finished_project.contents() == before


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
def test_another_study_stands_beside_it_where_it_is_named(finished_project: Project, tmp_path: Path, named: bool):
    other = finished_project.copied_to(tmp_path / "other").data

    finished = finished_project.run("--pipelines", "reporting", params={"compare_root": other} if named else {})

    assert finished.returncode == 0, finished.stderr
    assert ("This study and the other" in report_of(finished_project)) is named


def test_a_study_that_is_named_and_not_there_is_an_error(finished_project: Project, tmp_path: Path):
    finished = finished_project.run("--pipelines", "reporting", params={"compare_root": tmp_path / "nobody"})

    assert finished.returncode != 0
    assert finished.stderr.strip().splitlines()[-1].startswith("Error: compare_root")
