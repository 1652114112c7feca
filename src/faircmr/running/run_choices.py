"""What ``kedro run`` is asked to run: names of pipelines, nodes, tags, namespaces and data sets, checked at first."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

from kedro.framework.project import pipelines
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from kedro.runner import ParallelRunner

from faircmr.core.errors import InvalidParameterError
from faircmr.core.validation import nearest

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
            permitted, remedy = f"one of {', '.join(known)}", f"did you mean {nearest(name, known)}?"
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
