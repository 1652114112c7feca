"""Truth values where parameters are numbers: ``true``, ``on`` and ``yes`` of YAML are no 1."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from faircmr.core import InvalidParameterError, Parameters, parse_parameters


class Left(Parameters):
    kind: Literal["left"] = "left"
    weight: float = 1.0


class Right(Parameters):
    kind: Literal["right"] = "right"


class Inner(Parameters):
    count: int = 1


class Model(Parameters):
    whole: int = 1
    fraction: float = 1.0
    optional: Annotated[int, Field(ge=0)] | None = None
    several: tuple[int, ...] = ()
    pair: tuple[float, float] = (1.0, 1.0)
    named: dict[str, int] = Field(default_factory=dict)
    inner: Inner = Inner()
    choice: Annotated[Left | Right, Field(discriminator="kind")] = Right()
    switch: bool = False
    either: bool | int = False
    word: str = ""


@pytest.mark.parametrize("truth", [True, False])
@pytest.mark.parametrize(
    ("build", "place"),
    [
        (lambda truth: {"whole": truth}, "m.whole"),
        (lambda truth: {"fraction": truth}, "m.fraction"),
        (lambda truth: {"optional": truth}, "m.optional"),
        (lambda truth: {"several": [1, truth]}, "m.several"),
        (lambda truth: {"pair": [truth, 1.0]}, "m.pair"),
        (lambda truth: {"named": {"A": truth}}, "m.named"),
        (lambda truth: {"inner": {"count": truth}}, "m.inner.count"),
        (lambda truth: {"choice": {"kind": "left", "weight": truth}}, "m.choice.left.weight"),
    ],
)
def test_a_truth_value_is_no_number(build: Any, place: str, truth: bool) -> None:
    with pytest.raises(InvalidParameterError, match="a number, not true or false") as error:
        parse_parameters(Model, build(truth), "m")

    assert error.value.offender == place


@pytest.mark.parametrize("given", [{"switch": True}, {"either": True}, {"whole": 0}, {"pair": [0, 1]}, {}])
def test_numbers_and_switches_are_taken(given: dict[str, Any]) -> None:
    assert parse_parameters(Model, given, "m").model_dump(exclude_unset=True).keys() == given.keys()


@pytest.mark.parametrize(("value", "shown"), [(1, "1"), (7.5, "7.5"), (True, "true")])
def test_a_number_in_the_place_of_a_word_is_shown_how_to_be_quoted(value: object, shown: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"m.word: {shown};") as error:
        parse_parameters(Model, {"word": value}, "m")

    assert error.value.remedy == f"""write it in two pairs of quotes, e.g. --params "m.word='{shown}'\""""
