"""Ensembles average probabilities; networks of other trainings or plans are refused, and the differences named."""

from pathlib import Path

import numpy as np
import pytest

from faircmr.core import InvalidModelError
from faircmr.core.scans import Phase
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import build_network, save_network
from faircmr.segmentation.prediction import Predictor, load_ensemble
from faircmr.segmentation.prediction.ensembles import Ensemble
from faircmr.segmentation.training import TrainedModels
from tests.segmentation.finished_fits import finished_fit, finished_models
from tests.segmentation.phantoms import plans_of

INFERENCE = InferenceParameters(device="cpu", threads=1)
IMAGE = np.random.default_rng(0).normal(size=(3, 20, 24)).astype(np.float16)
BOX = Box(row_start=2, row_stop=19, column_start=4, column_stop=20)


@pytest.fixture
def models(tmp_path: Path) -> TrainedModels:
    return finished_models(tmp_path, seeds=(0, 1, 2))


def single(models: TrainedModels) -> list[Predictor]:
    return [Predictor(models.folder / fit.name, INFERENCE) for fit in models.fits]


@pytest.mark.parametrize("box", [None, BOX])
def test_says_the_mean_of_the_probabilities(models: TrainedModels, box: Box | None):
    each = [predictor.predict(IMAGE, box) for predictor in single(models)]

    together = load_ensemble(models, models.fits, INFERENCE).predict(IMAGE, box)

    np.testing.assert_allclose(together, np.mean(each, axis=0), atol=1e-6)
    np.testing.assert_allclose(together.sum(axis=0), 1, atol=1e-5)
    assert not np.allclose(each[0], each[1])


def test_of_one_network_says_what_it_says(models: TrainedModels):
    alone, subject = single(models)[0], SubjectTensors("sub-0001", "", {"ED.image": IMAGE})

    label = Ensemble([alone]).segment(subject, Phase.ED, (40, 48), BOX)

    np.testing.assert_array_equal(label, alone.segment(subject, Phase.ED, (40, 48), BOX))


def test_of_no_network_is_refused():
    with pytest.raises(InvalidModelError, match="ensemble: no trained network; at least one; train"):
        Ensemble([])


def test_of_different_plans_is_refused(tmp_path: Path):
    models = TrainedModels(
        folder=tmp_path, fits=(finished_fit(tmp_path, 0), finished_fit(tmp_path, 1, plans=plans_of(patch=(32, 16))))
    )

    with pytest.raises(
        InvalidModelError,
        match=r"network 2 of the ensemble: plans\.patch is \[32, 16\], expected \[16, 16\]; the plans of the",
    ):
        load_ensemble(models, models.fits, INFERENCE)


def test_weights_of_other_plans_than_those_of_their_training_are_refused(models: TrainedModels):
    others = plans_of(filters=(4, 8, 16), patch=(32, 32))
    save_network(models.folder / "seed-1/shared/weights.safetensors", build_network(others, 0), others)

    with pytest.raises(
        InvalidModelError,
        match=r"weights of seed-1/shared: plans\.patch is \[32, 32\], .*; plans\.filters is .*; the plans of",
    ):
        load_ensemble(models, models.fits, INFERENCE)


@pytest.mark.parametrize(
    ("fingerprint", "named"),
    [
        ("other by code", "training is other, expected seed-0/shared;"),
        ("seed-0/shared by other", "code is other, expected code;"),
        ("other by other", "training is other, expected .*; code is other, expected code;"),
    ],
)
def test_a_fit_of_another_training_is_refused(models: TrainedModels, fingerprint: str, named: str):
    record = models.fits[0].model_copy(update={"fingerprint": fingerprint})
    (models.folder / "seed-0/shared/fit.json").write_text(record.model_dump_json())

    with pytest.raises(InvalidModelError, match=rf"fit\.json of seed-0/shared: {named}"):
        load_ensemble(models, models.fits, INFERENCE)


@pytest.mark.parametrize("name", ["fit.json", "job.json", "weights.safetensors"])
def test_a_file_that_is_missing_is_named(models: TrainedModels, name: str):
    (models.folder / "seed-2/shared" / name).unlink()

    with pytest.raises(InvalidModelError, match=name):
        load_ensemble(models, models.fits, INFERENCE)
