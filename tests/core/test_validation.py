"""What a user reads who misspells a parameter or gives it the wrong form."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from pydantic import field_validator

from faircmr.core import InvalidParameterError, Parameters, known_paths, parse_parameters, unknown_name_error


class Augmentation(Parameters):
    rotation_degrees: float = 15.0


class Training(Parameters):
    epochs: int
    sampler: Literal["random", "stratified"] = "random"
    augmentation: Augmentation = Augmentation()
    stages: tuple[Augmentation, ...] = ()
    patch: tuple[int, int] | None = None

    @field_validator("epochs")
    @classmethod
    def _positive(cls, epochs: int) -> int:
        if epochs <= 0:
            raise ValueError("an integer of at least 1")
        return epochs


def message(value: Any) -> str:
    with pytest.raises(InvalidParameterError) as error:
        parse_parameters(Training, value, "training")
    return str(error.value)


def test_makes_the_model() -> None:
    assert parse_parameters(Training, {"epochs": 3}, "training") == Training(epochs=3)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"epoch": 3}, "training.epoch: 3; there is no such name; did you mean training.epochs?"),
        (
            {"epochs": 1, "augmentation": {"rotation_degree": 5}},
            "training.augmentation.rotation_degree: 5; there is no such name; did you mean training.augmentation.rotat",
        ),
        ({"epochs": 1, "augmentatoin": {"rotation_degrees": 5}}, "training.augmentatoin.rotation_degrees: 5"),
        ({"epochs": "five"}, "training.epochs: 'five'; Input should be a valid integer"),
        ({"epochs": 0}, "training.epochs: 0; an integer of at least 1"),
        ({"epochs": 1, "sampler": "fair"}, "training.sampler: 'fair'; Input should be 'random' or 'stratified'"),
        ({"epochs": 1, "patch": [32]}, "training.patch.1: missing"),
        ({"epochs": 1, "stages": [{"rotation_degrees": "x"}]}, "training.stages.0.rotation_degrees: 'x'"),
        ({}, "training.epochs: missing; a value is needed; set it"),
        (5, "training: 5; Input should be a valid dictionary"),
        (None, "training: null; Input should be a valid dictionary"),
    ],
)
def test_names_the_place_the_value_and_what_is_permitted(value: Any, expected: str) -> None:
    assert message(value).startswith(expected)


def test_an_unknown_name_comes_before_what_is_missing_because_of_it() -> None:
    assert "did you mean training.epochs?" in message({"sampler": "fair", "epoch": 3})


def test_a_long_value_is_cut() -> None:
    assert len(message({"epochs": "x" * 1000})) < 200


def test_lists_names_of_models_in_models_and_in_sequences_of_models() -> None:
    assert set(known_paths(Training, "training")) == {
        "training.epochs",
        "training.sampler",
        "training.patch",
        "training.augmentation",
        "training.augmentation.rotation_degrees",
        "training.stages",
        "training.stages.rotation_degrees",
    }


def test_an_unknown_name_is_shown_down_to_its_first_value() -> None:
    error = unknown_name_error("trainig", {"augmentation": {"rotation": 3}}, known_paths(Training, "training"))

    assert str(error).startswith("trainig.augmentation.rotation: 3; ")
    assert "training.augmentation.rotation_degrees" in error.remedy


def test_without_any_known_name_there_is_no_suggestion() -> None:
    assert str(unknown_name_error("a", 1, ())) == "a: 1; there is no such name"
