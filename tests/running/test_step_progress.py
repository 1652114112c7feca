"""A bar for every node on a terminal, few lines in a log, and cohorts that count."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from faircmr.core.host import WorkFolder
from faircmr.core.scans import Cohort, Geometry, Phase, Scan, ScanFiles, UnlabelledScans
from faircmr.pipeline_registry import register_pipelines
from faircmr.running import StepProgress
from faircmr.running import progress as step_bar
from faircmr.running.progress import EVENTS, TOTALS, Step
from faircmr.segmentation import InferenceParameters

SCAN = Scan(np.zeros((1, 2, 2), np.float32), None, Geometry((1, 2, 2), (1.0, 1.0, 1.0)))
KEYS = [("sub-0001", Phase.ED), ("sub-0001", Phase.ES), ("sub-0002", Phase.ED)]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that tests turn."""
    turned = SimpleNamespace(now=100.0)
    turned.monotonic = lambda: turned.now
    monkeypatch.setattr(step_bar, "time", turned)
    return turned


@pytest.fixture
def cohort() -> Cohort:
    scans = pd.DataFrame([(subject, phase.name) for subject, phase in KEYS], columns=["subject_id", "phase"])
    files = {key: ScanFiles(Path("image"), None) for key in KEYS}
    return Cohort(pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"]}), scans, files, lambda _: SCAN)


def terminal() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)


def log() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def shown(console: Console) -> str:
    return console.file.getvalue()


def node(name: str, outputs: list[str]) -> Any:
    return SimpleNamespace(name=name, short_name=name, outputs=outputs)


def test_a_terminal_shows_how_many_are_done_and_how_long_is_left():
    console = terminal()
    step = Step("index_cohort", 3, None, console)

    step.advance()
    step.close()

    assert "index_cohort" in shown(console)
    assert "1/3" in shown(console)
    assert "left" in shown(console)


def test_a_log_gets_a_line_after_ten_seconds(clock: SimpleNamespace, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="faircmr")
    step = Step("index_cohort", 120, None, log())

    for seconds in (4.0, 6.0, 4.0):
        clock.now += seconds
        step.advance()
    step.close()

    # two in ten seconds: 118 at five seconds each
    assert caplog.messages == ["index_cohort: 2 of 120, 0:09:50 left"]


def test_a_log_says_what_is_known_where_nobody_knows_how_many(clock: SimpleNamespace, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO, logger="faircmr")
    step = Step("show_cohort", None, None, log())

    clock.now += 11.0
    step.advance()

    assert caplog.messages == ["show_cohort: 1 done"]


def test_where_nothing_is_counted_the_time_left_is_that_of_the_last_time(tmp_path: Path):
    console = terminal()
    hooks = StepProgress(console)
    (tmp_path / EVENTS.parent).mkdir()
    event = {"event": "after_node_run", "node": "audit_strategies", "duration": 75.0}
    (tmp_path / EVENTS).write_text(json.dumps([event]))

    hooks.before_pipeline_run({"project_path": str(tmp_path)})
    hooks.before_node_run(node("audit_strategies", ["audit_groups"]), {"subjects": pd.DataFrame()})
    hooks.on_pipeline_error()

    assert "about 0:01:15 left" in shown(console)


def test_nothing_is_known_of_a_first_time(tmp_path: Path):
    console = terminal()
    hooks = StepProgress(console)

    hooks.before_pipeline_run({"project_path": str(tmp_path)})
    hooks.before_node_run(node("audit_strategies", ["audit_groups"]), {})
    hooks.on_pipeline_error()

    assert "audit_strategies" in shown(console)
    assert "left" not in shown(console)


def test_the_scans_that_a_node_reads_are_counted(cohort: Cohort):
    console = terminal()
    hooks = StepProgress(console)

    given = hooks.before_node_run(node("index_cohort", ["scans"]), {"cohort": cohort, "params:attributes": 1})
    read = [given["cohort"].read(*key) for key in KEYS]
    hooks.after_dataset_saved("scans", node("index_cohort", ["scans"]))

    assert given.keys() == {"cohort"}
    assert all(scan is SCAN for scan in read)
    assert "3/3" in shown(console)


def test_a_scan_that_cannot_be_read_counts_and_fails_as_before(cohort: Cohort):
    console = terminal()

    def broken(files: ScanFiles) -> Scan:
        raise ZeroDivisionError

    hooks = StepProgress(console)
    given = hooks.before_node_run(
        node("index_cohort", ["scans"]), {"cohort": Cohort(cohort.subjects, cohort.scans, cohort.files, broken)}
    )
    with pytest.raises(ZeroDivisionError):
        given["cohort"].read(*KEYS[0])
    hooks.on_pipeline_error()

    assert "1/3" in shown(console)


def test_unlabelled_subjects_are_counted_as_well():
    console = terminal()
    scans = UnlabelledScans(
        {"sub-0001": "", "sub-0002": ""}, {"sub-0001": lambda: iter(()), "sub-0002": lambda: iter(())}
    )
    hooks = StepProgress(console)

    given = hooks.before_node_run(node("segment_scans", ["predict.predictions"]), {"unlabelled": scans})
    assert list(given["unlabelled"].frames("sub-0001")) == []
    hooks.on_pipeline_error()

    assert "1/2" in shown(console)


def test_a_step_ends_with_the_last_of_its_outputs(cohort: Cohort):
    console = terminal()
    hooks, indexing = StepProgress(console), node("index_cohort", ["scans", "subjects"])

    given = hooks.before_node_run(indexing, {"cohort": cohort})
    hooks.after_dataset_saved("scans", indexing)
    given["cohort"].read(*KEYS[0])
    assert hooks._steps
    hooks.after_dataset_saved("subjects", indexing)

    assert not hooks._steps


def test_a_training_shows_itself():
    console = terminal()

    assert StepProgress(console).before_node_run(node("train", ["model"]), {"work": WorkFolder(Path("x"), "")}) == {}
    assert shown(console) == ""


def test_test_scans_are_counted_once_for_every_seed(cohort: Cohort):
    fits = [SimpleNamespace(seed=seed, fold=None) for seed in (0, 1)]
    people = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "split": ["test", "validation"]})
    inputs = {
        "cohort": cohort,
        "model": SimpleNamespace(fits=fits),
        "prediction_cohort": people,
        "params:inference": InferenceParameters(ensemble="none"),
    }

    assert TOTALS["predict"](inputs) == 4


def test_totals_are_of_nodes_that_there_are():
    names = {one.short_name.rpartition(".")[2] for pipeline in register_pipelines().values() for one in pipeline.nodes}

    assert set(TOTALS) <= names
