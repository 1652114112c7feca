"""``--params`` of ``kedro run``: what YAML would lose or change of a value is refused before Kedro reads it.

Kedro reads every value as YAML: nothing becomes null, a ``#`` after a blank begins a comment, and ``{x`` is an error of
the parser.
"""

from __future__ import annotations

import copy
import re
from typing import Any

import click
from kedro.framework.cli.utils import split_string
from omegaconf import OmegaConf
from yaml import YAMLError

from faircmr.core.errors import FaircmrError, InvalidParameterError
from faircmr.core.validation import QUOTED
from faircmr.running.expected_errors import in_one_line

PARAMS = "params"
_COMMENT = re.compile(r"^#|\s#")


def with_checked_params(command: click.Command) -> click.Command:
    """A copy of Kedro's command whose ``--params`` are checked first."""
    checked = copy.copy(command)
    checked.params = [_checked(option) if option.name == PARAMS else option for option in command.params]
    return checked


def check_items(items: list[str]) -> None:
    """Check ``name=value`` items; those without ``=`` are left to Kedro.

    Raises:
        InvalidParameterError: A value is empty, has a comment in it, or is not YAML.
    """
    for item in items:
        name, equals, value = (part.strip() for part in item.partition("="))
        if equals:
            _check_value(name, value)


def _check_value(name: str, value: str) -> None:
    if not value:
        remedy = f"write one, or leave {name} out; a variable of the shell may be empty"
        raise InvalidParameterError(name, "empty", "a value", remedy)
    if value == "~":
        raise InvalidParameterError(name, "~", "a value; ~ alone is null in YAML", "write $HOME for the home folder")
    quoted = QUOTED.format(place=name, value=value)
    if value[0] not in "'\"" and _COMMENT.search(value):
        raise InvalidParameterError(name, repr(value), "a value in which # does not begin a comment", quoted)
    try:
        OmegaConf.from_dotlist([f"{name}={value}"])
    except YAMLError:
        raise InvalidParameterError(name, repr(value), "a value that is YAML", quoted) from None


def _checked(option: click.Parameter) -> click.Parameter:
    kedros = option.callback

    def read(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if isinstance(value, str):
            try:
                check_items(split_string(context, parameter, value))
            except FaircmrError as error:
                raise click.ClickException(in_one_line(error)) from None
        return value if kedros is None else kedros(context, parameter, value)

    checked = copy.copy(option)
    checked.callback = read
    return checked
