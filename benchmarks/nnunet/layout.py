"""Names, folders and the split that both sides share; nothing but the standard library.

This module is imported by scripts of two environments: the project's own, and nnU-Net's.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ACDC = Path("../shared/data/acdc")
"""Where ACDC lies by default, from the project's folder."""
SPACING = 1.5625
PATCH = 128
BATCH_SIZE = 8
FILTERS = (32, 64, 128, 256, 512)
ITERATIONS = 250
FULL, CROPS = "Dataset500_ACDC", "Dataset501_ACDCroi"
PARITY_PLANS, PARITY_CONFIGURATION, TRAINER = "parityPlans", "2d", "nnUNetTrainer"
LABELS = {"background": 0, "RVBP": 1, "LVM": 2, "LVBP": 3}
"""Values of ACDC's labels, in the files of both sides."""


@dataclass(frozen=True)
class Layout:
    """Where the files of the benchmarks lie."""

    work: Path

    @property
    def raw(self) -> Path:
        return self.work / "nnUNet_raw"

    @property
    def preprocessed(self) -> Path:
        return self.work / "nnUNet_preprocessed"

    @property
    def tensors(self) -> Path:
        """Our preprocessed crops."""
        return self.work / "tensors"

    @property
    def full_tensors(self) -> Path:
        """Our preprocessed full volumes."""
        return self.work / "tensors-full"

    @property
    def boxes(self) -> Path:
        return self.work / "boxes.json"

    def nnunet_results(self, seed: int) -> Path:
        return self.work / "nnUNet_results" / f"seed-{seed}"

    def nnunet_model(self, seed: int) -> Path:
        """Folder of a trained nnU-Net, as ``nnUNetv2_predict_from_modelfolder`` takes it."""
        return self.nnunet_results(seed) / CROPS / f"{TRAINER}__{PARITY_PLANS}__{PARITY_CONFIGURATION}"

    def fit(self, seed: int) -> Path:
        """Folder of our fit."""
        return self.work / "fits" / f"seed-{seed}"

    @property
    def localiser(self) -> Path:
        """Folder of the localiser that ``ten_minutes.py`` trains."""
        return self.work / "ten_minutes" / "localiser"

    def predictions(self, side: str, seed: int) -> Path:
        return self.work / "predictions" / side / f"seed-{seed}"

    def result(self, name: str) -> Path:
        return self.work / "results" / f"{name}.json"

    def environment(self, threads: int, seed: int = 0, loaders: int = 1) -> dict[str, str]:
        """Variables that nnU-Net reads.

        Args:
            threads: Of torch.
            seed: Whose results folder is used.
            loaders: Processes that load and augment; with 0 the training process does it itself, but
                nnU-Net's planner needs at least one.
        """
        return {
            **os.environ,
            "nnUNet_raw": str(self.raw),
            "nnUNet_preprocessed": str(self.preprocessed),
            "nnUNet_results": str(self.nnunet_results(seed)),
            "nnUNet_compile": "F",
            "nnUNet_n_proc_DA": str(loaders),
            "OMP_NUM_THREADS": str(threads),
            "PYTHONPATH": "",
        }


def is_test(position: int) -> bool:
    """Whether a subject is tested on, by its position in name order: every fifth is."""
    return position % 5 == 4


def split(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Training and test subjects."""
    ordered = sorted(names)
    training = [name for position, name in enumerate(ordered) if not is_test(position)]
    return training, [name for position, name in enumerate(ordered) if is_test(position)]


def write_json(path: Path, content: Any) -> None:
    """Write in one step: a result is whole or absent."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1))
    part.replace(path)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text())


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> None:
    """Run a command; what it prints goes where ours goes."""
    subprocess.run([str(part) for part in command], env=environment, check=True)
