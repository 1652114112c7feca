"""Jobs of a strategy for each seed and fold; only jobs that need the protected group contain it."""

from pathlib import Path

import pandas as pd
import pytest

from faircmr.core import InvalidParameterError
from faircmr.core.host import WorkFolder
from faircmr.mitigation import FitsParameters, StrategyParameters, list_fits
from faircmr.mitigation import sampling as batch_sampling
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import Box, HeartLocation, roi_table, with_rois
from faircmr.segmentation.training import SEGMENTATION_OBJECTIVE, FitJob
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
    roi_table([(None, HeartLocation("sub-3", REGION, ""))]),
)
FOLDS = pd.concat([COHORT.assign(fold=fold) for fold in (0, 1)])


def jobs_of(
    cohort: pd.DataFrame = COHORT, sampler: object = "random", epochs: int = 4, choices: object = None, **fits: object
) -> tuple[FitJob, ...]:
    return list_fits(
        StrategyParameters.model_validate({"name": "any", "sampler": sampler, **(choices or {})}),
        cohort,
        FitsParameters.model_validate(fits),
        plans_of(),
        TrainingParameters(epochs=epochs, iterations_per_epoch=10),
        Path("tensors"),
        WorkFolder(Path("06_models/any"), code="k"),
    )


def test_a_fit_is_everything_that_it_needs():
    (job,) = jobs_of()

    assert (job.name, job.folder) == ("seed-0/shared", Path("06_models/any/seed-0/shared"))
    assert (job.training_subjects, job.validation_subjects) == (("sub-1", "sub-3"), ("sub-2",))
    assert (job.tensors, job.code, job.seed, job.fold) == (Path("tensors"), "k", 0, None)
    assert (job.training.epochs, job.objective, job.stage, job.after) == (4, SEGMENTATION_OBJECTIVE, None, None)


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
    assert (job.keys, job.strata) == ({}, {})


def test_permuting_the_group_changes_nothing_for_the_unaware():
    permuted = COHORT.assign(protected_group=["A", "B", "B"])

    assert jobs_of(permuted) == jobs_of(COHORT)
    assert jobs_of(permuted, "stratified_batch_sampling") != jobs_of(COHORT, "stratified_batch_sampling")


def test_stratified_batches_know_the_group_of_training_subjects_alone():
    (job,) = jobs_of(sampler="stratified_batch_sampling")

    assert job.sampler.load() is batch_sampling.stratified_batch_sampling
    assert job.strata == {"sub-1": "B", "sub-3": "A"}
    assert job.keys == {}, "the objective is the same for everybody"


def test_strata_within_an_attribute_are_intersections():
    cohort = COHORT.assign(sex=["F", "M", "M"])

    (job,) = jobs_of(cohort, {"kind": "stratified_batch_sampling", "within": ["sex"]})

    assert list(job.strata) == ["sub-1", "sub-3"]
    assert all(part in job.strata["sub-1"] for part in "BF")


@pytest.mark.parametrize("objective", ["reweighing", "group_dro", "fair_meta_learning"])
def test_an_objective_that_is_aware_of_groups_knows_those_of_training_subjects_alone(objective: str):
    (job,) = jobs_of(choices={"objective": objective})

    assert job.keys == {"sub-1": "B", "sub-3": "A"}
    assert job.strata == {}


def test_the_joint_half_begins_in_the_middle_of_the_stage_that_the_classifier_is_trained_in():
    (whole,) = jobs_of(choices={"objective": "fair_meta_learning"})
    shared, *models = jobs_of(choices={"objective": "fair_meta_learning", "stages": "protected_groups"})

    assert whole.objective.parameters["joint_from"] == 20
    assert shared.objective.parameters["joint_from"] == 10
    assert [job.objective for job in models] == [SEGMENTATION_OBJECTIVE] * 2


@pytest.mark.parametrize(
    ("epochs", "choices", "owner"),
    [
        (3, {"objective": "fair_meta_learning"}, "the objective of any"),
        (3, {"stages": "protected_groups"}, "the stages of seed-0/shared"),
        (6, {"objective": "fair_meta_learning", "stages": "protected_groups"}, "the objective of any"),
    ],
)
def test_a_schedule_without_halves_is_refused(epochs: int, choices: dict, owner: str):
    with pytest.raises(InvalidParameterError, match=f"an even number, .* {owner}"):
        jobs_of(epochs=epochs, choices=choices)


def test_one_group_alone_can_have_no_classifier():
    with pytest.raises(InvalidParameterError, match="at least 2"):
        jobs_of(COHORT.assign(protected_group="A"), choices={"objective": "fair_meta_learning"})


@pytest.mark.parametrize(("cohort", "known"), [(FOLDS, "0, 1"), (COHORT, r"none \(no cross-validation\)")])
def test_a_fold_that_is_not_there_is_named(cohort: pd.DataFrame, known: str):
    with pytest.raises(InvalidParameterError, match=rf"fits\.folds: 7; folds of the splits: {known}"):
        jobs_of(cohort, folds=[7])


def test_a_fit_knows_the_regions_of_those_who_have_one():
    (job,) = jobs_of()
    assert job.rois == {"sub-3": REGION}
