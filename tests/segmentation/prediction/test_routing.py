"""Routing of subjects to the networks of their key, and the rules for keys without networks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from faircmr.core import InvalidModelError
from faircmr.core.scans import Phase
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import TensorStore, image_name
from faircmr.segmentation.prediction import Predictor, Routes
from faircmr.segmentation.prediction.ensembles import Blend, Router
from faircmr.segmentation.training import TrainedModels
from tests.segmentation.finished_fits import finished_fit

HOW = InferenceParameters(device="cpu", threads=1)
KEYS = {"sub-0001": "A", "sub-0002": "B", "sub-0003": "new"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> TrainedModels:
    """A shared fit, one that predicts nobody, and one each for A and B."""
    folder = tmp_path_factory.mktemp("models")
    shared, first, a, b = (finished_fit(folder, seed) for seed in (1, 2, 3, 4))
    fits = (
        shared,
        first.model_copy(update={"predicts": False}),
        a.model_copy(update={"serves": "A"}),
        b.model_copy(update={"serves": "B"}),
    )
    return TrainedModels(folder=folder, fits=fits)


def said_by(models: TrainedModels, number: int, image: np.ndarray) -> np.ndarray:
    return Predictor(models.folder / models.fits[number].name, HOW).predict(image)


@pytest.mark.parametrize(("subject_id", "fit", "name"), [("sub-0001", 2, "A"), ("sub-0002", 3, "B")])
def test_a_key_with_networks_of_its_own_is_segmented_by_them(
    models: TrainedModels, tensors: Path, subject_id: str, fit: int, name: str
):
    subject = TensorStore(tensors).subject(subject_id)
    image = subject.arrays[image_name(Phase.ED)]

    segmenter, by = Router(models, models.fits, HOW, Routes(KEYS)).of(subject, None)

    assert by == name
    assert np.array_equal(segmenter.predict(image), said_by(models, fit, image))


@pytest.mark.parametrize("subject_id", ["sub-0003", "sub-0004"])
def test_an_unknown_key_and_none_are_segmented_by_the_shared_one_and_counted(
    models: TrainedModels, tensors: Path, subject_id: str, caplog: pytest.LogCaptureFixture
):
    store = TensorStore(tensors)
    router = Router(models, models.fits, HOW, Routes(KEYS))
    image = store.subject(subject_id).arrays[image_name(Phase.ED)]

    router.of(store.subject("sub-0001"), None)
    segmenter, by = router.of(store.subject(subject_id), None)
    router.report()

    assert by == "shared"
    assert np.array_equal(segmenter.predict(image), said_by(models, 0, image))
    assert caplog.messages == [
        "1 of 2 predicted subjects are segmented by the shared model: they belong to no group with a model of its own"
    ]


def test_or_by_all_of_them_weighed(models: TrainedModels, tensors: Path, caplog: pytest.LogCaptureFixture):
    subject = TensorStore(tensors).subject("sub-0003")
    image = subject.arrays[image_name(Phase.ED)]
    asked = []

    def weigh(fits, seen, box):
        asked.append(([fit.name for fit in fits], seen.subject_id))
        return {"A": 0.25, "B": 0.75}

    router = Router(models, models.fits, HOW, Routes(KEYS, weigh))
    segmenter, by = router.of(subject, None)
    router.report()

    assert (by, asked) == ("weighed", [(["seed-1/shared"], "sub-0003")])
    expected = 0.25 * said_by(models, 2, image) + 0.75 * said_by(models, 3, image)
    np.testing.assert_allclose(segmenter.predict(image), expected, atol=1e-6)
    assert "segmented by all groups' models, weighed" in caplog.text


def test_where_all_serve_everybody_nothing_is_said(
    models: TrainedModels, tensors: Path, caplog: pytest.LogCaptureFixture
):
    router = Router(models, models.fits[:1], HOW, Routes(KEYS))

    assert router.of(TensorStore(tensors).subject("sub-0001"), None)[1] == "shared"
    router.report()
    assert caplog.messages == []


def test_fits_that_serve_some_alone_are_refused(models: TrainedModels):
    with pytest.raises(InvalidModelError, match="models: no fit that serves all subjects"):
        Router(models, models.fits[1:], HOW, Routes())


def test_a_blend_of_one_is_that_one(models: TrainedModels, tensors: Path):
    image = TensorStore(tensors).subject("sub-0001").arrays[image_name(Phase.ED)]
    one = Predictor(models.folder / models.fits[0].name, HOW)

    assert np.array_equal(Blend([one], [1.0]).predict(image), one.predict(image))
