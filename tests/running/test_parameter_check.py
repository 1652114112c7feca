"""Parameters of a project, checked at every level against its pipelines."""

from __future__ import annotations

from typing import Any

import pytest
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core import InvalidParameterError, Parameters
from faircmr.running import check_parameters


class Training(Parameters):
    epochs: int = 1


class Strategy(Parameters):
    sampler: str = "random"


def train(training: Training, strategy: Strategy) -> int:
    return training.epochs


def score(seeds: list[int], training: Training | None) -> int:
    return len(seeds)


def template(strategy: str) -> Pipeline:
    nodes = [node(train, ["params:training", "params:strategy"], "model", name="train")]
    return pipeline(nodes, namespace=strategy, parameters={"training"})


PIPELINES = {
    "baseline": template("baseline"),
    "stratified": template("stratified"),
    "scoring": pipeline([node(score, ["params:fits.seeds", "params:optional"], "scores", name="score")]),
}
GIVEN: dict[str, Any] = {
    "training": {"epochs": 3},
    "baseline": {"strategy": {"sampler": "random"}},
    "stratified": {"strategy": {"sampler": "stratified"}},
    "fits": {"seeds": [0, 1]},
    "optional": None,
    "incremental": {"on_code_change": "keep"},
}


def check(**changes: Any) -> None:
    check_parameters({**GIVEN, **changes}, PIPELINES, {"data_root", "source_root"})


def test_accepts_what_is_read_by_nodes_hooks_and_the_catalog() -> None:
    check()


def test_accepts_names_of_a_namespace_written_with_a_dot() -> None:
    given = {name: value for name, value in GIVEN.items() if name != "baseline"}

    check_parameters({**given, "baseline.strategy": {"sampler": "random"}}, PIPELINES, {"data_root"})


@pytest.mark.parametrize(
    ("changes", "place", "suggestion"),
    [
        ({"trainig": {"epochs": 3}}, "trainig.epochs", "training.epochs"),
        ({"training": {"epoch": 3}}, "training.epoch", "training.epochs"),
        ({"stratifed": {"strategy": {"sampler": "x"}}}, "stratifed.strategy.sampler", "stratified.strategy.sampler"),
        ({"stratified": {"stratgy": {"sampler": "x"}}}, "stratified.stratgy.sampler", "stratified.strategy.sampler"),
        ({"stratified": {"strategy": {"smpler": "x"}}}, "stratified.strategy.smpler", "stratified.strategy.sampler"),
        ({"fits": {"seeds": [0], "sedes": [1]}}, "fits.sedes", "fits.seeds"),
        ({"data_rot": "x"}, "data_rot", "data_root"),
        ({"incremental": {"on_code_chnge": "keep"}}, "incremental.on_code_chnge", "incremental.on_code_change"),
        ({"stratified": 5}, "stratified", "stratified.strategy"),
    ],
)
def test_a_misspelt_name_is_shown_with_the_nearest_right_one(
    changes: dict[str, Any], place: str, suggestion: str
) -> None:
    with pytest.raises(InvalidParameterError) as error:
        check(**changes)

    assert error.value.offender == place
    assert error.value.remedy == f"did you mean {suggestion}?"


def test_a_misspelt_name_comes_before_a_wrong_value() -> None:
    with pytest.raises(InvalidParameterError, match="did you mean data_root"):
        check(training={"epochs": "five"}, data_rot="x")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"training": {"epochs": "five"}}, r"training\.epochs: 'five'; Input should be a valid integer"),
        ({"training": 3}, "training: 3; "),
        ({"incremental": {"on_code_change": "ask"}}, "incremental.on_code_change: 'ask'; Input should be 'redo' or"),
    ],
)
def test_a_wrong_value_is_shown_with_what_is_permitted(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidParameterError, match=expected):
        check(**changes)


def test_a_setting_among_the_parameters_is_shown_its_file() -> None:
    # the catalog would never see it
    with pytest.raises(InvalidParameterError, match=r"data_root: in parameters\*\.yml; .*globals\.yml"):
        check(data_root="data/other")


def test_a_parameter_that_a_node_reads_has_to_be_there() -> None:
    with pytest.raises(InvalidParameterError, match=r"fits\.seeds: missing; a value is needed"):
        check(fits={})
