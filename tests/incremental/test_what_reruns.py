"""A change, and exactly which nodes run again because of it."""

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from faircmr.incremental import catalog
from tests.mini_study import ALL, MiniStudy

KEEP = {"incremental": {"on_code_change": "keep"}}


@pytest.fixture
def finished(study: MiniStudy) -> MiniStudy:
    assert study.run() == ALL
    return study


def touch_input(study: MiniStudy) -> None:
    numbers = study.data / "numbers.json"
    os.utime(numbers, ns=(0, numbers.stat().st_mtime_ns + 1))


def edit_helper(study: MiniStudy) -> None:
    study.replace("src/mini_study/deeper.py", 'f"part-{index}"', 'f"part-{index + 10}"')


def change_nothing(_: MiniStudy) -> None:
    """As it is."""


CHANGES: dict[str, tuple[Callable[[MiniStudy], object], list[str]]] = {
    "nothing": (change_nothing, []),
    "an input is touched": (touch_input, ALL),
    "an optional input appears": (lambda study: (study.data / "optional.json").write_text("1"), ["total"]),
    "an output is deleted": (lambda study: (study.data / "doubled.json").unlink(), ["double"]),
    "an output is truncated": (lambda study: (study.data / "table1_a.csv").write_text(""), ["total"]),
    "a document is edited": (lambda study: (study.data / "doubled.json").write_text("[9]"), ["spread", "total"]),
    "a document is edited to the same size": (
        lambda study: (study.data / "doubled.json").write_text("[3, 4, 6]"),
        ["spread", "total"],
    ),
    "one file of a folder is deleted": (lambda study: (study.data / "parts/part-1.json").unlink(), ["spread"]),
    "one file of a folder is truncated": (lambda study: (study.data / "parts/part-1.json").write_text(""), ["spread"]),
    "a receipt is deleted": (lambda study: (study.data / "parts/receipt.json").unlink(), ["spread"]),
    "a receipt is damaged": (lambda study: (study.data / "count.json.receipt.json").write_text("{"), ["count"]),
    "a comment is edited": (
        lambda study: study.replace("src/mini_study/nodes.py", "# nothing else", "# nothing at all"),
        [],
    ),
    "a docstring two modules below is edited": (
        lambda study: study.replace("src/mini_study/deeper.py", "Name of a part", "What a part is called"),
        [],
    ),
    "a helper two modules below is edited": (edit_helper, ["spread", "total"]),
    "one node is edited": (
        lambda study: study.replace("src/mini_study/nodes.py", "return len(numbers)", "return 0 + len(numbers)"),
        ["count"],
    ),
    "a helper beside the nodes is edited": (
        lambda study: study.replace("src/mini_study/nodes.py", 'RAN.open("a")', 'RAN.open(mode="a")'),
        ALL,
    ),
    "a data set's class is edited": (
        lambda study: study.replace("src/mini_study/datasets.py", "json.dumps(value)", "json.dumps(value, indent=1)"),
        ["spread", "total"],
    ),
    "a data set's class that others inherit from is edited": (
        lambda study: study.replace("src/mini_study/datasets.py", "json.dumps(data)", "json.dumps(data, indent=1)"),
        ALL,
    ),
    "a parameter of one node": (
        lambda study: study.replace("conf/base/parameters.yml", "weight: 1.0", "weight: 2.0"),
        ["total"],
    ),
    "a parameter of an early node": (
        lambda study: study.replace("conf/base/parameters.yml", "rotation: 1.0", "rotation: 2.0"),
        ["double", "spread", "total"],
    ),
}


@pytest.mark.parametrize(("change", "expected"), CHANGES.values(), ids=CHANGES)
def test_reruns_exactly_what_a_change_reaches(
    finished: MiniStudy, change: Callable[[MiniStudy], object], expected: list[str]
) -> None:
    change(finished)

    assert finished.run() == expected
    assert finished.run() == []


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ({"node_names": ["count"]}, ["count"]),
        ({"node_names": ["count"], "only_missing_outputs": True}, []),
        ({"from_nodes": ["spread"]}, ["spread", "total"]),
        ({"to_nodes": ["spread"]}, []),
        ({"tags": ["early"]}, []),
        ({"pipeline_names": ["first", "last"]}, []),
        ({"pipeline_name": "first"}, []),
    ],
)
def test_runs_what_is_named_and_nothing_else_of_a_finished_study(
    finished: MiniStudy, choices: dict[str, Any], expected: list[str]
) -> None:
    assert finished.run(**choices) == expected
    assert finished.run() == []


def test_a_study_run_in_pieces_is_as_finished_as_one_run_at_once(study: MiniStudy) -> None:
    assert study.run(pipeline_names=["first"]) == ["count", "double"]
    assert study.run(pipeline_names=["last"]) == ["spread", "total"]
    assert study.run() == []


def test_what_was_made_from_a_stale_input_is_made_again_when_the_input_is(finished: MiniStudy) -> None:
    changed = {"doubling": {"factor": 3}}

    assert finished.run(changed, node_names=["spread"]) == ["spread"]
    assert finished.run(changed) == ["double", "spread", "total"]


def test_redoes_what_was_cut_off_between_saving_and_its_receipt(
    finished: MiniStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(catalog, "write_receipt", cut_off)
        with pytest.raises(KeyboardInterrupt):
            finished.run(node_names=["count"])

    assert finished.run() == ["count"]


def test_finds_a_study_finished_after_its_folder_has_moved(finished: MiniStudy) -> None:
    elsewhere = finished.data.with_name("elsewhere")
    finished.data.rename(elsewhere)
    finished.data.mkdir()
    (elsewhere / "numbers.json").rename(finished.data / "numbers.json")

    assert finished.run({"data_root": "elsewhere"}) == []


def test_keeps_what_other_code_made_where_told_to_and_says_so(
    finished: MiniStudy, caplog: pytest.LogCaptureFixture
) -> None:
    edit_helper(finished)

    with caplog.at_level(logging.WARNING, "faircmr"):
        assert finished.run(KEEP) == []

    assert "parts was made by other code and is kept" in caplog.text
    assert "doubled" not in caplog.text


def test_redoes_for_a_parameter_also_where_code_is_kept(finished: MiniStudy) -> None:
    edit_helper(finished)

    assert finished.run({**KEEP, "a": {"strategy": {"weight": 2.0}}}) == ["total"]
    assert finished.run({"a": {"strategy": {"weight": 2.0}}}) == ["spread", "total"]


def test_a_work_folder_is_told_by_which_code_work_in_it_must_have_been_begun(finished: MiniStudy) -> None:
    def code_of_work(params: dict[str, Any]) -> str:
        finished.run(params, node_names=["total"])
        return (finished.folder / "work.txt").read_text()

    before = code_of_work({})
    assert before
    assert code_of_work({"a": {"strategy": {"weight": 2.0}}}) == before
    assert code_of_work(KEEP) == ""
    finished.replace("src/mini_study/nodes.py", "strategy.weight * sum", "1 * strategy.weight * sum")
    assert code_of_work({}) != before
    assert code_of_work(KEEP) == ""


def test_an_edit_by_hand_stands_until_what_it_was_made_from_changes(
    finished: MiniStudy, caplog: pytest.LogCaptureFixture
) -> None:
    document = finished.data / "doubled.json"
    document.write_text("[9]")

    with caplog.at_level(logging.WARNING, "faircmr"):
        finished.run()
    assert document.read_text() == "[9]"
    assert "doubled was edited by hand and is used as it stands; delete the file" in caplog.text

    caplog.clear()
    with caplog.at_level(logging.WARNING, "faircmr"):
        assert finished.run({"doubling": {"factor": 3}}) == ["double", "spread", "total"]
    assert document.read_text() == "[3, 6, 9]"
    assert "doubled was edited by hand and is made again" in caplog.text


def test_an_edit_taken_back_is_none(finished: MiniStudy) -> None:
    document = finished.data / "doubled.json"
    before = document.read_text()
    document.write_text("[9]")
    finished.run()

    document.write_text(before)

    assert finished.run() == ["spread", "total"]
    assert finished.run() == []


def test_an_edit_stands_where_other_code_is_kept_and_is_lost_where_it_is_not(finished: MiniStudy) -> None:
    (finished.data / "doubled.json").write_text("[9]")
    finished.run()
    finished.replace("src/mini_study/nodes.py", "number * doubling.factor", "1 * number * doubling.factor")

    assert finished.run(KEEP) == []
    assert finished.run() == ["double", "spread", "total"]
