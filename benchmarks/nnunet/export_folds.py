"""nnU-Net's own functions accept the folds and the test cases of an export.

Usage: python export_folds.py --work WORK --nnunet .venv-nnunet

Two tiny embedded cohorts are exported, one with one split and one with a cross-validation. In nnU-Net's environment,
``export_folds_theirs.py`` then checks, fingerprints, plans and preprocesses each, reads every fold with nnU-Net's
trainer, accumulates the results of all folds, and scores the test cases. No network is trained: the predictions are the
labels.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from layout import HERE, Layout, run
from options import base_parser, settled

TRAINING, VALIDATION, TEST = 2, 1, 1
"""Subjects of each of the six protected groups."""
STUDIES: Mapping[str, Mapping[str, object]] = {
    "Dataset101_OneSplit": {},
    "Dataset102_Folds": {"split.method": "kfold", "split.folds": 3},
}
"""Data sets, and the parameters of their studies."""


def main() -> None:
    options = settled(base_parser(__doc__))
    started = time.perf_counter()
    for name, parameters in STUDIES.items():
        export(options, name, parameters)
        check(options, name)
        print(f"{name}: done after {time.perf_counter() - started:.0f} s", flush=True)


def export(options: argparse.Namespace, name: str, parameters: Mapping[str, object]) -> None:
    groups = {f"training_subjects.{group}": TRAINING for group in "ABCDEF"}
    sizes = {"validation_subjects": VALIDATION, "test_subjects": TEST}
    given = {"data_root": study(options, name), "nnunet_dataset": name, **groups, **sizes, **parameters}
    pairs = ",".join(f"{key}={value}" for key, value in given.items())
    run([sys.executable, "-m", "kedro", "run", "--pipelines", "export_nnunet", "--params", pairs])


def check(options: argparse.Namespace, name: str) -> None:
    raw = study(options, name) / "08_reporting" / "nnunet_raw"
    environment = {**Layout(options.work).environment(options.threads), "nnUNet_raw": str(raw)}
    run([options.nnunet / "bin" / "python", HERE / "export_folds_theirs.py", name], environment)


def study(options: argparse.Namespace, name: str) -> Path:
    folder: Path = options.work / "export-folds" / name
    return folder


if __name__ == "__main__":
    main()
