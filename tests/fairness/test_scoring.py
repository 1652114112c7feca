"""Long scores: one row a subject, phase, structure and metric."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidScoresError
from faircmr.core.schemas import SCORE_TYPES
from faircmr.fairness.scoring import ScoredScan, collect_scores, score_prediction


def heart(*structures: Structure) -> np.ndarray:
    label = np.zeros((2, 4, 4), np.uint8)
    for structure in structures:
        label[:, structure] = structure
    return label


def scan(subject_id: str = "sub-0001", phase: Phase = Phase.ED, fold: int | None = None) -> ScoredScan:
    return ScoredScan("baseline", 0, fold, "cohort:1 splits:2", subject_id, phase)


def test_a_perfect_prediction_scores_one_for_every_structure():
    scores = score_prediction(heart(*Structure), heart(*Structure))

    assert scores.to_dict("list") == {
        "structure": ["LVBP", "LVM", "RVBP"],
        "metric": ["dsc"] * 3,
        "value": [1.0] * 3,
    }


def test_a_missed_and_an_invented_structure_have_a_row_and_score_zero():
    scores = score_prediction(heart(Structure.LVBP), heart(Structure.RVBP)).set_index("structure")["value"]

    assert scores.to_dict() == {"LVBP": 0.0, "RVBP": 0.0}


def test_a_structure_that_nobody_drew_and_nobody_found_has_no_row():
    scores = score_prediction(heart(Structure.LVBP, Structure.LVM), heart(Structure.LVBP, Structure.LVM))

    assert scores["structure"].tolist() == ["LVBP", "LVM"]
    assert scores["value"].notna().all()


@pytest.mark.parametrize("name", ["prediction", "reference"])
def test_refuses_a_label_that_is_no_structure_without_quoting_it(name):
    images = {"prediction": heart(*Structure), "reference": heart(*Structure)}
    images[name][0, 0, 0] = 117

    with pytest.raises(InvalidScoresError, match=rf"{name}: a label that is no structure; labels 0\.\.3$"):
        score_prediction(**images)


def test_every_row_says_whose_it_is_and_which_model_made_it():
    perfect = score_prediction(heart(*Structure), heart(*Structure))
    nothing = score_prediction(heart(), heart(Structure.LVBP))

    scores = collect_scores([(scan(phase=Phase.ED), perfect), (scan("sub-0002", Phase.ES, fold=1), nothing)])

    assert scores.dtypes.astype(str).to_dict() == SCORE_TYPES
    assert scores["subject_id"].tolist() == ["sub-0001"] * 3 + ["sub-0002"]
    assert scores["phase"].tolist() == ["ED"] * 3 + ["ES"]
    assert scores["fold"].isna().tolist() == [True] * 3 + [False]
    assert scores["value"].tolist() == [1.0, 1.0, 1.0, 0.0]


def test_no_scored_scan_is_an_empty_table_of_the_same_columns_and_types():
    scores = collect_scores(iter(()))

    assert scores.empty
    assert scores.dtypes.astype(str).to_dict() == SCORE_TYPES


def test_scores_come_back_from_parquet_as_they_were(tmp_path):
    scores = collect_scores([(scan(), score_prediction(heart(*Structure), heart(*Structure)))])

    scores.to_parquet(tmp_path / "scores.parquet")

    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "scores.parquet"), scores)
