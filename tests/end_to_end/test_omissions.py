"""Whatever the console says is left out is on the pages too, with the same counts and reasons."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest

from faircmr.core import omissions_in
from tests.end_to_end.test_other_cohorts import SUBJECTS, checked, shrink, write_mnms
from tests.studies import Project, write_tiny_project

pytestmark = pytest.mark.slow

SAID = re.compile(r"WARNING\s+(?P<counted>\d+(?: of \d+)? .+?) are (?P<outcome>.+?): (?P<reason>.+?)\s*$", re.MULTILINE)
"""A line of the console about something that was left out."""
DAMAGED, SEXLESS, UNSEEN = SUBJECTS[1], SUBJECTS[2], "X999Y9"
PARAMS = {
    "source_root": "scans",
    "attributes.missing_protected_attribute": "drop",
    "cohort_selection.proportions.female": 0.3,
}


def spoil(root: Path) -> None:
    """An image that is cut off, a subject without sex, and a row without a scan; one subject has no labels anyhow."""
    (image,) = root.rglob(f"{DAMAGED}_sa.nii.gz")
    image.write_bytes(image.read_bytes()[:200])
    table = root / "information.csv"
    lines = table.read_text().splitlines()
    lines = [re.sub(r",[FM],170", ",,170", line) if SEXLESS in line else line for line in lines]
    table.write_text("\n".join([*lines, lines[1].replace(SUBJECTS[0], UNSEEN)]) + "\n")


@pytest.fixture(scope="module")
def spoilt(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> tuple[Project, CompletedProcess[str]]:
    """A study of what is left, and what its run said."""
    project = write_tiny_project(tmp_path_factory.mktemp("omissions") / "project", project_root)
    write_mnms(project.folder / "scans")
    spoil(project.folder / "scans")
    shrink(project, "mnms", 1)
    pipelines = "cohort_report,baseline,stratified,evaluation,reporting"
    return project, checked(project.run("--env", "mnms", "--pipelines", pipelines, params=PARAMS))


def seen(page: Path) -> str:
    """What a reader sees, in one line."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", page.read_text(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def said(finished: CompletedProcess[str]) -> set[tuple[str, str, str]]:
    """Counts, outcomes and reasons of the console's lines, once each."""
    # what follows in the next line is indented as far as the message
    found = SAID.finditer(re.sub(r" *\n {29}(?=\S)", " ", finished.stdout + finished.stderr))
    return {(one["counted"], one["outcome"], one["reason"]) for one in found}


def test_everything_that_was_spoilt_is_said_on_the_console(spoilt: tuple[Project, CompletedProcess[str]]):
    lines = {f"{counted} are {outcome}" for counted, outcome, _ in said(spoilt[1])}

    assert {
        "1 of 13 subjects with attributes are left out",
        "1 of 12 subjects are left out",
        "1 of 11 subjects are left out",
        "1 of 10 subjects are predicted, never trained on",
    } <= lines
    assert any(line.endswith("predicted scans are not scored") for line in lines)
    assert any(line.endswith("training subjects are left out") for line in lines)


def test_every_line_of_the_console_is_in_the_report(spoilt: tuple[Project, CompletedProcess[str]]):
    project, finished = spoilt
    text = seen(project.folder / "data" / "mnms" / "08_reporting" / "report.html")

    missing = {line for line in said(finished) if " ".join(line) not in text}
    assert said(finished)
    assert missing == set()


def test_what_concerns_the_data_set_is_on_the_page_of_the_cohort(spoilt: tuple[Project, CompletedProcess[str]]):
    project, finished = spoilt
    text = seen(project.folder / "data" / "mnms" / "08_reporting" / "cohort_report.html")

    missing = {line for line in said(finished) if " ".join(line) not in text}
    # what a strategy leaves out is known after the cohort's page
    assert all("predicted scans" in counted for counted, *_ in missing)


def test_tables_of_omissions_name_nobody(spoilt: tuple[Project, CompletedProcess[str]]):
    study = spoilt[0].folder / "data" / "mnms"
    tables = [path for path in study.rglob("omissions.csv") if "cohort" not in path.parts]

    assert {path.parent.name for path in tables} == {
        "02_intermediate",
        "05_model_input",
        "baseline",
        "stratified",
        "report",
    }
    for path in tables:
        assert not re.search(r"X\d{3}Y9|sub-\w", path.read_text())
        assert omissions_in(pd.read_csv(path, keep_default_na=False, na_values=[""]))


def test_a_line_that_is_gone_from_the_data_is_gone_from_the_page(spoilt: tuple[Project, CompletedProcess[str]]):
    project, _ = spoilt
    table = project.folder / "scans" / "information.csv"
    table.write_text("".join(line for line in table.read_text().splitlines(keepends=True) if UNSEEN not in line))

    checked(project.run("--env", "mnms", "--pipelines", "cohort_report", params=PARAMS))

    text = seen(project.folder / "data" / "mnms" / "08_reporting" / "cohort_report.html")
    assert "subjects with attributes" not in text
    assert "1 of 12 subjects left out" in text


def test_no_warning_is_given_twice_in_one_run(spoilt: tuple[Project, CompletedProcess[str]]):
    lines = re.sub(r" *\n {29}(?=\S)", " ", spoilt[1].stdout + spoilt[1].stderr).splitlines()
    warnings = Counter(line.partition("WARNING")[2].strip() for line in lines if "WARNING" in line)

    assert warnings
    assert [text for text, times in warnings.items() if times > 1] == []
