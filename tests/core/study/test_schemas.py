"""Tables are refused by column and number of rows; no value of a person is repeated."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import (
    InvalidCohortError,
    InvalidParameterError,
    InvalidScoresError,
    InvalidSplitError,
    Omission,
    omission_table,
)
from faircmr.core.scans import LeftOut, tabulate_left_out
from faircmr.core.study import SCHEMAS, schema_named, validate_scans, validate_scores, validate_subjects
from faircmr.core.study.schemas import validate_splits

SUBJECTS = pd.DataFrame(
    {
        "subject_id": ["sub-0001", "sub-0002"],
        "protected_group": ["A", "B"],
        "age": [61.0, np.nan],
        "centre": ["x", None],
    }
)
SCANS = pd.DataFrame(
    {
        "subject_id": "sub-0001",
        "phase": ["ED", "ES"],
        "labelled": True,
        "fingerprint": ["a", "b"],
        "structures": ["LVBP LVM", ""],
        "slices": 9,
        "rows": 64,
        "columns": 64,
        "spacing_slice": 10.0,
        "spacing_row": 2.25,
        "spacing_column": 2.25,
        "unit": "mm",
        "label_grid": ["as stored", ""],
        "cropped_slices": 9,
        "cropped_rows": 60,
        "cropped_columns": 64,
        "foreground_mean": [200.0, np.nan],
        "foreground_sd": [20.0, np.nan],
        "foreground_percentile_00_5": [-3.0, np.nan],
        "foreground_median": [190.0, np.nan],
        "foreground_percentile_99_5": [290.0, np.nan],
    }
)
SPLITS = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "split": ["train", "test"]})
SCORES = pd.DataFrame(
    {
        "strategy": pd.Categorical(["baseline"] * 2),
        "seed": pd.array([0, 0], dtype="Int64"),
        "fold": pd.array([None, None], dtype="Int64"),
        "study_key": pd.Categorical(["training:1 plans:2"] * 2),
        "subject_id": "sub-0001",
        "phase": pd.Categorical(["ED"] * 2),
        "structure": pd.Categorical(["LVBP", "LVM"]),
        "metric": pd.Categorical(["dsc"] * 2),
        "value": [0.9, 0.8],
    }
)
OMISSIONS = omission_table(
    {
        "Masks": [
            Omission("masks", 4, 28, "no reference"),
            Omission("rows", 2, None, "no id"),
            Omission("scans", 0, 9, ""),
        ]
    }
)
VOLUMES = pd.DataFrame(
    {
        "subject_id": pd.array(["sub-0001", "sub-0001", "sub-0002"], dtype="str"),
        "frame": pd.array([0, 1, None], dtype="Int64"),
        "phase": pd.array(["ED", None, None], dtype="str"),
        "lvbp_ml": [120.0, 80.0, np.nan],
        "lvm_ml": [90.0, 90.0, np.nan],
        "rvbp_ml": [130.0, 95.0, np.nan],
        "problem": pd.array([None, None, "the image file is truncated"], dtype="str"),
    }
)
QUARANTINE = pd.DataFrame(
    {"subject_id": ["sub-0001"] * 2, "phase": ["ED", pd.NA], "reason": ["dark", "gone"]}, dtype="str"
)
LEFT_OUT = tabulate_left_out([LeftOut("files", "a mask", "file-0001"), LeftOut("files", "no NIfTI", count=3)], {}, 9)
GOOD = {
    "subjects": SUBJECTS,
    "scans": SCANS,
    "splits": SPLITS,
    "scores": SCORES,
    "volumes": VOLUMES,
    "quarantine": QUARANTINE,
    "omissions": OMISSIONS,
    "left_out": LEFT_OUT,
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_accepts_a_good_table_and_an_empty_one(name):
    schema = schema_named(name)

    pd.testing.assert_frame_equal(schema.validate(GOOD[name]), GOOD[name])
    assert schema.validate(schema.empty()).dtypes.to_dict() == schema.empty().dtypes.to_dict()


def test_scores_of_all_seeds_together_have_no_seed_and_are_each_there_once():
    together = SCORES.assign(seed=pd.array([None, None], dtype="Int64"))

    assert validate_scores(pd.concat([SCORES, together]))["seed"].isna().tolist() == [False, False, True, True]
    with pytest.raises(InvalidScoresError, match="each row once"):
        validate_scores(pd.concat([together, together]))


def test_keeps_attributes_that_it_knows_nothing_of():
    assert validate_subjects(SUBJECTS)["centre"].isna().tolist() == [False, True]


@pytest.mark.parametrize(
    ("validate", "table", "kind", "message"),
    [
        (
            validate_subjects,
            SUBJECTS.assign(age=[612.0, 1.0]),
            InvalidCohortError,
            r"'age' fails in 1 of 2 .* 0\.\.120",
        ),
        (validate_subjects, SUBJECTS.assign(age=["61", "sixty"]), InvalidCohortError, "'age' fails in 1 of 2 rows"),
        (validate_subjects, SUBJECTS.assign(subject_id="x"), InvalidCohortError, "'subject_id' fails in 2 of 2.*once"),
        (validate_subjects, SUBJECTS.assign(protected_group=["", "B"]), InvalidCohortError, "1 of 2 rows.*not empty"),
        (validate_subjects, SUBJECTS.assign(protected_group=[None, "B"]), InvalidCohortError, "a value in every row"),
        (validate_subjects, SUBJECTS[["subject_id"]], InvalidCohortError, "no column 'protected_group'"),
        (validate_scans, SCANS.assign(rows=0), InvalidCohortError, "'rows' fails in 2 of 2 rows; more than 0"),
        (validate_scans, SCANS.assign(cropped_rows=[0, 9]), InvalidCohortError, "'cropped_rows' fails in 1 of 2"),
        (validate_scans, SCANS.assign(phase="ED"), InvalidCohortError, "each row once"),
        (
            validate_scans,
            SCANS.assign(phase=["ED", "MD"]),
            InvalidCohortError,
            "'phase' fails in 1 of 2.*one of: ED, ES",
        ),
        (validate_splits, SPLITS.assign(split=["train", "tset"]), InvalidSplitError, "one of: train, validation"),
        (validate_splits, pd.concat([SPLITS, SPLITS]), InvalidSplitError, "2 subjects stand in two splits"),
        (validate_scores, SCORES.assign(value=[93.5, 0.8]), InvalidScoresError, r"dsc fails in 1 of 2 .* 0\.\.1"),
        (validate_scores, SCORES.assign(value=[np.nan, 0.8]), InvalidScoresError, "'value' fails in 1 of 2"),
        (validate_scores, SCORES.assign(structure="LVBP"), InvalidScoresError, "each row once"),
    ],
)
def test_names_the_column_and_how_many_rows_fail(validate, table, kind, message):
    with pytest.raises(kind, match=message):
        validate(table)


def test_quotes_no_value_of_a_person_not_even_in_the_error_behind_the_error():
    with pytest.raises(InvalidCohortError) as error:
        validate_subjects(SUBJECTS.assign(age=[612.0, 1.0]))

    assert "612" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.__context__ is None


def test_names_the_schemas_that_there_are():
    with pytest.raises(
        InvalidParameterError, match="'score'; one of: subjects, scans, quarantine, omissions, splits, "
    ):
        schema_named("score")
