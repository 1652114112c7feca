"""A whole project in a folder of its own, with an embedded cohort so small that a study takes seconds."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.warm_python import Command, run_warm

TWO = ("baseline", "stratified", "evaluation", "reporting")
"""Pipelines of a study of two strategies: what holds for them holds for others, and takes less time."""
LOCAL_GLOBALS = """
training_subjects: {A: 6, B: 2, C: 2, D: 2, E: 2, F: 2}
validation_subjects: 1
test_subjects: 2
"""
LOCAL_PARAMETERS = """
plans: {patch: [32, 32], batch_size: 6, base_filters: 4, stages: 3}
training: {epochs: 2, iterations_per_epoch: 1, threads: 1, validation_batches: 1}
inference: {overlap: 0.0, threads: 1}
# the largest group is too small for less
smallest_share_02: {strategy: {cohort: {share: 0.14}}}
smallest_share_05: {strategy: {cohort: {share: 0.15}}}
"""


@dataclass(frozen=True)
class Project:
    """A project folder as a clone has it, without tests and documents; its study is in ``data``."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data" / "embedded"

    def run(self, *arguments: str, params: Mapping[str, object] | None = None) -> subprocess.CompletedProcess[str]:
        """``kedro run`` in a process of its own, output captured, exit code not judged."""
        pairs = ",".join(f"{name}={value}" for name, value in (params or {}).items())
        return self.kedro("run", *arguments, *(["--params", pairs] if pairs else []))

    def kedro(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Any command of Kedro's."""
        return run_warm(Command("kedro", arguments, self.folder, self.environment()))

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python with the project's folder as its own, the project's own source, and nothing loaded before."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def environment(self) -> dict[str, str]:
        """Variables under which the project's own source is the one that is run."""
        own = {"PYTHONPATH": str(self.folder / "src"), "KEDRO_DISABLE_TELEMETRY": "1", "COLUMNS": "400"}
        return {**os.environ, **own}

    def contents(self) -> dict[str, str]:
        """Digest of every file of the study, by its path below the study's folder."""
        return digests(self.data)

    def copied_to(self, folder: Path) -> Project:
        """The same project elsewhere, times of files kept."""
        shutil.copytree(self.folder, folder)
        return Project(folder)


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file, by its path below the folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def write_tiny_project(folder: Path, repository: Path) -> Project:
    """Source, configuration and notebooks of the repository, and ``conf/local`` that makes the study tiny."""
    for part in ("src", "conf", "notebooks"):
        shutil.copytree(repository / part, folder / part, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for part in ("pyproject.toml", ".telemetry"):
        shutil.copy2(repository / part, folder)
    (folder / "conf" / "local" / "globals.yml").write_text(LOCAL_GLOBALS)
    (folder / "conf" / "local" / "parameters_tiny.yml").write_text(LOCAL_PARAMETERS)
    (folder / "logs").mkdir()
    return Project(folder)
