"""An export trains nnU-Net as it stands, and what nnU-Net predicts is audited here.

Usage: python export_trains.py --work WORK --nnunet .venv-nnunet

A tiny embedded cohort, nnU-Net's own plan, preprocessing, trainer (fold 0, few steps), prediction of the test cases
and scores from its own environment, then ``kedro run --pipelines audit`` on its ``summary.json`` and the export's
``demographics.csv``. Of nnU-Net's plan the batch alone is made smaller, so that it takes minutes on two cores.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from layout import HERE, Layout, read_json, run, write_json
from options import base_parser, settled

DATASET, CONFIGURATION, PLANS = "Dataset101_Study", "2d", "nnUNetPlans"
TRAINING, VALIDATION, TEST = 3, 1, 2
"""Subjects of each of the six protected groups."""
BATCH_SIZE = 4
EPOCHS, STEPS = 2, 50


def main() -> None:
    options = parse()
    started = time.perf_counter()
    for step in (export, plan, train, predict, audit):
        step(options)
        print(f"{step.__name__}: done after {time.perf_counter() - started:.0f} s", flush=True)


def export(options: argparse.Namespace) -> None:
    """The embedded cohort as a raw data set of nnU-Net."""
    groups = {f"training_subjects.{name}": TRAINING for name in "ABCDEF"}
    sizes = {"validation_subjects": VALIDATION, "test_subjects": TEST}
    kedro("export_nnunet", {"data_root": options.work / "study", "nnunet_dataset": DATASET, **groups, **sizes})


def plan(options: argparse.Namespace) -> None:
    """nnU-Net's check of the data set, fingerprint, plan and preprocessed volumes; the study's split beside them."""
    nnunet(options, "plan_and_preprocess", "-d", "101", "-c", CONFIGURATION, "-np", "1", "--verify_dataset_integrity")
    folder = preprocessed(options)
    plans = read_json(folder / f"{PLANS}.json")
    plans["configurations"][CONFIGURATION]["batch_size"] = BATCH_SIZE
    write_json(folder / f"{PLANS}.json", plans)
    shutil.copy(raw(options) / "splits_final.json", folder)


def train(options: argparse.Namespace) -> None:
    """A few steps of fold 0."""
    script = HERE / "export_trains_theirs.py"
    arguments: list[str | Path] = [script, preprocessed(options), str(EPOCHS), str(STEPS)]
    run([options.nnunet / "bin" / "python", *arguments], environment(options))


def predict(options: argparse.Namespace) -> None:
    """The test cases, and nnU-Net's own scores of them."""
    found = options.work / "predictions"
    which = ["-d", "101", "-c", CONFIGURATION, "-f", "0"]
    quick = ["-device", "cpu", "--disable_tta", "-npp", "1", "-nps", "1"]
    nnunet(options, "predict", "-i", raw(options) / "imagesTs", "-o", found, *which, *quick)
    description, plans = raw(options) / "dataset.json", preprocessed(options) / f"{PLANS}.json"
    files: list[str | Path] = ["-djfile", description, "-pfile", plans]
    nnunet(options, "evaluate_folder", raw(options) / "labelsTs", found, *files, "-np", "1")


def audit(options: argparse.Namespace) -> None:
    """Groups of the export's own table of subjects."""
    tables = {
        "audit_scores": options.work / "predictions" / "summary.json",
        "audit_demographics": raw(options) / "demographics.csv",
    }
    asked = {"audit.attributes": "protected_group", "audit.min_group_size": TEST}
    kedro("audit", {"data_root": options.work / "audit", **tables, **asked})


def raw(options: argparse.Namespace) -> Path:
    folder: Path = options.work / "study" / "08_reporting" / "nnunet_raw" / DATASET
    return folder


def preprocessed(options: argparse.Namespace) -> Path:
    return Layout(options.work).preprocessed / DATASET


def kedro(pipeline: str, parameters: Mapping[str, object]) -> None:
    pairs = ",".join(f"{name}={value}" for name, value in parameters.items())
    run([sys.executable, "-m", "kedro", "run", "--pipelines", pipeline, "--params", pairs])


def nnunet(options: argparse.Namespace, command: str, *arguments: str | Path) -> None:
    run([options.nnunet / "bin" / f"nnUNetv2_{command}", *arguments], environment(options))


def environment(options: argparse.Namespace) -> dict[str, str]:
    """Variables that nnU-Net reads: it finds the raw data set where the export has put it."""
    return {
        **Layout(options.work).environment(options.threads),
        "nnUNet_raw": str(raw(options).parent),
    }


def parse() -> argparse.Namespace:
    return settled(base_parser(__doc__))


if __name__ == "__main__":
    main()
