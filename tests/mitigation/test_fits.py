"""The jobs of a strategy: one a seed and fold, and the group reaches only who must know it."""

from pathlib import Path

import pandas as pd
import pytest

from faircmr.core.errors import InvalidParameterError
from faircmr.core.work_folder import WorkFolder
from faircmr.mitigation import batch_sampling
from faircmr.mitigation.fits import list_fits
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.roi import Box
from faircmr.segmentation.roi_table import Located, roi_table, with_rois
from tests.segmentation.phantoms import plans_of

REGION = Box(row_start=1, row_stop=5, column_start=2, column_stop=8)
COHORT = with_rois(
    pd.DataFrame(
        {
            "subject_id": ["sub-1", "sub-3", "sub-2"],
            "split": ["train", "train", "validation"],
            "protected_group": ["B", "A", "A"],
        }
    ),
    roi_table([(None, Located("sub-3", REGION, ""))]),
)
FOLDS = pd.concat([COHORT.assign(fold=fold) for fold in (0, 1)])


def jobs_of(cohort: pd.DataFrame = COHORT, sampler: str = "random", **fits: object) -> tuple[FitJob, ...]:
    return list_fits(
        StrategyParameters(name="any", sampler=sampler),
        cohort,
        FitsParameters.model_validate(fits),
        plans_of(),
        TrainingParameters(epochs=2),
        Path("tensors"),
        WorkFolder(Path("06_models/any"), code="k"),
    )


def test_a_fit_is_everything_that_it_needs():
    (job,) = jobs_of()

    assert (job.name, job.folder) == ("seed-0/shared", Path("06_models/any/seed-0/shared"))
    assert (job.training_subjects, job.validation_subjects) == (("sub-1", "sub-3"), ("sub-2",))
    assert (job.tensors, job.code, job.seed, job.fold) == (Path("tensors"), "k", 0, None)
    assert job.training.epochs == 2


def test_there_is_one_fit_a_seed_and_fold():
    assert [job.name for job in jobs_of(FOLDS, training_seeds=[3, 5])] == [
        "seed-3-fold-0/shared",
        "seed-3-fold-1/shared",
        "seed-5-fold-0/shared",
        "seed-5-fold-1/shared",
    ]
    assert [(job.seed, job.fold) for job in jobs_of(FOLDS, folds=[1])] == [(0, 1)]


def test_the_group_does_not_reach_a_strategy_that_is_unaware_of_it():
    (job,) = jobs_of(sampler="random")

    assert job.sampler.load() is batch_sampling.uniform
    assert job.keys == {}


def test_permuting_the_group_changes_nothing_for_the_unaware():
    permuted = COHORT.assign(protected_group=["A", "B", "B"])

    assert jobs_of(permuted) == jobs_of(COHORT)
    assert jobs_of(permuted, "stratified_batch_sampling") != jobs_of(COHORT, "stratified_batch_sampling")


def test_stratified_batches_know_the_group_of_training_subjects_alone():
    (job,) = jobs_of(sampler="stratified_batch_sampling")

    assert job.sampler.load() is batch_sampling.stratified_batch_sampling
    assert job.keys == {"sub-1": "B", "sub-3": "A"}


@pytest.mark.parametrize(("cohort", "known"), [(FOLDS, "0, 1"), (COHORT, r"none \(no cross-validation\)")])
def test_a_fold_that_is_not_there_is_named(cohort: pd.DataFrame, known: str):
    with pytest.raises(InvalidParameterError, match=rf"fits\.folds: 7; folds of the splits: {known}"):
        jobs_of(cohort, folds=[7])


def test_a_fit_knows_the_regions_of_those_who_have_one():
    (job,) = jobs_of()
    assert job.rois == {"sub-3": REGION}
