"""Every parameter in the configuration is read by a node, and every environment's values are valid."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest

from tests.architecture.configuration import CONF, ENVIRONMENTS, parameters
from tests.architecture.registered import PARAMETER, arguments, nodes, parameter_inputs

OUTSIDE_PIPELINES = {
    "incremental": "what a change of code does to finished work: faircmr.incremental",
    "cluster": "where nodes and fits are run: faircmr.runners",
}
"""Parameters that no node reads, and what does."""

every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def value_of(parameter: str, tree: dict[str, Any]) -> Any:
    for key in parameter.split("."):
        tree = tree[key]
    return tree


@every_environment
def test_no_parameter_is_unused(environment: str):
    read = {name.partition(".")[0] for name in parameter_inputs()} | OUTSIDE_PIPELINES.keys()

    assert parameters(environment).keys() - read == set()


@every_environment
def test_no_key_of_a_strategy_is_unused(environment: str):
    """What stands beside ``strategy`` under a strategy's name would be read by nobody."""
    read = parameter_inputs()
    below = {f"{name}.{key}" for name, tree in parameters(environment).items() if name not in read for key in tree}

    assert {name for name in below if name.partition(".")[0] not in OUTSIDE_PIPELINES} - read == set()


@every_environment
def test_every_parameter_of_every_node_is_valid(environment: str):
    configured = parameters(environment)
    for node in nodes().values():
        hints = get_type_hints(node.func)
        for argument, name in arguments(node):
            if name.startswith(PARAMETER):
                hints[argument].model_validate(value_of(name.removeprefix(PARAMETER), configured))


def test_no_node_reads_all_parameters_at_once():
    assert [name for name, node in nodes().items() if "parameters" in node.inputs] == []


def test_a_file_of_parameters_belongs_to_a_pipeline():
    files = {path.stem.removeprefix("parameters_") for path in (CONF / "base").glob("parameters_*.yml")}
    tags = {tag for node in nodes().values() for tag in node.tags}

    assert files - tags - OUTSIDE_PIPELINES.keys() == set()


def test_acdc_runs_one_fold_unless_asked_for_more():
    assert parameters("acdc")["fits"]["folds"] == [0]
