"""The localiser's errors stand by group."""

import pandas as pd
import pytest

from faircmr.fairness.metrics import localiser_table
from faircmr.fairness.metrics.localisation import COLUMNS

SUBJECTS = pd.DataFrame({"subject_id": ["s1", "s2", "s3"], "protected_group": ["A", "A", "B"]})
SCORES = pd.DataFrame(
    {
        "subject_id": ["s1", "s2", "s3"],
        "located": [True, True, False],
        "heart_inside": [1.0, 0.9, float("nan")],
        "box_overlap": [0.8, 0.6, float("nan")],
        "centre_error": [2.0, 4.0, float("nan")],
    }
)


def test_a_row_a_group_and_one_for_all():
    table = localiser_table(SCORES, SUBJECTS).set_index("group")

    assert list(table.index) == ["A", "B", "all"]
    assert table["n"].tolist() == [2, 1, 3]
    assert table["not_located"].tolist() == [0, 1, 1]
    assert table.loc["A", "heart_inside"] == pytest.approx(95.0)
    assert table.loc["A", "least_inside"] == pytest.approx(90.0)
    assert table.loc["A", "box_overlap"] == pytest.approx(70.0)
    assert table.loc["all", "centre_error"] == pytest.approx(3.0)
    assert table.loc["B"].isna()["heart_inside"]


def test_full_images_have_no_rows():
    table = localiser_table(SCORES.iloc[:0], SUBJECTS)
    assert table.empty
    assert list(table.columns) == COLUMNS
