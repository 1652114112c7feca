"""Base class of all parameter models, and validation of configuration with one-line errors."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Self, TypeVar, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from faircmr.core.errors import InvalidParameterError

Model = TypeVar("Model", bound=BaseModel)
LONGEST_VALUE = 60
"""Characters of a value that an error repeats."""
CORRECT = "correct it in conf, or with --params"
QUOTED = "write it in two pairs of quotes, e.g. --params \"{place}='{value}'\""
YAML_WORDS = {None: "null", True: "true", False: "false"}


class NotPermittedError(ValueError):
    """A validator's reason to refuse a value, with its own remedy.

    Args:
        permitted: The permitted form.
        remedy: What to do.
    """

    def __init__(self, permitted: str, remedy: str) -> None:
        super().__init__(permitted)
        self.remedy = remedy


def parse_parameters(model: type[Model], value: object, path: str) -> Model:
    """Make a model from configuration.

    Args:
        model: The form that is permitted.
        value: What the configuration says.
        path: Where it says so, e.g. ``"training"``; the error names what lies below with dots.

    Raises:
        InvalidParameterError: A name is unknown, missing, or its value is not permitted.
    """
    try:
        return model.model_validate(value)
    except ValidationError as error:
        wrong = parameter_error(error, path, list(known_paths(model, path)))
        raise InvalidParameterError(wrong.offender, wrong.value, wrong.permitted, wrong.remedy or CORRECT) from None


def parameter_error(error: ValidationError, path: str, known: Iterable[str]) -> InvalidParameterError:
    """The clearest of a model's complaints: an unknown name before all others.

    Args:
        error: What pydantic found.
        path: Where the model lies in the configuration.
        known: Every name that there is, for the nearest right one.
    """
    complaints = error.errors(include_url=False)
    first = next((one for one in complaints if one["type"] == "extra_forbidden"), complaints[0])
    place = ".".join(filter(None, [path, *map(str, first["loc"])]))
    if first["type"] == "extra_forbidden":
        return unknown_name_error(place, first["input"], known)
    if first["type"] == "union_tag_invalid":
        return InvalidParameterError(place, repr(first["ctx"]["tag"]), f"one of: {first['ctx']['expected_tags']}")
    if first["type"] == "union_tag_not_found":
        return InvalidParameterError(f"{place}.kind", "missing", "a value is needed", "set it")
    if first["type"] == "missing":
        return InvalidParameterError(place, "missing", "a value is needed", "set it")
    permitted = first["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    return InvalidParameterError(place, format_value(first["input"]), permitted, _remedy(first, place))


def _remedy(complaint: ErrorDetails, place: str) -> str:
    reason = complaint.get("ctx", {}).get("error")
    if isinstance(reason, NotPermittedError):
        return reason.remedy
    value = complaint["input"]
    # YAML makes numbers and truth values of names such as 1, on and 007
    if complaint["type"] == "string_type" and isinstance(value, bool | int | float):
        return QUOTED.format(place=place, value=format_value(value))
    return ""


def unknown_name_error(place: str, value: object, known: Iterable[str]) -> InvalidParameterError:
    """The error of a name that is none, with the nearest one that is.

    Args:
        place: The name found, with dots.
        value: What it was set to; of nested values the first is named.
        known: Every name that there is.
    """
    while isinstance(value, Mapping) and value:
        name, value = next(iter(value.items()))
        place = f"{place}.{name}"
    right = nearest_name(place, known)
    remedy = f"did you mean {right}?" if right else ""
    return InvalidParameterError(place, format_value(value), "there is no such name", remedy)


def nearest_name(name: str, known: Iterable[str]) -> str:
    """The name that is spelt most like ``name``; empty where there is none."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)), "")


def known_paths(model: type[BaseModel], path: str) -> Iterator[str]:
    """Every name below ``path`` in the configuration of a model, with dots."""
    for name, field in model.model_fields.items():
        below = f"{path}.{name}" if path else name
        yield below
        for nested in _models_in(field.annotation):
            yield from known_paths(nested, below)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)


def format_value(value: object) -> str:
    """A value as an error repeats it: in the words of YAML, and not all of a long one."""
    if value is None or isinstance(value, bool):
        return YAML_WORDS[value]
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def split_at_plus(value: object) -> object:
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
    return split_at_plus(value)


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
