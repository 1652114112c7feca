"""What became of the last run that did something, for Kedro-Viz.

Kedro-Viz' own hooks record whole runs by the SequentialRunner alone, write tracebacks (which may hold paths of scans),
and forget the last run over one that finds nothing to do. These write the same file,
``.viz/kedro_pipeline_events.json`` in the project's folder: events of any run of any pipeline in which a node ran, with
errors in one line.
"""

from __future__ import annotations

import hashlib
import json
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node

from faircmr.core.errors import OutputError
from faircmr.core.files import write_whole
from faircmr.incremental.catalog import IncrementalCatalog
from faircmr.incremental.receipts import files_of
from faircmr.running.expected_errors import in_one_line

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
                write_whole(Path(run_params["project_path"]) / EVENTS, content)


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
