"""Fits predict subjects that they were not trained on, each alone or all seeds of a fold together."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from faircmr.core.scans import ALL_STRUCTURES, Geometry, Phase, Prediction, Scan, Structure
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.prediction import Postprocessing, PredictionTargets, group_ensembles, predict_fits
from faircmr.segmentation.prediction.decisions import choose_postprocessing
from faircmr.segmentation.prediction.postprocessing import FoldDecision, StructureDecision, largest_component
from faircmr.segmentation.training import TrainedModels
from tests.segmentation.finished_fits import finished_models
from tests.segmentation.phantoms import phantom, write_study

TESTED = {0: ["sub-0001"], 1: ["sub-0004", "sub-0002"]}
ALONE = InferenceParameters(device="cpu", threads=1)
TOGETHER = ALONE.model_copy(update={"ensemble": "seeds"})
NOTHING = Postprocessing(method="none")
BOX = Box(row_start=2, row_stop=18, column_start=4, column_stop=20)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> TrainedModels:
    """Two seeds of each of two folds."""
    return finished_models(tmp_path_factory.mktemp("models"), seeds=(7, 8), folds=TESTED)


def nowhere(fold: int | None) -> dict[str, Box]:
    return {}


def geometry(subject_id: str, phase: Phase) -> Geometry:
    return Geometry((3, 30, 10 * int(subject_id[-1])), (10.0, 2.5, 8.0))


def read(subject_id: str, phase: Phase) -> Scan:
    """What the tensors of the subject were made from."""
    return phantom(2 * (int(subject_id[-1]) - 1) + list(Phase).index(phase))


def predicted(
    models: TrainedModels,
    tensors: Path,
    inference: InferenceParameters = ALONE,
    rois: Callable[[int | None], dict[str, Box]] = nowhere,
    postprocessing: Postprocessing = NOTHING,
) -> list[Prediction]:
    store = TensorStore(tensors)
    return list(
        predict_fits(models, store, PredictionTargets(TESTED.__getitem__, rois), geometry, inference, postprocessing)
    )


def test_every_phase_of_every_tested_subject_is_predicted_by_its_own_fold(models: TrainedModels, tensors: Path):
    predictions = predicted(models, tensors)

    assert sorted(prediction.key for prediction in predictions) == sorted(
        (seed, fold, subject_id, phase)
        for seed in (7, 8)
        for fold, tested in TESTED.items()
        for subject_id in tested
        for phase in Phase
    )
    for prediction in predictions:
        assert prediction.geometry == geometry(prediction.subject_id, prediction.phase)
        assert prediction.label.shape == prediction.geometry.shape


def test_seeds_together_make_one_prediction_a_scan(models: TrainedModels, tensors: Path):
    predictions = predicted(models, tensors, TOGETHER)

    assert [prediction.key for prediction in predictions] == [
        (None, fold, subject_id, phase) for fold, tested in TESTED.items() for subject_id in tested for phase in Phase
    ]
    alone = {prediction.key: prediction.label for prediction in predicted(models, tensors)}
    for seed in (7, 8):
        assert any(not np.array_equal(one.label, alone[one.key._replace(seed=seed)]) for one in predictions), (
            f"the same as seed {seed} alone"
        )


def test_no_fit_predicts_together_with_one_that_may_have_seen_its_test_subjects(models: TrainedModels):
    members = [
        (team.seed, team.fold, [one.name for one in team.fits]) for team in group_ensembles(models.fits, TOGETHER)
    ]

    assert members == [
        (None, 0, ["seed-7-fold-0/shared", "seed-8-fold-0/shared"]),
        (None, 1, ["seed-7-fold-1/shared", "seed-8-fold-1/shared"]),
    ]


def test_looks_where_the_heart_was_found_and_everywhere_where_it_was_not(models: TrainedModels, tensors: Path):
    whole = {one.key: one.label for one in predicted(models, tensors)}

    for one in predicted(models, tensors, rois=lambda fold: {0: {}, 1: {"sub-0002": BOX}}[fold]):
        if one.subject_id == "sub-0002":
            # on a grid of 30 x 20 pixels instead of 20 x 20, with a row that is made of both sides of an edge
            rows, columns = np.nonzero(one.label.any(axis=0))
            assert 2 <= rows.min() <= rows.max() < 28
            assert columns.min() >= 4
        else:
            np.testing.assert_array_equal(one.label, whole[one.key])


def test_what_a_fold_decided_is_done_to_its_predictions_alone(models: TrainedModels, tensors: Path):
    applied = tuple(StructureDecision(structure=one.name, applied=True) for one in Structure)
    decision = Postprocessing(method="largest_component", folds=(FoldDecision(fold=1, scans=1, structures=applied),))

    before = {one.key: one.label for one in predicted(models, tensors)}
    after = {one.key: one.label for one in predicted(models, tensors, postprocessing=decision)}

    changed = {key.fold for key in before if not np.array_equal(before[key], after[key])}
    assert changed == {1}
    for key, label in after.items():
        for structure in Structure:
            mask = before[key] == structure
            np.testing.assert_array_equal(label == structure, largest_component(mask) if key.fold == 1 else mask)


def test_predictions_are_made_as_they_are_asked_for(models: TrainedModels, tensors: Path):
    asked = []

    def counting(subject_id: str, phase: Phase) -> Geometry:
        asked.append((subject_id, phase))
        return geometry(subject_id, phase)

    store = TensorStore(tensors)
    next(predict_fits(models, store, PredictionTargets(TESTED.__getitem__, nowhere), counting, ALONE, NOTHING))

    assert asked == [("sub-0001", Phase.ED)]


@pytest.fixture
def partly_labelled(tmp_path: Path) -> TensorStore:
    """A study in which nobody labelled the second subject, nor the third at ED."""
    folder = tmp_path / "tensors"
    write_study(folder, subjects=3)
    for subject_id, phases in (("sub-0002", Phase), ("sub-0003", [Phase.ED])):
        path = folder / f"{subject_id}.safetensors"
        left_out = {f"{phase}.{what}" for phase in phases for what in ("label", "areas")}
        save_file({name: array for name, array in load_file(path).items() if name not in left_out}, path)
    return TensorStore(folder)


def test_scans_without_a_label_are_predicted_like_all_others(models: TrainedModels, partly_labelled: TensorStore):
    tested = {fold: ["sub-0002", "sub-0003"] for fold in TESTED}
    predictions = predict_fits(
        models, partly_labelled, PredictionTargets(tested.__getitem__, nowhere), geometry, TOGETHER, NOTHING
    )

    assert [(one.fold, one.subject_id, one.phase) for one in predictions] == [
        (fold, subject_id, phase) for fold in (0, 1) for subject_id in ("sub-0002", "sub-0003") for phase in Phase
    ]


def test_validation_scans_without_a_label_are_counted_and_neither_read_nor_predicted(
    models: TrainedModels, partly_labelled: TensorStore, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO, logger="faircmr")
    seen = []

    def counting(subject_id: str, phase: Phase) -> Scan:
        seen.append((subject_id, phase))
        return read(subject_id, phase)

    validated = {0: ["sub-0001", "sub-0002", "sub-0003"], 1: ["sub-0002"]}
    chosen = choose_postprocessing(
        models, partly_labelled, PredictionTargets(validated.__getitem__, nowhere), counting, ALL_STRUCTURES, ALONE
    )

    # by either seed of the fold
    assert seen == 2 * [("sub-0001", Phase.ED), ("sub-0001", Phase.ES), ("sub-0003", Phase.ES)]
    assert [(one.fold, one.scans, one.unlabelled) for one in chosen.folds] == [(0, 6, 3), (1, 0, 2)]
    assert chosen.folds[1].note.startswith("no labelled validation scan")
    assert caplog.messages[1] == "post-processing of fold 1: no labelled validation scan: nothing is applied"


def test_a_decision_compares_what_is_predicted_with_and_without(models: TrainedModels, tensors: Path):
    store, validated = TensorStore(tensors), {fold: ["sub-0003", "sub-0005"] for fold in TESTED}

    chosen = choose_postprocessing(
        models, store, PredictionTargets(validated.__getitem__, nowhere), read, ALL_STRUCTURES, TOGETHER
    )

    labels = [
        (one.label, read(one.subject_id, one.phase).label)
        for one in predict_fits(
            models,
            store,
            PredictionTargets(validated.__getitem__, nowhere),
            lambda *scan: read(*scan).geometry,
            TOGETHER,
            NOTHING,
        )
        if one.fold == 1
    ]
    (decision,) = (one for one in chosen.folds if one.fold == 1)
    assert decision.scans == len(labels) == 4
    for place, structure in enumerate(Structure):
        dice = [
            2
            * ((label == structure) & (drawn == structure)).sum()
            / ((label == structure).sum() + (drawn == structure).sum())
            for label, drawn in labels
        ]
        assert decision.structures[place].dsc == pytest.approx(np.mean(dice))
        assert decision.structures[place].applied == (
            decision.structures[place].dsc_largest_component > decision.structures[place].dsc
        )


def test_nothing_is_predicted_where_no_postprocessing_is_asked_for(models: TrainedModels, tensors: Path):
    def never(*scan: object) -> Scan:
        raise AssertionError

    inference = ALONE.model_copy(update={"postprocessing": "none"})
    chosen = choose_postprocessing(
        models, TensorStore(tensors), PredictionTargets(never, never), never, ALL_STRUCTURES, inference
    )

    assert chosen == Postprocessing(method="none")
