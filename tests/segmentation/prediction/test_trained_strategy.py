"""Trained strategies: their networks, heart regions, and fingerprints."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from faircmr.core import InvalidModelError
from faircmr.core.scans import Frame, Geometry, Phase, Scan, Structure
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors, image_name, preprocess
from faircmr.segmentation.localiser import Box, HeartLocation, LocaliserParameters
from faircmr.segmentation.prediction import Postprocessing, TrainedStrategy, load_ensemble
from faircmr.segmentation.prediction.postprocessing import FoldDecision, StructureDecision, keep_largest
from faircmr.segmentation.prediction.trained_strategy import Localisers
from faircmr.segmentation.training import WEIGHTS_NAME, TrainedModels
from tests.cines import heart_image
from tests.segmentation.finished_fits import finished_models

INFERENCE = InferenceParameters(device="cpu", threads=1)
LEFT, RIGHT = (
    Box(row_start=4, row_stop=20, column_start=start, column_stop=stop) for start, stop in ((2, 18), (10, 30))
)
SUBJECT = SubjectTensors("sub-0001", "", {})


def decided(*structures: Structure) -> Postprocessing:
    decisions = tuple(StructureDecision(structure=one.name, applied=one in structures) for one in Structure)
    return Postprocessing(method="largest_component", folds=(FoldDecision(scans=1, structures=decisions),))


@pytest.fixture
def models(tmp_path: Path) -> TrainedModels:
    return finished_models(tmp_path / "baseline", seeds=(0, 1))


def strategy(models: TrainedModels, **changes) -> TrainedStrategy:
    parts = {
        "model": models,
        "localiser_models": TrainedModels(folder=models.folder, fits=()),
        "localiser": LocaliserParameters(),
        "postprocessing": decided(),
        "inference": INFERENCE,
    }
    return TrainedStrategy(**{**parts, **changes})


def finder(box: Box | None, reason: str = "") -> SimpleNamespace:
    return SimpleNamespace(locate=lambda subject: HeartLocation(subject.subject_id, box, reason))


def test_all_networks_together_segment_the_full_image_where_there_is_no_localiser(models: TrainedModels):
    image = heart_image(7.0).T.astype(np.float32)
    scan = Scan(image, None, Geometry(image.shape, (10.0, 1.7, 1.3)))
    ensemble = load_ensemble(models, models.fits, INFERENCE)
    tensors = preprocess(scan, ensemble.plans, Phase.ED)
    expected = ensemble.label(tensors[image_name(Phase.ED)], image.shape[1:])

    segmenter = strategy(models, postprocessing=decided(*Structure)).load()
    ((_, label),) = segmenter.segment("sub-0001", [Frame(None, None, scan)])

    np.testing.assert_array_equal(label, keep_largest(expected, tuple(Structure)))
    assert not np.array_equal(label, expected)
    assert len(segmenter.ensemble.predictors) == 2


def test_localisers_of_all_folds_look_together():
    assert Localisers((finder(LEFT), finder(RIGHT)))(SUBJECT) == Box(
        row_start=4, row_stop=20, column_start=2, column_stop=30
    )
    assert Localisers((finder(LEFT), finder(None, "too small")))(SUBJECT) == LEFT


def test_a_heart_that_nobody_finds_is_looked_for_in_the_full_image_and_that_is_said(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.WARNING):
        assert Localisers((finder(None, "off centre"),))(SUBJECT) is None
        assert Localisers(())(SUBJECT) is None

    assert caplog.messages == ["sub-0001: heart not located (off centre), the full image is segmented"]


def test_the_fingerprint_is_that_of_the_weights_wherever_they_lie(models: TrainedModels, tmp_path: Path):
    moved = finished_models(tmp_path / "elsewhere", seeds=(0, 1))

    assert strategy(models).fingerprint() == strategy(moved).fingerprint()


@pytest.mark.parametrize(
    "changes",
    [
        {"inference": INFERENCE.model_copy(update={"mirroring": True})},
        {"postprocessing": decided(Structure.LVBP)},
        {"localiser": LocaliserParameters(margin=20.0)},
    ],
    ids=["inference", "postprocessing", "localiser"],
)
def test_the_fingerprint_changes_with_every_way_to_use_them(models: TrainedModels, changes: dict[str, object]):
    assert strategy(models, **changes).fingerprint() != strategy(models).fingerprint()


def test_the_fingerprint_changes_with_the_weights(models: TrainedModels):
    before = strategy(models).fingerprint()
    path = models.folder / models.fits[1].name / WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:-1] + b"x")

    assert strategy(models).fingerprint() != before


def test_weights_that_are_gone_are_named(models: TrainedModels):
    (models.folder / models.fits[0].name / WEIGHTS_NAME).unlink()

    with pytest.raises(InvalidModelError, match=r"weights\.safetensors: missing; .*run"):
        strategy(models).fingerprint()
