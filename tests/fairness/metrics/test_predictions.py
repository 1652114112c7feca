"""Every prediction is scored against the label of its own scan."""

import logging

import numpy as np
import pandas as pd

from faircmr.core.scans import (
    ALL_STRUCTURES,
    Cohort,
    Geometry,
    Phase,
    Prediction,
    PredictionKey,
    Scan,
    ScanFiles,
    Structure,
)
from faircmr.fairness.metrics import score_predictions

GRID = Geometry((1, 2, 4), (10.0, 1.0, 1.0))
DRAWN = np.array([[[1, 1, 2, 2], [3, 3, 0, 0]]], np.uint8)
MISSED = np.where(DRAWN == Structure.RVBP, 0, DRAWN).astype(np.uint8)


def cohort_of(labels: dict[tuple[str, Phase], np.ndarray | None]) -> Cohort:
    scans = {f"{key}": Scan(np.zeros(GRID.shape, np.float32), label, GRID) for key, label in labels.items()}
    files = {key: ScanFiles(image=f"{key}") for key in labels}
    return Cohort(pd.DataFrame(), pd.DataFrame(), files, lambda files: scans[files.image])


def predicted(label: np.ndarray, subject_id: str, phase: Phase, seed: int = 0) -> dict[PredictionKey, Prediction]:
    prediction = Prediction(subject_id, phase, seed, None, label, GRID)
    return {prediction.key: prediction}


def test_joins_by_subject_and_phase_and_keeps_seeds_apart():
    cohort = cohort_of({("sub-0001", Phase.ED): DRAWN, ("sub-0001", Phase.ES): MISSED})
    predictions = {
        **predicted(DRAWN, "sub-0001", Phase.ED),
        **predicted(MISSED, "sub-0001", Phase.ED, seed=1),
        **predicted(MISSED, "sub-0001", Phase.ES),
    }

    scores = score_predictions(predictions, cohort, ALL_STRUCTURES, "baseline", "cohort:1")

    by_scan = scores[scores["metric"] == "dsc"].pivot_table(
        index=["seed", "phase"], columns="structure", values="value"
    )
    assert by_scan.loc[(0, "ED")].tolist() == [1.0, 1.0, 1.0]
    assert by_scan.loc[(1, "ED")].tolist() == [1.0, 1.0, 0.0]
    assert by_scan.loc[(0, "ES"), ["LVBP", "LVM"]].tolist() == [1.0, 1.0]
    assert np.isnan(by_scan.loc[(0, "ES"), "RVBP"])
    assert set(scores["strategy"]) == {"baseline"}
    assert set(scores["study_key"]) == {"cohort:1"}


def test_scans_without_a_reference_are_counted_and_not_scored(caplog):
    caplog.set_level(logging.WARNING, logger="faircmr")
    cohort = cohort_of({("sub-0001", Phase.ED): DRAWN, ("sub-0002", Phase.ED): None})
    predictions = {**predicted(DRAWN, "sub-0001", Phase.ED), **predicted(DRAWN, "sub-0002", Phase.ED)}

    scores = score_predictions(predictions, cohort, ALL_STRUCTURES, "baseline", "cohort:1")

    assert set(scores["subject_id"]) == {"sub-0001"}
    assert caplog.messages == ["1 of 2 predicted scans are not scored: no reference label"]


def test_of_a_structure_that_the_study_does_not_have_nothing_is_said():
    cohort = cohort_of({("sub-0001", Phase.ED): DRAWN})

    scores = score_predictions(
        predicted(MISSED, "sub-0001", Phase.ED), cohort, (Structure.LVBP, Structure.LVM), "baseline", "cohort:1"
    )

    assert set(scores["structure"]) == {"LVBP", "LVM"}
    assert (scores.loc[scores["metric"] == "dsc", "value"] == 1.0).all()
