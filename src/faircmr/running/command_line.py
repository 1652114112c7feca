"""``--params`` of ``kedro run``: what YAML would lose or change of a value is refused before Kedro reads it.

Kedro reads every value as YAML: nothing becomes null, a ``#`` after a blank begins a comment, and ``{x`` is an error of
the parser.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import split_string
from kedro.runner import AbstractRunner
from kedro.utils import load_obj
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from faircmr.core.errors import FaircmrError, InvalidParameterError
from faircmr.core.validation import QUOTED, nearest
from faircmr.running.expected_errors import in_one_line, one_clear_line
from faircmr.running.yaml_files import check_yaml

PARAMS = "params"
CONFIG_FILE = "--config"
RUNNERS = ("SequentialRunner", "ThreadRunner", "faircmr.runners.DaskRunner")
_COMMENT = re.compile(r"^#|\s#")


class CheckedCommand(click.Command):
    """Kedro's ``run``, whose options are checked, and end in one line, before Kedro reads them."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """As Click's."""
        with one_clear_line(None):
            return super().parse_args(context, arguments)

    def invoke(self, context: click.Context) -> Any:
        """As Click's, with a runner that can be made."""
        with one_clear_line(None):
            given = context.params
            check_runner(given.get("runner") or "SequentialRunner", given.get("runner_params") or {})
            return super().invoke(context)


def with_checked_params(command: click.Command) -> click.Command:
    """A copy of Kedro's command whose options are checked first."""
    checks = {PARAMS: _checked_params, "config": _checked_config}
    options = [checks[option.name or ""](option) if option.name in checks else option for option in command.params]
    return CheckedCommand(
        name=command.name,
        context_settings=command.context_settings,
        callback=command.callback,
        params=options,
        help=command.help,
        short_help=command.short_help,
        epilog=command.epilog,
    )


def check_runner(path: str, params: Mapping[str, Any]) -> None:
    """Check ``--runner`` and ``--runner-params``.

    Args:
        path: Dotted path of a class, or the name of one of Kedro's.
        params: Its arguments.

    Raises:
        InvalidParameterError: There is no such runner, a package that it needs is missing, or it does not take these
            arguments.
    """
    if not all(part.isidentifier() for part in path.split(".")):
        raise _no_runner(path)
    try:
        runner = load_obj(path, "kedro.runner")
    except ImportError as error:
        missing = error.name or ""
        if not path.startswith(missing):
            remedy = "install the packages of this runner"
            raise InvalidParameterError("--runner", f"{path} needs {missing}", "packages installed", remedy) from None
        raise _no_runner(path) from None
    except (AttributeError, ValueError):
        raise _no_runner(path) from None
    if not (isinstance(runner, type) and issubclass(runner, AbstractRunner)):
        raise _no_runner(path)
    known = inspect.signature(runner).parameters
    for name in params:
        if name not in known:
            permitted = f"one of {', '.join(known)}"
            raise InvalidParameterError(
                "--runner-params", repr(name), permitted, f"did you mean {nearest(name, known)}?"
            )


def _no_runner(path: str) -> InvalidParameterError:
    permitted = f"one of {', '.join(RUNNERS)}, or the dotted path of a class of runners"
    return InvalidParameterError("--runner", repr(path), permitted, f"did you mean {nearest(path, RUNNERS)}?")


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
    except (YAMLError, OmegaConfBaseException):
        raise InvalidParameterError(name, repr(value), "a value that is YAML", quoted) from None


def _checked_config(option: click.Parameter) -> click.Parameter:
    """The option that names a file of options, which is checked before Kedro reads it."""
    kedros = option.callback

    def read(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value:
            check_yaml(Path(value).read_bytes(), CONFIG_FILE)
            content = OmegaConf.to_container(OmegaConf.load(value))
            options = content.get(str(context.info_name)) if isinstance(content, dict) else None
            if not isinstance(options, dict):
                found = f"no options below the name {context.info_name}"
                permitted = f"{context.info_name}: and options below it"
                raise InvalidParameterError(CONFIG_FILE, found, permitted, "write them so")
        return value if kedros is None else kedros(context, parameter, value)

    checked = copy.copy(option)
    checked.callback = read
    return checked


def _checked_params(option: click.Parameter) -> click.Parameter:
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
