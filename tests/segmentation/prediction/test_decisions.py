"""Decisions on validation subjects: first calibration, then post-processing."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from faircmr.core.scans import ALL_STRUCTURES, Phase, Scan
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import TensorStore, image_name, label_on_grid
from faircmr.segmentation.prediction import PredictionTargets, Predictor, Routes, predict_fits
from faircmr.segmentation.prediction.calibration import Calibration, adjust_probabilities
from faircmr.segmentation.prediction.decisions import choose_postprocessing
from faircmr.segmentation.training import TrainedModels
from tests.segmentation.finished_fits import finished_models
from tests.segmentation.phantoms import phantom

HOW = InferenceParameters(device="cpu", threads=1)
KEYS = {f"sub-000{number}": "A" if number < 4 else "B" for number in range(1, 8)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> TrainedModels:
    return finished_models(tmp_path_factory.mktemp("models"), seeds=(7, 8))


def read(subject_id: str, phase: Phase) -> Scan:
    return phantom(2 * (int(subject_id[-1]) - 1) + list(Phase).index(phase))


def whom(*subjects: str) -> PredictionTargets:
    return PredictionTargets(lambda _: subjects, lambda _: {}, Routes(KEYS))


def decide(models: TrainedModels, tensors: Path, fewest: int | None, how: InferenceParameters = HOW):
    validated = whom("sub-0001", "sub-0002", "sub-0003", "sub-0004")
    return choose_postprocessing(models, TensorStore(tensors), validated, read, ALL_STRUCTURES, how, fewest)


def test_nothing_is_adjusted_where_nobody_asked(models: TrainedModels, tensors: Path):
    assert decide(models, tensors, None).calibration == Calibration()


def test_a_key_with_enough_subjects_is_adjusted_and_others_are_left(models: TrainedModels, tensors: Path, caplog):
    with caplog.at_level(logging.INFO):
        (fold,) = decide(models, tensors, 3).calibration.folds

    a, b = fold.adjustments
    assert (a.key, a.subjects, b.key, b.subjects) == ("A", 3, "B", 1), "a person counts once, whatever the seeds"
    assert a.nll_after < a.nll_before
    assert b.is_identity
    assert "fewer than 3" in b.note
    assert any(message.startswith("calibration: 1 of 2 keys adjusted; unchanged: B") for message in caplog.messages)


def test_predictions_are_those_of_adjusted_probabilities(models: TrainedModels, tensors: Path):
    store, how = TensorStore(tensors), HOW.model_copy(update={"postprocessing": "none"})
    decided = decide(models, tensors, 3, how)
    (a, _) = decided.calibration.folds[0].adjustments

    predictions = list(
        predict_fits(models, store, whom("sub-0002", "sub-0006"), lambda *scan: read(*scan).geometry, how, decided)
    )

    for one in predictions:
        probabilities = Predictor(models.folder / f"seed-{one.seed}" / "shared", how).predict(
            store.subject(one.subject_id).arrays[image_name(one.phase)]
        )
        expected = adjust_probabilities(probabilities, a) if KEYS[one.subject_id] == "A" else probabilities
        assert np.array_equal(one.label, label_on_grid(expected, one.geometry.shape[1:]))


def test_components_are_judged_after_the_adjustment(models: TrainedModels, tensors: Path):
    before, after = (decide(models, tensors, fewest).folds[0].structures for fewest in (None, 1))

    assert [one.dsc for one in before] != [one.dsc for one in after]
