"""What Kedro-Viz is told of the last run that did something."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kedro.framework.project import pipelines
from kedro.io import DatasetError
from kedro.runner import ThreadRunner
from kedro_viz.api.rest.responses.run_events import RunStatusAPIResponse, get_run_status_response
from kedro_viz.integrations.kedro.hooks_utils import hash_node

from faircmr.running.progress import EVENTS
from tests.mini_study import ALL, MiniStudy


def status() -> RunStatusAPIResponse:
    """As Kedro-Viz reads it, from the current folder."""
    return get_run_status_response()


def nodes(*names: str) -> set[str]:
    """What Kedro-Viz calls them."""
    return {hash_node(node) for node in pipelines["__default__"].nodes if node.name in names}


def test_every_node_that_ran_is_there_with_its_time(study: MiniStudy) -> None:
    study.run()

    told = status()
    assert told.pipeline.status == "success"
    assert told.nodes.keys() == nodes(*ALL)
    assert all(node.duration > 0 and node.status == "success" for node in told.nodes.values())
    assert {one.name: one.size for one in told.datasets.values()}["count"] == len("3")


def test_a_run_that_has_nothing_to_do_leaves_the_one_before(study: MiniStudy) -> None:
    study.run()
    before = (study.folder / EVENTS).read_bytes()

    assert study.run() == []

    assert (study.folder / EVENTS).read_bytes() == before


def test_a_run_of_a_part_and_by_threads_is_told_as_well(study: MiniStudy) -> None:
    study.run(pipeline_names=["first"], runner=ThreadRunner())

    assert status().nodes.keys() == nodes("double", "count")


def test_a_failure_is_told_in_one_line_without_a_path(study: MiniStudy) -> None:
    (study.data / "numbers.json").unlink()
    with pytest.raises(DatasetError):
        study.run()

    assert not (study.folder / EVENTS).exists(), "no node has begun"


def test_a_node_that_fails_is_told_by_the_kind_of_its_error(study: MiniStudy) -> None:
    study.replace("src/mini_study/nodes.py", "    return len(numbers)", '    raise ValueError("/patients/7234501")')
    with pytest.raises(ValueError, match="patients"):
        study.run(node_names=["count"])

    told = status()
    assert told.pipeline.status == "failed"
    assert [(node.status, node.error.message) for node in told.nodes.values()] == [("failed", "ValueError")]
    assert "7234501" not in (study.folder / EVENTS).read_text()


def test_an_output_that_cannot_be_saved_is_told_of_its_node(study: MiniStudy) -> None:
    study.replace("src/mini_study/nodes.py", "    return len(numbers)", "    return object()")
    with pytest.raises(DatasetError):
        study.run(node_names=["count"])

    assert [node.error.message for node in status().nodes.values()] == ["DatasetError"]


def test_a_project_that_cannot_be_written_runs_all_the_same(study: MiniStudy) -> None:
    Path(study.folder, EVENTS.parent).touch()

    assert study.run() == ALL


def test_they_are_json_that_a_person_can_read(study: MiniStudy) -> None:
    study.run()

    events = [event["event"] for event in json.loads((study.folder / EVENTS).read_text())]
    assert (events[0], events[-1]) == ("before_pipeline_run", "after_pipeline_run")
