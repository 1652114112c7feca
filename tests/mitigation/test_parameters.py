"""Strategies and fits are named, and named once."""

import pytest
from pydantic import ValidationError

from faircmr.mitigation.parameters import FitsParameters, StrategyParameters


def test_the_default_strategy_is_unaware_of_groups():
    strategy = StrategyParameters(name="baseline")

    assert (strategy.cohort, strategy.sampler) == ("natural", "random")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "stratified", "sampler": "stratified"}, "'random' or 'stratified_batch_sampling'"),
        ({"name": "stratified", "samplr": "random"}, "Extra inputs"),
        ({"name": "../elsewhere"}, "should match pattern"),
        ({}, "Field required"),
    ],
)
def test_refuses_a_strategy_that_it_does_not_know(values: dict[str, str], said: str):
    with pytest.raises(ValidationError, match=said):
        StrategyParameters.model_validate(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"training_seeds": [0, 0]}, r"training_seeds are \[0, 0\]: name each once"),
        ({"folds": [1, 1]}, r"folds are \[1, 1\]"),
        ({"training_seeds": []}, "at least 1 item"),
        ({"training_seeds": ["one"]}, "valid integer"),
    ],
)
def test_refuses_seeds_and_folds_that_are_none_or_twice(values: dict[str, object], said: str):
    with pytest.raises(ValidationError, match=said):
        FitsParameters.model_validate(values)
