"""Progress of each node in a terminal or log, and the status of the last run for Kedro-Viz.

Kedro-Viz' own hooks record whole runs by the SequentialRunner alone, write tracebacks (which may hold paths of scans),
and forget the last run over one that finds nothing to do. These write the same file,
``.viz/kedro_pipeline_events.json`` in the project's folder: events of any run of any pipeline in which a node ran, with
errors in one line.

Nodes know nothing of it. The cohort that a node is given counts how many of its scans have been read, so the bar also
moves where a node only returns what is computed as it is saved. Of nodes that read no scans it is known how long they
took the last time. Trainings show themselves: see :mod:`faircmr.reporting.progress`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from faircmr.core import OutputError
from faircmr.core.host import WorkFolder, write_atomically
from faircmr.core.scans import Cohort, Frame, Scan, ScanFiles, UnlabelledScans
from faircmr.core.study import TEST, subjects_in
from faircmr.incremental import IncrementalCatalog, files_of
from faircmr.running.logs import in_one_line

EVENTS = Path(".viz/kedro_pipeline_events.json")
Event = dict[str, str | float]


class RunStatus:
    """Hooks that time every node up to its last output, and write it down when the run ends."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._began: dict[str, float] = {}
        self._under_way: dict[str, Node] = {}

    @hook_impl
    def before_pipeline_run(self) -> None:
        """Begin anew."""
        self._began, self._under_way = {}, {}
        self._events = [{"event": "before_pipeline_run", "timestamp": _now()}]

    @hook_impl
    def before_node_run(self, node: Node) -> None:
        """Note when a node begins."""
        self._began[node.name] = time.perf_counter()
        self._under_way[node.name] = node

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """Note that an output is there, and how long it took: some are computed as they are saved."""
        self._events += [
            {
                "event": "after_dataset_saved",
                "dataset": dataset_name,
                "node_id": viz_id(dataset_name),
                "status": "Available",
            },
            {
                "event": "after_node_run",
                "node": node.name,
                "node_id": viz_id(str(node)),
                "duration": time.perf_counter() - self._began[node.name],
                "status": "success",
            },
        ]
        if dataset_name == node.outputs[-1]:
            self._under_way.pop(node.name, None)

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], catalog: IncrementalCatalog) -> None:
        """Write down a run that went well."""
        for event in self._events:
            if "dataset" in event:
                event["size"] = _bytes(str(event["dataset"]), catalog)
        self._write(run_params, {"event": "after_pipeline_run", "timestamp": _now()})

    @hook_impl
    def on_pipeline_error(self, error: Exception, run_params: dict[str, Any]) -> None:
        """Write down a run that failed, and the nodes that were under way: some fail as their output is saved."""
        said = {"timestamp": _now(), "error": in_one_line(error)}
        for name, node in self._under_way.items():
            self._events.append({"event": "on_node_error", "node": name, "node_id": viz_id(str(node)), **said})
        self._write(run_params, {"event": "on_pipeline_error", **said})

    def _write(self, run_params: dict[str, Any], end: Event) -> None:
        # a node that makes nothing, such as the one that shows the status, is not worth forgetting the last run for
        if any("node" in event for event in self._events):
            content = json.dumps([*self._events, end], indent=1).encode()
            # a run is worth more than what is told of it
            with suppress(OutputError):
                write_atomically(Path(run_params["project_path"]) / EVENTS, content)


def last_durations(project: Path) -> dict[str, float]:
    """Seconds that each node took in the last run that did something; empty where nothing is known."""
    try:
        events = json.loads((project / EVENTS).read_bytes())
        return {event["node"]: float(event["duration"]) for event in events if event["event"] == "after_node_run"}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}


def viz_id(name: str) -> str:
    """What Kedro-Viz calls a node (by its text) or a data set (by its name)."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()[:8]


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _bytes(name: str, catalog: IncrementalCatalog) -> int:
    dataset = catalog.get(name)
    files = [] if dataset is None else files_of(dataset)
    return sum(file.stat().st_size for file in files if file.is_file())


SECONDS_BETWEEN_LINES = 10.0
logger = logging.getLogger(__name__)


class Step:
    """One node under way.

    Args:
        name: Of the node.
        total: Scans that it will read; ``None`` if unknown.
        last_time: Seconds that it took in another run, or ``None``.
        console: Where to show it. On a terminal a bar, which goes with the step; elsewhere a log line at most every
            ten seconds.
    """

    def __init__(self, name: str, total: int | None, last_time: float | None, console: Console) -> None:
        self._name, self._total, self._done = name, total, 0
        self._began = self._last = time.monotonic()
        self._lock = Lock()
        self._bar = _bar(console, total) if console.is_terminal else None
        if self._bar is not None:
            self._task = self._bar.add_task(name, total=total, last_time=last_time)
            self._bar.start()

    def advance(self) -> None:
        """One more scan has been read; may be called by several threads."""
        with self._lock:
            self._done += 1
            if self._bar is not None:
                self._bar.update(self._task, completed=self._done)
            elif time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
                self._last = time.monotonic()
                logger.info("%s: %s", self._name, self._state())

    def close(self) -> None:
        """The step has ended, well or not."""
        if self._bar is not None:
            self._bar.stop()

    def _state(self) -> str:
        if self._total is None:
            return f"{self._done} done"
        left = (self._last - self._began) / self._done * max(self._total - self._done, 0)
        return f"{self._done} of {self._total}, {timedelta(seconds=round(left))} left"


def _bar(console: Console, total: int | None) -> Progress:
    known = [MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("left")]
    columns = [TimeElapsedColumn(), _TimeLeftColumn()] if total is None else known
    return Progress(TextColumn("{task.description}"), BarColumn(), *columns, console=console, transient=True)


class _TimeLeftColumn(ProgressColumn):
    """Time left, if it takes as long as the last time."""

    def render(self, task: Task) -> Text:
        last_time = task.fields["last_time"]
        if last_time is None:
            return Text()
        return Text(f"about {timedelta(seconds=round(max(last_time - (task.elapsed or 0.0), 0.0)))} left")


Inputs = Mapping[str, Any]
"""What a node is given, by the last part of its names."""


def _tested_scans(inputs: Inputs) -> int:
    from faircmr.segmentation.prediction import group_ensembles

    scans = inputs["cohort"].scans["subject_id"].value_counts()
    tested = [
        subject_id
        for team in group_ensembles(inputs["model"].fits, inputs["params:inference"])
        for subject_id in subjects_in(inputs["prediction_cohort"], TEST, team.fold)
    ]
    return int(scans.reindex(tested, fill_value=0).sum())


TOTALS: Mapping[str, Callable[[Inputs], int]] = {
    "index_cohort": lambda inputs: len(inputs["cohort"].scans),
    "survey_images": lambda inputs: len(inputs["scans"]),
    "preprocess_cohort": lambda inputs: len(inputs["scans"]),
    "export_nnunet": lambda inputs: len(inputs["scans"]),
    "predict": _tested_scans,
    "score": lambda inputs: len(inputs["predictions"]),
    "segment_scans": lambda inputs: len(inputs["unlabelled"].readers),
}
"""Scans (of ``segment_scans`` subjects) that a node reads, at most: what it finds done already it does not read."""


class StepProgress:
    """Hooks that show every node but those that show themselves.

    Args:
        console: Where; standard error by default.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._steps: dict[str, tuple[Step, set[str]]] = {}
        self._last: Mapping[str, float] = {}

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Learn how long nodes took the last time."""
        self._last = last_durations(Path(run_params["project_path"]))

    @hook_impl
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> dict[str, Any]:
        """Begin a step; gives back the inputs that count."""
        if any(isinstance(value, WorkFolder) for value in inputs.values()):
            return {}
        named = {name.rpartition(".")[2]: value for name, value in inputs.items()}
        total = TOTALS.get(node.short_name.rpartition(".")[2])
        known = None if total is None else total(named)
        step = Step(node.name, known, self._last.get(node.name), self._console)
        self._steps[node.name] = step, set(node.outputs)
        counted = {name: _with_read_counter(value, step.advance) for name, value in inputs.items()}
        return {name: value for name, value in counted.items() if value is not None}

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, node: Node) -> None:
        """End a step with the last of its outputs."""
        _, waiting = self._steps.get(node.name, (None, set()))
        waiting.discard(dataset_name)
        if not waiting:
            self._end([node.name])

    @hook_impl
    def on_pipeline_error(self) -> None:
        """End what an error has ended."""
        self._end(list(self._steps))

    def _end(self, names: list[str]) -> None:
        for name in names:
            if name in self._steps:
                self._steps.pop(name)[0].close()


def _with_read_counter(value: object, advance: Callable[[], None]) -> Cohort | UnlabelledScans | None:
    """The same scans, which count how often they are read; ``None`` for what is no scans."""
    if isinstance(value, Cohort):
        return replace(value, read_files=_counting_reader(value.read_files, advance))
    if isinstance(value, UnlabelledScans):
        readers = {key: _counting_reader(reader, advance) for key, reader in value.readers.items()}
        return replace(value, readers=readers)
    return None


def _counting_reader(read: Callable[..., Any], advance: Callable[[], None]) -> Callable[..., Any]:
    def counted(*files: ScanFiles) -> Scan | Iterator[Frame]:
        try:
            result: Scan | Iterator[Frame] = read(*files)
            return result
        finally:
            advance()

    return counted
