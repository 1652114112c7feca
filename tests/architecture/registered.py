"""The registered pipelines and their nodes, seen as data."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import cache
from typing import Any

from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node

from faircmr.pipeline_registry import register_pipelines

PARAMETER = "params:"


def nodes() -> dict[str, Node]:
    """Every registered node by name; a node of several pipelines once."""
    return {node.name: node for pipeline in _pipelines() for node in pipeline.nodes}


@cache
def _pipelines() -> tuple[Pipeline, ...]:
    return tuple(register_pipelines().values())


def arguments(node: Node) -> Iterator[tuple[str, str]]:
    """Pairs of an argument of the node's function and the data set or parameter that it is given."""
    given = node._inputs
    args, kwargs = ((), given) if isinstance(given, dict) else ([given] if isinstance(given, str) else given, {})
    signature = inspect.signature(node.func)
    for name, value in signature.bind(*args, **kwargs).arguments.items():
        yield from [(name, each) for each in _each(value)]


def _each(value: Any) -> list[str]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, tuple) else [value]


def datasets() -> set[str]:
    """Names of all data sets of all pipelines, parameters left out."""
    names = {name for pipeline in _pipelines() for name in pipeline.datasets()}
    return {name for name in names if not name.startswith(PARAMETER) and name != "parameters"}


def parameter_inputs() -> set[str]:
    """Names of all parameters that nodes ask for, without ``params:``."""
    return {
        name.removeprefix(PARAMETER) for node in nodes().values() for name in node.inputs if name.startswith(PARAMETER)
    }
