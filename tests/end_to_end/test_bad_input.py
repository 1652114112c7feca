"""Bad input ends with one clear line, exit code 1, nothing made before changed, and no source id anywhere.

The subjects of this cohort have 7-digit source ids, as UK Biobank's have.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.bad_input import EVERYTHING, Case
from tests.end_to_end.bad_input_table import PAGE, cases, page, said_by, said_of
from tests.end_to_end.clinic import SUBJECTS, Clinic
from tests.end_to_end.spoiling import change_label, edit_config, image_of, rewrite, without

SEVEN_DIGITS = re.compile(rf"(?<!\d)(?:{'|'.join(SUBJECTS)})(?!\d)")


@pytest.fixture(scope="module")
def finished(clinic_with_finished_study: Clinic) -> Clinic:
    return clinic_with_finished_study


@pytest.fixture
def clinic(finished: Clinic, tmp_path: Path) -> Clinic:
    return finished.copied_to(tmp_path / "clinic")


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "case"), cases().items(), ids=cases())
def test_ends_with_one_clear_line_and_changes_nothing(kind: str, case: Case, clinic: Clinic) -> None:
    case.spoil(clinic)
    before = clinic.contents()

    finished = case.run(clinic)

    last = finished.stderr.strip().splitlines()[-1]
    assert finished.returncode == 1, finished.stderr
    assert re.match(r"Error: " + case.message, last), last
    assert said_of(finished, clinic) == said_by(PAGE.read_text())[kind]
    assert "Traceback" not in finished.stdout + finished.stderr
    after = clinic.contents()
    assert {path: after.get(path) for path in before if path.startswith(case.untouched)}.items() <= before.items()
    assert case.untouched != EVERYTHING or after.keys() == before.keys()
    assert not SEVEN_DIGITS.search(finished.stdout + finished.stderr)
    assert clinic.files_that_name(SEVEN_DIGITS) == []


def test_the_page_of_all_messages_is_what_is_written_of_them() -> None:
    text = PAGE.read_text()

    assert page(said_by(text)) == text
    assert said_by(text).keys() == cases().keys()
    assert len(cases()) >= 24


def test_every_message_says_what_is_wrong_what_is_permitted_and_what_to_do() -> None:
    said = said_by(PAGE.read_text())

    assert [kind for kind, line in said.items() if not re.match(r"\S[^;]*: .+; .+; .+", line)] == []


@pytest.mark.slow
def test_a_good_study_names_no_subject_either(finished: Clinic) -> None:
    assert finished.files_that_name(SEVEN_DIGITS) == []


@pytest.mark.slow
def test_subjects_without_the_protected_attribute_are_dropped_and_counted_where_the_policy_says_so(
    clinic: Clinic,
) -> None:
    edit_config(without("Group"))(clinic)

    finished = clinic.run("--pipelines", "data_engineering", params={"attributes.missing_protected_attribute": "drop"})

    assert finished.returncode == 0, finished.stderr
    assert f"1 of {len(SUBJECTS)} subjects are left out: no pathology" in " ".join(
        (finished.stdout + finished.stderr).split()
    )


@pytest.mark.slow
def test_one_slice_and_slices_far_apart_go_through_the_whole_study(clinic: Clinic) -> None:
    for number, change, zooms in ((0, lambda data: data[:, :, :1], None), (1, lambda data: data, (2.0, 2.0, 25.0))):
        for frame in ("01", "05", "01_gt", "05_gt"):
            subject = clinic.source / SUBJECTS[number]
            rewrite(subject / f"{subject.name}_frame{frame}.nii.gz", change, zooms)

    finished = clinic.run("--pipelines", "baseline")

    assert finished.returncode == 0, finished.stderr
    scans = pd.read_parquet(clinic.data / "02_intermediate" / "scans.parquet")
    assert scans["slices"].tolist()[:4] == [1, 1, 4, 4]
    assert scans["spacing_slice"].tolist()[:4] == [10.0, 10.0, 25.0, 25.0]


@pytest.mark.slow
def test_a_scan_that_cannot_be_used_leaves_with_its_subject_and_the_rest_goes_on(clinic: Clinic) -> None:
    change_label(lambda data: np.where(data == 3, 7, data).astype(np.uint8))(clinic)
    truncate = image_of(clinic, SUBJECTS[7])
    truncate.write_bytes(truncate.read_bytes()[:100])

    run = clinic.run("--pipelines", "data_engineering")

    assert run.returncode == 0, run.stderr
    quarantine = pd.read_csv(clinic.data / "02_intermediate" / "quarantine.csv")
    assert quarantine[["subject_id", "phase"]].to_numpy().tolist() == [["sub-0001", "ED"], ["sub-0008", "ED"]]
    assert quarantine["reason"].str.contains("values 7|truncated").all()
    left = set(pd.read_parquet(clinic.data / "03_primary" / "subjects.parquet")["subject_id"])
    assert len(left) == len(SUBJECTS) - 2
    assert not left & {"sub-0001", "sub-0008"}
    assert "1 of 20 subjects are left out: the image file is truncated" in " ".join(run.stdout.split())
    assert clinic.files_that_name(SEVEN_DIGITS) == []
