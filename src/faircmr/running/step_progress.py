"""How far each node is: a bar with the time left on a terminal, a line now and then in a log.

Nodes know nothing of it. The cohort that a node is given counts how many of its scans have been read, so the bar also
moves where a node only returns what is computed as it is saved. Of nodes that read no scans it is known how long they
took the last time. Trainings show themselves: see :mod:`faircmr.reporting.progress`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kedro.framework.hooks import hook_impl
from kedro.pipeline.node import Node
from rich.console import Console

from faircmr.core.cine import Frame, UnlabelledScans
from faircmr.core.cohort import Cohort
from faircmr.core.scan import Scan, ScanFiles
from faircmr.core.splits import TEST, subjects_in
from faircmr.core.work_folder import WorkFolder
from faircmr.running.run_status import last_durations
from faircmr.running.step_bar import Step

Inputs = Mapping[str, Any]
"""What a node is given, by the last part of its names."""


def _tested_scans(inputs: Inputs) -> int:
    from faircmr.segmentation.prediction import teams

    scans = inputs["cohort"].scans["subject_id"].value_counts()
    tested = [
        subject_id
        for team in teams(inputs["model"].fits, inputs["params:inference"])
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
        counted = {name: _counted(value, step.advance) for name, value in inputs.items()}
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


def _counted(value: object, advance: Callable[[], None]) -> Cohort | UnlabelledScans | None:
    """The same scans, which count how often they are read; ``None`` for what is no scans."""
    if isinstance(value, Cohort):
        return replace(value, read_files=_counting(value.read_files, advance))
    if isinstance(value, UnlabelledScans):
        readers = {key: _counting(reader, advance) for key, reader in value.readers.items()}
        return replace(value, readers=readers)
    return None


def _counting(read: Callable[..., Any], advance: Callable[[], None]) -> Callable[..., Any]:
    def counted(*files: ScanFiles) -> Scan | Iterator[Frame]:
        try:
            result: Scan | Iterator[Frame] = read(*files)
            return result
        finally:
            advance()

    return counted
