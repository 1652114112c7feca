"""The paper's schedule, as ``conf/ukbb`` says it: how many fits, how many steps, on how many subjects."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from faircmr.core.study import AttributeParameters, SplitParameters, split_subjects
from faircmr.estimation import PlannedFits
from faircmr.mitigation import FairMetaLearning, FitsParameters, StrategyParameters
from faircmr.pipeline_registry import FAMILIES
from faircmr.pipelines.estimate import list_fits
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.localiser import LocaliserParameters, plan_localiser
from faircmr.segmentation.network import PlanOverrides, Plans, make_plans, take_fingerprint
from tests.architecture.configuration import parameters

CONFIGURED: dict[str, Any] = parameters("ukbb")
# 5,903 subjects, 80 % White (section 2 of the paper); the sizes of the other groups are not in it
RACES = {"White": 4722, "Mixed": 177, "Asian": 413, "Black": 236, "Chinese": 95, "Others": 260}
STEPS = 1000 * 250


def scans() -> pd.DataFrame:
    """Two scans of about the grid of UK Biobank's short-axis images."""
    shape = {"slices": 10, "rows": 208, "columns": 180}
    cropped = {f"cropped_{name}": size for name, size in shape.items()}
    foreground = {f"foreground_{name}": 1.0 for name in ("mean", "sd", "percentile_00_5", "median", "percentile_99_5")}
    row = {
        "structures": "LVBP LVM RVBP",
        **shape,
        **cropped,
        **foreground,
        "spacing_slice": 10.0,
        "spacing_row": 1.83,
        "spacing_column": 1.83,
    }
    return pd.DataFrame([{"phase": phase, **row} for phase in ("ED", "ES")])


@pytest.fixture(scope="module")
def subjects() -> pd.DataFrame:
    races = [race for race, count in RACES.items() for _ in range(count)]
    ids = [f"sub-{number:05d}" for number in range(len(races))]
    return pd.DataFrame(
        {"subject_id": ids, "protected_group": races, "sex": ["F", "M", "M", "F", "F"] * 1180 + ["M"] * 3}
    )


@pytest.fixture(scope="module")
def splits(subjects: pd.DataFrame) -> pd.DataFrame:
    return split_subjects(subjects, SplitParameters.model_validate(CONFIGURED["split"]), pd.DataFrame())


@pytest.fixture(scope="module")
def plans() -> Plans:
    return make_plans(take_fingerprint(scans()), PlanOverrides.model_validate(CONFIGURED["plans"]))


@pytest.fixture(scope="module")
def planned(subjects: pd.DataFrame, splits: pd.DataFrame, plans: Plans) -> dict[str, PlannedFits]:
    training = TrainingParameters.model_validate(CONFIGURED["training"])
    localiser = plan_localiser(scans(), plans, training, LocaliserParameters.model_validate(CONFIGURED["localiser"]))
    fits = FitsParameters.model_validate(CONFIGURED["fits"])
    paper = [name for name, family in FAMILIES.items() if family == "paper"]
    return {name: list_fits(subjects, splits, plans, localiser, strategy_of(name), training, fits) for name in paper}


def strategy_of(name: str) -> StrategyParameters:
    return StrategyParameters.model_validate(CONFIGURED[name]["strategy"])


def test_splits_5903_subjects_into_the_papers_parts(splits: pd.DataFrame):
    assert splits["split"].value_counts().to_dict() == {"train": 4723, "validation": 590, "test": 590}


@pytest.mark.parametrize("strategy", ["baseline", "stratified", "meta_learning", "balanced"])
def test_a_strategy_of_one_stage_is_one_fit_of_the_whole_schedule(planned: dict[str, PlannedFits], strategy: str):
    (fit,) = planned[strategy].fits

    assert (fit.epochs, sum(part.steps for part in fit.parts)) == (1000, STEPS)
    if strategy != "balanced":
        assert (fit.training_subjects, fit.validation_subjects) == (4723, 590)


def test_protected_groups_are_one_shared_fit_and_one_each_of_half_of_the_schedule(planned: dict[str, PlannedFits]):
    fits = planned["protected_groups"].fits

    assert [fit.serves for fit in fits] == [None, *sorted(RACES)]
    assert {(fit.epochs, sum(part.steps for part in fit.parts)) for fit in fits} == {(500, STEPS // 2)}
    assert sum(fit.training_subjects for fit in fits[1:]) == fits[0].training_subjects == 4723


def test_fair_meta_learning_trains_both_halves_of_500_epochs(planned: dict[str, PlannedFits]):
    (fit,) = planned["meta_learning"].fits

    assert [part.steps for part in fit.parts] == [500 * 250, 500 * 250]


def test_the_five_strategies_are_eleven_fits(planned: dict[str, PlannedFits]):
    steps = [part.steps for each in planned.values() for fit in each.fits for part in fit.parts]

    assert sum(len(each.fits) for each in planned.values()) == 11
    assert sum(steps) == 4 * STEPS + 7 * STEPS // 2


def test_training_and_plans_are_nnunets_in_everything():
    training = TrainingParameters.model_validate(CONFIGURED["training"])

    assert training == TrainingParameters(threads=training.threads)
    assert PlanOverrides.model_validate(CONFIGURED["plans"]) == PlanOverrides()
    assert InferenceParameters.model_validate(CONFIGURED["inference"]).mirroring


def test_patch_and_batch_are_planned(plans: Plans):
    assert (plans.patch, plans.filters[0], plans.filters[-1]) == ((224, 192), 32, 512)
    assert plans.batch_size >= 2


@pytest.mark.parametrize("name", ["meta_learning", "meta_learning_uncoupled", "stratified_meta_learning"])
def test_the_classifier_is_a_densenet_of_full_size(name: str):
    objective = strategy_of(name).objective

    assert objective == FairMetaLearning(weight=objective.weight)


def test_the_protected_attribute_is_race_and_finished_work_is_kept():
    assert AttributeParameters.model_validate(CONFIGURED["attributes"]).protected_attribute == "race"
    assert CONFIGURED["incremental"]["on_code_change"] == "keep"
