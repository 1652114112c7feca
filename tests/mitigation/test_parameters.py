"""Parameters of strategies and fits: valid combinations, no duplicates."""

import pytest
from pydantic import ValidationError

from faircmr.mitigation import FitsParameters, StrategyParameters


def test_the_default_strategy_is_unaware_of_groups():
    strategy = StrategyParameters(name="baseline")

    kinds = (strategy.cohort, strategy.sampler, strategy.objective, strategy.stages, strategy.output)
    assert [choice.kind for choice in kinds] == ["natural", "random", "segmentation", "one", "plain"]


def test_a_kind_is_short_for_a_choice_with_its_defaults():
    short, long = (
        StrategyParameters.model_validate({"name": "any", "cohort": cohort})
        for cohort in ("balanced", {"kind": "balanced", "within": [], "too_few": "error"})
    )

    assert short == long


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (
            {"stages": {"kind": "protected_groups", "unknown_group": "posterior"}},
            "unknown_group is 'posterior'.*choose objective fair_meta_learning",
        ),
        (
            {"stages": "two", "objective": "fair_meta_learning"},
            "objective fair_meta_learning halves the schedule itself",
        ),
        ({"cohort": "smallest_share"}, "Field required"),
        ({"cohort": {"kind": "smallest_share", "share": 1.5}}, "less than 1"),
        ({"objective": {"kind": "fair_meta_learning", "weight": -1}}, "greater than or equal to 0"),
    ],
)
def test_refuses_choices_that_do_not_go_together(choices: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        StrategyParameters.model_validate({"name": "any"} | choices)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "stratified", "sampler": "stratified"}, "expected tags: 'random', 'stratified_batch_sampling'"),
        ({"name": "stratified", "samplr": "random"}, "Extra inputs"),
        ({"name": "../elsewhere"}, "should match pattern"),
        ({}, "Field required"),
    ],
)
def test_refuses_a_strategy_that_it_does_not_know(values: dict[str, str], message: str):
    with pytest.raises(ValidationError, match=message):
        StrategyParameters.model_validate(values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"training_seeds": [0, 0]}, r"training_seeds are \[0, 0\]"),
        ({"folds": [1, 1]}, r"folds are \[1, 1\]"),
        ({"training_seeds": []}, "at least 1 item"),
        ({"training_seeds": ["one"]}, "valid integer"),
    ],
)
def test_refuses_seeds_and_folds_that_are_none_or_twice(values: dict[str, object], message: str):
    with pytest.raises(ValidationError, match=message):
        FitsParameters.model_validate(values)
