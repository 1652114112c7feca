"""A small hospital's cohort in ACDC's layout, with 7-digit ids, and a study of it run as a user runs it."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from tests.studies import TWO, Project, digests, write_tiny_project
from tests.warm_python import Command, run_warm

SUBJECTS = tuple(str(number) for number in range(7_234_501, 7_234_521))
PATHOLOGIES = ("NOR", "DCM")
PARAMETERS = """
attributes: {protected_attribute: pathology, audit_attributes: [pathology], covariates: [height, weight]}
split: {method: kfold, folds: 2, validation_fraction: 0.2}
plans: {spacing: [2.0, 2.0], patch: [32, 32], batch_size: 4, base_filters: 4, stages: 3}
training: {epochs: 2, iterations_per_epoch: 1, threads: 1}
fits: {folds: [0]}
inference: {threads: 1}
"""


@dataclass(frozen=True)
class Clinic:
    """A folder with a project, the clinic's scans, and the study's data."""

    folder: Path

    @property
    def project(self) -> Project:
        return Project(self.folder / "project")

    @property
    def source(self) -> Path:
        return self.folder / "scans"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(
        self, *arguments: str, params: Mapping[str, str] | None = None, module: str = "kedro", env: str = "acdc"
    ) -> subprocess.CompletedProcess[str]:
        """``kedro run`` in a process of its own, of two strategies if not told which pipelines.

        Args:
            *arguments: More of the command line.
            params: Beside where scans and study lie.
            module: What stands for Kedro: :mod:`tests.end_to_end.full_disk`.
            env: Folder of ``conf``.
        """
        roots = {"data_root": str(self.data), "source_root": str(self.source)}
        given = ",".join(f"{name}={value}" for name, value in {**roots, **(params or {})}.items())
        pipelines = () if "--pipelines" in arguments else ("--pipelines", ",".join(TWO))
        command = ("run", "--env", env, *pipelines, *arguments, "--params", given)
        own = self.project.environment()
        paths = os.pathsep.join([own["PYTHONPATH"], str(Path(__file__).parent)])
        return run_warm(Command(module, command, self.project.folder, {**own, "PYTHONPATH": paths}))

    def contents(self) -> dict[str, str]:
        """Digest of every file below data_root."""
        return digests(self.data)

    def files_that_name(self, ids: re.Pattern[str]) -> list[str]:
        """Files of the study and the project, names and contents, that give a source id away."""
        places = [path for root in (self.data, self.project.folder) for path in root.rglob("*") if path.is_file()]
        return [
            str(path)
            for path in places
            if path.name != "key.csv" and ids.search(str(path.relative_to(self.folder)) + readable(path))
        ]

    def copied_to(self, folder: Path) -> Clinic:
        """The same clinic elsewhere, times of files kept."""
        shutil.copytree(self.folder, folder)
        return Clinic(folder)


def readable(path: Path) -> str:
    """What a file says, also one that is compressed."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes()).decode("latin-1")
    if path.suffix == ".parquet":
        # a test may have damaged it
        with suppress(OSError, ValueError):
            return pd.read_parquet(path).to_csv()
    return path.read_bytes().decode("latin-1")


def write_clinic(folder: Path, repository: Path) -> Clinic:
    """Scans of 20 invented subjects, and a project that is to study them."""
    clinic = Clinic(folder)
    for number, subject in enumerate(SUBJECTS):
        write_subject(clinic.source / subject, PATHOLOGIES[number % len(PATHOLOGIES)], number)
    write_tiny_project(clinic.project.folder, repository)
    (clinic.project.folder / "conf" / "acdc" / "parameters.yml").write_text(PARAMETERS)
    return clinic


def write_subject(folder: Path, pathology: str, seed: int) -> None:
    """Concentric ventricles in noise, at two frames, as ACDC stores them."""
    folder.mkdir(parents=True)
    (folder / "Info.cfg").write_text(
        f"ED: 1\nES: 5\nGroup: {pathology}\nHeight: {170 + seed % 7}.0\nNbFrame: 10\nWeight: {60 + seed % 11}.0\n"
    )
    noise = np.random.default_rng(seed)
    rows, columns = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    for frame, radius in ((1, 7.0), (5, 5.0)):
        left = np.hypot(rows - 16, columns - 18)
        label = np.zeros((32, 32, 4), np.uint8)
        label[np.hypot(rows - 16, columns - 8) < radius - 1] = 1
        label[left < radius + 2] = 2
        label[left < radius] = 3
        image = np.choose(label, (20.0, 180.0, 60.0, 200.0)) + noise.normal(0, 8, label.shape)
        for suffix, data in (("", image.astype(np.float32)), ("_gt", label)):
            volume = nib.Nifti1Image(data, np.diag((2.0, 2.0, 10.0, 1.0)))
            nib.save(volume, folder / f"{folder.name}_frame{frame:02d}{suffix}.nii.gz")
