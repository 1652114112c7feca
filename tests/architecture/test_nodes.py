"""Nodes adapt and delegate: they are typed, tagged, small, and their parameters are frozen models."""

from __future__ import annotations

import ast
import inspect
from typing import Any, get_args, get_type_hints

import pytest
from kedro.pipeline.node import Node
from pydantic import BaseModel

from faircmr.core import Parameters
from faircmr.pipeline_registry import register_pipelines
from tests.architecture.registered import PARAMETER, arguments, nodes

every_node = pytest.mark.parametrize("node", nodes().values(), ids=nodes())
LONGEST_NODE = 15
"""Lines below the docstring."""


@every_node
def test_every_argument_and_result_has_a_type(node: Node):
    hints = get_type_hints(node.func)

    assert set(hints) == {*inspect.signature(node.func).parameters, "return"}
    assert Any not in hints.values()


@every_node
def test_every_parameter_is_a_frozen_model_that_refuses_unknown_names(node: Node):
    hints = get_type_hints(node.func)
    models = [hints[argument] for argument, name in arguments(node) if name.startswith(PARAMETER)]

    assert [model for model in models if not issubclass(model, Parameters)] == []
    assert [model for model in nested(models) if not is_strict(model)] == []


def is_strict(model: type[BaseModel]) -> bool:
    return model.model_config.get("frozen") is True and model.model_config.get("extra") == "forbid"


def nested(models: list[Any]) -> set[type[BaseModel]]:
    """Models and all models inside their fields."""
    waiting, found = list(models), set()
    while waiting:
        annotation = waiting.pop()
        waiting += get_args(annotation)
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel) and annotation not in found:
            found.add(annotation)
            waiting += [field.annotation for field in annotation.model_fields.values()]
    return found


@every_node
def test_every_node_says_what_it_runs_on(node: Node):
    assert len(node.tags & {"cpu", "gpu"}) == 1


@every_node
def test_no_node_is_a_generator_that_is_saved_piece_by_piece(node: Node):
    assert not inspect.isgeneratorfunction(node.func)


@every_node
def test_every_node_says_what_it_does_and_delegates_the_work(node: Node):
    (function,) = ast.parse(inspect.getsource(node.func)).body
    docstring, *statements = function.body

    assert inspect.getdoc(node.func)
    assert statements[-1].end_lineno - docstring.end_lineno <= LONGEST_NODE


def test_a_name_means_the_same_node_in_every_pipeline():
    by_name = nodes()

    for pipeline in register_pipelines().values():
        assert [node.name for node in pipeline.nodes if node != by_name[node.name]] == []


def test_every_name_is_short_and_our_own():
    assert [name for name in nodes() if "(" in name or "__" in name] == []


def test_the_default_is_everything_that_the_papers_study_needs_and_no_more():
    pipelines = register_pipelines()
    study = {node for name in ("paper", "evaluation", "reporting", "cohort_report") for node in pipelines[name].nodes}

    assert set(pipelines["__default__"].nodes) == study
