"""A tiny study of the embedded cohort, run inside the test process so that its nodes can be watched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kedro.framework import project as kedro_project
from kedro.framework.hooks import hook_impl
from kedro.framework.project import settings
from kedro.framework.startup import bootstrap_project

from tests.studies import TWO, Project
from tests.warm_python import Command, run_warm

PACKAGE = "faircmr"


@dataclass(frozen=True)
class Ran:
    """What one run did: nodes in order, and the subjects whose tensors were written."""

    nodes: tuple[str, ...]
    subjects: frozenset[str]


@dataclass
class NodeRecorder:
    """A hook that notes which nodes ran."""

    nodes: list[str] = field(default_factory=list)

    @hook_impl
    def after_node_run(self, node: Any) -> None:
        self.nodes.append(node.name)


@dataclass(frozen=True)
class EmbeddedStudy:
    """A project whose runs tell what they did."""

    project: Project

    @property
    def data(self) -> Path:
        return self.project.data

    @property
    def scans(self) -> Path:
        return self.project.data / "01_raw" / "scans"

    def run(self, *pipelines: str, hooks: Iterable[object] = (), **runtime_params: Any) -> Ran:
        """Run pipelines (of two strategies by default) with parameters as the command line would set them."""
        before = self._tensor_times()
        recorder = NodeRecorder()
        with self._session(runtime_params) as session:
            for hook in (recorder, *hooks):
                session._hook_manager.register(hook)
            session.run(pipeline_names=list(pipelines or TWO))
        after = self._tensor_times()
        return Ran(tuple(recorder.nodes), frozenset(name for name in after if after[name] != before.get(name)))

    def _tensor_times(self) -> dict[str, int]:
        tensors = self.data / "05_model_input" / "tensors"
        return {path.stem: path.stat().st_mtime_ns for path in tensors.glob("*.safetensors")}

    @contextmanager
    def _session(self, runtime_params: dict[str, Any]) -> Iterator[Any]:
        if kedro_project.PACKAGE_NAME != PACKAGE:  # done once: the source is this process's own in every folder
            bootstrap_project(self.project.folder)
        with settings.SESSION_CLASS.create(project_path=self.project.folder, runtime_params=runtime_params) as session:
            yield session


def stale_nodes(project: Project, *pipelines: str) -> set[str]:
    """Nodes that a process with the project's own source would run; nothing is run."""
    own = project.environment()
    environment = {**own, "PYTHONPATH": os.pathsep.join([own["PYTHONPATH"], str(Path(__file__).parent)])}
    listed = run_warm(Command("stale_nodes", pipelines, project.folder, environment))
    assert listed.returncode == 0, listed.stderr
    return set(json.loads(listed.stdout.strip().splitlines()[-1]))
