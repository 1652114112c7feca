"""Long scores: one row a subject, phase, structure and metric."""

import weakref

import numpy as np
import pandas as pd

from faircmr.core.scans import Phase, Structure
from faircmr.core.study import SCORE_TYPES
from faircmr.fairness.metrics import scoring
from faircmr.fairness.metrics.scan import score_scan
from faircmr.fairness.metrics.scoring import ScoredScan, collect_scores


def heart(*structures: Structure) -> np.ndarray:
    label = np.zeros((2, 4, 4), np.uint8)
    for structure in structures:
        label[:, structure] = structure
    return label


def scan(subject_id: str = "sub-0001", phase: Phase = Phase.ED, fold: int | None = None) -> ScoredScan:
    return ScoredScan("baseline", 0, fold, "cohort:1 splits:2", subject_id, phase)


def dice_of(prediction: np.ndarray, reference: np.ndarray) -> pd.DataFrame:
    scores = score_scan(prediction, reference, (10.0, 1.0, 1.0))
    return scores[scores["metric"] == "dsc"]


def test_every_row_says_whose_it_is_and_which_model_made_it():
    perfect = dice_of(heart(*Structure), heart(*Structure))
    nothing = dice_of(heart(), heart(Structure.LVBP))

    scores = collect_scores([(scan(phase=Phase.ED), perfect), (scan("sub-0002", Phase.ES, fold=1), nothing)])

    assert scores.dtypes.astype(str).to_dict() == SCORE_TYPES
    assert scores["subject_id"].tolist() == ["sub-0001"] * 3 + ["sub-0002"]
    assert scores["phase"].tolist() == ["ED"] * 3 + ["ES"]
    assert scores["fold"].isna().tolist() == [True] * 3 + [False]
    assert scores["value"].tolist() == [1.0, 1.0, 1.0, 0.0]


def test_scans_that_are_put_together_in_turns_make_the_table_that_they_make_at_once(monkeypatch):
    dice = dice_of(heart(*Structure), heart(*Structure))
    scans = [(scan(f"sub-{number:04d}", fold=number % 3 or None), dice) for number in range(7)]
    at_once = collect_scores(scans)

    monkeypatch.setattr(scoring, "SCANS_AT_ONCE", 3)

    pd.testing.assert_frame_equal(collect_scores(iter(scans)), at_once)
    assert at_once["subject_id"].nunique() == 7


def test_small_tables_are_let_go_once_they_are_put_together(monkeypatch):
    monkeypatch.setattr(scoring, "SCANS_AT_ONCE", 2)
    held: list[weakref.ref[pd.DataFrame]] = []

    def scored():
        for number in range(19):
            rows = dice_of(heart(*Structure), heart(*Structure))
            held.append(weakref.ref(rows))
            yield scan(f"sub-{number:04d}"), rows
            del rows
            # those that were put together last, and those that will be next
            assert sum(one() is not None for one in held) <= 4

    assert len(collect_scores(scored())) == 19 * len(Structure)


def test_no_scored_scan_is_an_empty_table_of_the_same_columns_and_types():
    scores = collect_scores(iter(()))

    assert scores.empty
    assert scores.dtypes.astype(str).to_dict() == SCORE_TYPES


def test_scores_come_back_from_parquet_as_they_were(tmp_path):
    scores = collect_scores([(scan(), dice_of(heart(*Structure), heart(*Structure)))])

    scores.to_parquet(tmp_path / "scores.parquet")

    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "scores.parquet"), scores)
