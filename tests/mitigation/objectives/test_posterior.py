"""Group probabilities of a subject from trained classifiers, and where they are used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from faircmr.core import InvalidModelError
from faircmr.core.scans import Phase
from faircmr.mitigation import StrategyParameters, routes_of
from faircmr.mitigation.objectives import Posterior
from faircmr.mitigation.objectives.classified_subjects import load_fit_classifier, phase_log_probabilities
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import TensorStore, image_name
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.training import TrainedModels
from tests.mitigation.classifying_fits import GROUPS, classifying_models
from tests.segmentation.finished_fits import finished_models

HOW = InferenceParameters(device="cpu", threads=1)
COHORT = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "key": ["A", "B"]})


@pytest.fixture(scope="module")
def models(tensors: Path, tmp_path_factory: pytest.TempPathFactory) -> TrainedModels:
    return classifying_models(tensors, tmp_path_factory.mktemp("models"), seeds=(0, 1))


def test_every_slice_has_a_probability_for_each_group(models: TrainedModels, tensors: Path):
    classifier = load_fit_classifier(models, models.fits[0], HOW)
    subject = TensorStore(tensors).subject("sub-0001")

    by_phase = dict(phase_log_probabilities(classifier, subject, None))

    assert classifier.groups == GROUPS
    assert set(by_phase) == set(Phase)
    for phase, rows in by_phase.items():
        assert rows.shape == (len(subject.arrays[image_name(phase)]), len(GROUPS))
        np.testing.assert_allclose(np.exp(rows).sum(axis=1), 1, rtol=1e-6)


def test_both_networks_see_the_patch_in_the_middle_of_the_region(models: TrainedModels, tensors: Path):
    classifier = load_fit_classifier(models, models.fits[0], HOW)
    image = TensorStore(tensors).subject("sub-0001").arrays[image_name(Phase.ED)]
    box = Box(row_start=4, row_stop=20, column_start=3, column_stop=19)

    seen = torch.from_numpy(image[:, 4:20, 3:19].astype(np.float32)).unsqueeze(1)
    with torch.inference_mode():
        expected = classifier.classifier.log_probabilities(seen, classifier.predictor.network(seen)[0])

    np.testing.assert_allclose(classifier.of_slices(image, box), expected.numpy(), atol=1e-6)


def test_the_posterior_is_that_of_the_mean_log_probability_over_fits_phases_and_slices(
    models: TrainedModels, tensors: Path
):
    subject = TensorStore(tensors).subject("sub-0002")

    posterior = Posterior(models, HOW)(models.fits, subject, None)

    rows = [
        each
        for fit in models.fits
        for _, slices in phase_log_probabilities(load_fit_classifier(models, fit, HOW), subject, None)
        for each in slices
    ]
    weights = np.exp(np.mean(rows, axis=0))
    assert posterior == pytest.approx(dict(zip(GROUPS, weights / weights.sum(), strict=True)))
    assert sum(posterior.values()) == pytest.approx(1)


def test_a_fit_without_a_classifier_is_refused(tmp_path: Path):
    models = finished_models(tmp_path, seeds=(3,))

    with pytest.raises(InvalidModelError, match="seed-3/shared: no classifier of protected groups; a fit of fair meta"):
        load_fit_classifier(models, models.fits[0], HOW)


def test_the_posterior_is_asked_only_where_the_strategy_says_so(models: TrainedModels):
    asking = {"kind": "protected_groups", "unknown_group": "posterior"}
    meta = {"name": "any", "objective": "fair_meta_learning"}

    asked = routes_of(StrategyParameters.model_validate(meta | {"stages": asking}), COHORT, models, HOW)
    others = routes_of(StrategyParameters.model_validate(meta | {"stages": "protected_groups"}), COHORT, models, HOW)

    assert isinstance(asked.weigh, Posterior)
    assert others.weigh is None
    assert asked.keys == others.keys == {"sub-0001": "A", "sub-0002": "B"}
