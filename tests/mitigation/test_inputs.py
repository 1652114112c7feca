"""Localisers are trained if a strategy needs them, on the training subjects of the split only."""

from pathlib import Path

import pandas as pd
import pytest

from faircmr.core import InvalidParameterError
from faircmr.core.host import WorkFolder
from faircmr.mitigation import FitsParameters, StrategyParameters, list_localisers
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import LocaliserPlans
from tests.segmentation.phantoms import plans_of

SUBJECTS = ["sub-0001", "sub-0002", "sub-0003", "sub-0004"]
SPLITS = pd.DataFrame({"subject_id": SUBJECTS, "split": ["train", "train", "validation", "test"]})
FOLDS = pd.concat([SPLITS.assign(fold=0), SPLITS.assign(fold=1, split=["test", "train", "train", "validation"])])
PLANS = LocaliserPlans(network=plans_of(), tensor_spacing=(2.0, 2.0), training=TrainingParameters(epochs=2), seed=3)


def jobs(splits, *, fits=None, **strategy):
    return list_localisers(
        StrategyParameters(name="baseline", **strategy),
        splits,
        fits or FitsParameters(training_seeds=(0, 1)),
        PLANS,
        Path("tensors"),
        WorkFolder(Path("localiser"), "code"),
    )


def test_full_images_need_none():
    assert jobs(SPLITS, input="full") == ()


def test_one_whatever_the_strategy_and_its_seeds():
    (job,) = jobs(SPLITS, input="roi", sampler="stratified_batch_sampling")

    assert (job.name, job.folder, job.seed, job.code) == ("seed-3", Path("localiser/seed-3"), 3, "code")
    assert job.training_subjects == ("sub-0001", "sub-0002")
    assert not job.keys
    assert (job.plans, job.training, job.reduction) == (PLANS.network, PLANS.training, 2)
    assert job == jobs(SPLITS, input="roi")[0]


def test_one_a_fold_on_the_training_subjects_of_that_fold():
    made = jobs(FOLDS, input="roi")
    assert [job.training_subjects for job in made] == [("sub-0001", "sub-0002"), ("sub-0002", "sub-0003")]
    assert [job.fold for job in made] == [0, 1]


def test_an_unknown_fold_is_refused():
    with pytest.raises(InvalidParameterError, match=r"fits\.folds: 7"):
        jobs(FOLDS, input="roi", fits=FitsParameters(folds=(7,)))
