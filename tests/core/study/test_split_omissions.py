"""Who takes no full part in training is counted with the reason, whatever the division."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import pytest

from faircmr.core import omissions_in
from faircmr.core.study.division import DIVIDING, STRUCTURES, split_omissions

SUBJECTS = [f"sub-{number:04d}" for number in range(1, 9)]
PARTS = ["train"] * 4 + ["validation", "test", "test", "test"]


def scans(unlabelled: Mapping[str, set[str]] | None = None, drawn: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Both phases of every subject."""
    without, shown = unlabelled or {}, drawn or {}
    rows = [
        (one, phase, phase not in without.get(one, set()), shown.get(phase, "LVBP LVM"))
        for one in SUBJECTS
        for phase in ("ED", "ES")
    ]
    table = pd.DataFrame(rows, columns=["subject_id", "phase", "labelled", "structures"])
    return table.assign(structures=table["structures"].where(table["labelled"], ""))


def splits(*parts: str, fold: int | None = None) -> pd.DataFrame:
    table = pd.DataFrame({"subject_id": SUBJECTS, "split": parts or PARTS})
    return table if fold is None else table.assign(fold=fold)


def told(table: pd.DataFrame) -> list[tuple[str, str]]:
    return [(step, str(one)) for step, some in omissions_in(table).items() for one in some]


def test_nothing_is_said_of_a_study_in_which_everybody_has_a_part():
    assert told(split_omissions(scans(), splits(), splits())) == []


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (
            scans({SUBJECTS[0]: {"ED", "ES"}, SUBJECTS[5]: {"ED", "ES"}}),
            "2 of 8 subjects are predicted, never trained on: no label",
        ),
        (scans({SUBJECTS[0]: {"ES"}}), "1 of 8 subjects are known at the other phase only: no label at one phase"),
        (
            scans().iloc[1:],
            "1 of 8 subjects are known at one phase only: the data set has no scan of the other phase",
        ),
    ],
    ids=["no label", "one label", "one scan"],
)
def test_labels_and_scans_that_are_missing_are_counted(table: pd.DataFrame, sentence: str):
    assert told(split_omissions(table, splits(), splits())) == [(DIVIDING, sentence)]


def test_subjects_that_given_splits_leave_out_are_counted_once():
    given = splits(*["unused"] * 2, *PARTS[2:])

    expected = [(DIVIDING, "2 of 8 subjects are left out: the splits give them no part")]
    assert told(split_omissions(scans(), given, given)) == expected


def test_who_is_unused_in_one_fold_has_a_part_in_another():
    folds = pd.concat([splits(*["unused"] * 2, *PARTS[2:], fold=0), splits(fold=1)])

    assert told(split_omissions(scans(), folds, folds)) == []


@pytest.mark.parametrize("folds", [1, 2])
def test_who_is_left_out_to_induce_an_imbalance_is_counted(folds: int):
    divided = splits() if folds == 1 else pd.concat([splits(fold=fold) for fold in range(folds)])
    selected = divided.assign(split=divided["split"].mask(divided["subject_id"] == SUBJECTS[0], "unused"))

    ((step, sentence),) = told(split_omissions(scans(), divided, selected))

    assert step == DIVIDING
    assert sentence.startswith(f"{folds} of {4 * folds} training subjects")
    assert "cohort_selection.proportions" in sentence


def test_structures_are_those_of_the_subjects_that_train_and_validate():
    table = scans(drawn={"ED": "LVBP LVM", "ES": "LVBP"})

    assert told(split_omissions(table, splits(), splits())) == [
        (STRUCTURES, "1 of 2 structures are left out: LVM is drawn at ED only")
    ]
    # what test subjects show is not asked
    tested = table["subject_id"].isin(SUBJECTS[5:])
    table.loc[~tested, "structures"] = "LVBP LVM"
    assert told(split_omissions(table, splits(), splits())) == []


def test_the_console_says_what_the_table_says(caplog: pytest.LogCaptureFixture):
    table = split_omissions(scans({SUBJECTS[0]: {"ED", "ES"}}, {"ES": "LVBP"}), splits(), splits())

    assert caplog.messages == [sentence for _, sentence in told(table)]
    assert len(caplog.messages) == 2
    assert "sub-" not in caplog.text
