"""The base of every parameter model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError


def divided(value: object) -> object:
    """A list as the command line writes it: ``race+sex``, or one name."""
    return tuple(filter(None, value.split("+"))) if isinstance(value, str) else value


def _as_words(value: object) -> object:
    """Words of a table; the command line and YAML read ``999`` as a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (f"{value:g}",)
    if isinstance(value, list | tuple):
        return tuple(
            f"{each:g}" if isinstance(each, int | float) and not isinstance(each, bool) else each for each in value
        )
    return divided(value)


Words = Annotated[tuple[str, ...], BeforeValidator(_as_words)]
"""Words of a table, such as ``NA`` and ``999``; on the command line ``NA+999``."""


class Parameters(BaseModel):
    """Frozen, refuses names that it does not know, and takes no truth value for a number.

    Every ``params:`` input of a node is a subclass, so that a misspelt or mistyped parameter ends
    the run before any work is done.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_validator(mode="wrap")
    @classmethod
    def _take_no_truth_value_for_a_number(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        # pydantic reads true as 1, and YAML reads on, yes and true as true
        model = handler(data)
        given = data.items() if isinstance(data, Mapping) else ()
        wrong = [(name, value) for name, value in given if _became_number(value, getattr(model, name, None))]
        if wrong:
            kind = PydanticCustomError("number_expected", "a number, not true or false")
            errors = [InitErrorDetails(type=kind, loc=(name,), input=value) for name, value in wrong]
            raise ValidationError.from_exception_data(cls.__name__, errors)
        return model


def _became_number(given: object, result: object) -> bool:
    """Whether a truth value, or one inside a list or mapping, has become a number."""
    if isinstance(given, bool):
        return isinstance(result, int | float) and not isinstance(result, bool)
    if isinstance(given, Mapping) and isinstance(result, Mapping):
        return any(_became_number(value, result.get(name)) for name, value in given.items())
    if isinstance(given, list | tuple) and isinstance(result, list | tuple):
        return any(map(_became_number, given, result))
    return False
