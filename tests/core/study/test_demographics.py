"""The description of the cohort against numbers counted by hand."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core.study import summarise

SUBJECTS = pd.DataFrame(
    {
        "subject_id": [f"sub-{number:04d}" for number in range(1, 6)],
        "protected_group": ["B", "A", "A", "A", "A"],
        "sex": ["female", "female", "male", "male", None],
        "age": [50.0, 60.0, 64.0, np.nan, 68.0],
    }
)


def test_counts_groups_sexes_and_ages():
    table = summarise(SUBJECTS).set_index("protected_group")

    assert list(table.index) == ["A", "B", "Total"]
    assert table["n"].tolist() == [4, 1, 5]
    assert table["percent"].tolist() == [80.0, 20.0, 100.0]
    assert table["sex_female"].tolist() == [1, 1, 2]
    assert table["sex_missing"].tolist() == [1, 0, 1]
    assert table["sex_male_percent"].tolist() == pytest.approx([200 / 3, 0.0, 50.0])
    assert table.loc["A", ["age_mean", "age_sd", "age_missing"]].tolist() == [64.0, 4.0, 1]


def test_has_no_standard_deviation_of_one_age():
    assert np.isnan(summarise(SUBJECTS).set_index("protected_group").loc["B", "age_sd"])


def test_leaves_out_what_the_cohort_does_not_know():
    table = summarise(SUBJECTS[["subject_id", "protected_group"]])

    assert list(table.columns) == ["protected_group", "n", "percent"]
