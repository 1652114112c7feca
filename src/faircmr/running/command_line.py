"""The command line of ``kedro run``: what is to run, and ``--params`` checked before Kedro reads them.

Kedro reads every value as YAML: nothing becomes null, a ``#`` after a blank begins a comment, and ``{x`` is an error of
the parser.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from kedro.framework.cli.utils import split_string
from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import AbstractRunner, ParallelRunner
from kedro.utils import load_obj
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from faircmr.core import QUOTED, FaircmrError, InvalidParameterError, nearest_name
from faircmr.running.configuration import check_yaml
from faircmr.running.logs import in_one_line, one_clear_line

_NODES: dict[str, tuple[str, Callable[[Node], Iterable[str]]]] = {
    "node_names": ("--nodes", lambda node: [node.name]),
    "from_nodes": ("--from-nodes", lambda node: [node.name]),
    "to_nodes": ("--to-nodes", lambda node: [node.name]),
    "tags": ("--tags", lambda node: node.tags),
    "namespaces": ("--namespaces", lambda node: node.namespace_prefixes),
    "from_inputs": ("--from-inputs", lambda node: [*node.inputs, *node.outputs]),
    "to_outputs": ("--to-outputs", lambda node: [*node.inputs, *node.outputs]),
}
"""By argument of ``KedroSession.run``: the option of the command line, and the names that a node brings."""


def check_choices(choices: dict[str, Any]) -> None:
    """Check the arguments of ``KedroSession.run``.

    Raises:
        InvalidParameterError: A name is unknown, the names together choose no node, or the runner knows no receipts.
    """
    if isinstance(choices.get("runner"), ParallelRunner):
        # Kedro gives it a catalog of its own, which knows no receipts
        raise InvalidParameterError(
            "--runner", "ParallelRunner", "SequentialRunner or ThreadRunner", "leave out --runner"
        )
    chosen = choices.get("pipeline_names") or [choices.get("pipeline_name") or "__default__"]
    _check_names("--pipelines", chosen, list(pipelines))
    nodes = [node for name in chosen for node in pipelines[name].nodes]
    given: list[str] = []
    for choice, (option, names_of) in _NODES.items():
        if names := choices.get(choice) or ():
            given.append(option)
            known = dict.fromkeys(name for node in nodes for name in sorted(names_of(node)) if name)
            _check_names(option, names, list(known))
    if given:
        _check_not_empty(choices, given, sum((pipelines[name] for name in chosen), Pipeline([])))


def _check_names(option: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            if not known:
                permitted = "nothing, as the chosen pipelines have none"
                raise InvalidParameterError(option, repr(name), permitted, f"leave out {option}")
            permitted, remedy = f"one of {', '.join(known)}", f"did you mean {nearest_name(name, known)}?"
            raise InvalidParameterError(option, repr(name), permitted, remedy)


def _check_not_empty(choices: dict[str, Any], given: Collection[str], pipeline: Pipeline) -> None:
    filters = {choice: choices[choice] for choice in _NODES if choices.get(choice)}
    if "namespaces" in filters:
        filters["node_namespaces"] = filters.pop("namespaces")
    try:
        pipeline.filter(**filters)
    except ValueError:
        permitted = "names of which the chosen pipelines have at least one node in common"
        raise InvalidParameterError(", ".join(given), "no node is in all of them", permitted, "leave one out") from None


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
                "--runner-params", repr(name), permitted, f"did you mean {nearest_name(name, known)}?"
            )


def _no_runner(path: str) -> InvalidParameterError:
    permitted = f"one of {', '.join(RUNNERS)}, or the dotted path of a class of runners"
    return InvalidParameterError("--runner", repr(path), permitted, f"did you mean {nearest_name(path, RUNNERS)}?")


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
