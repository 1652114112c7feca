"""nnU-Net's own functions on an export of a study; runs in nnU-Net's environment.

python export_folds_theirs.py DATASET, of a data set in ``nnUNet_raw``. Ends with an error where nnU-Net refuses it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from layout import read_json
from nnunetv2.evaluation.accumulate_cv_results import accumulate_cv_results
from nnunetv2.evaluation.evaluate_predictions import compute_metrics_on_folder2
from nnunetv2.experiment_planning.plan_and_preprocess_api import (
    extract_fingerprint_dataset,
    plan_experiment_dataset,
    preprocess_dataset,
)
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
from nnunetv2.paths import nnUNet_preprocessed, nnUNet_raw, nnUNet_results
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

CONFIGURATION, PLANS, SPLITS, DESCRIPTION = "2d", "nnUNetPlans", "splits_final.json", "dataset.json"
PROCESSES = 2
TWICE = "More than one of your folds has a prediction"
"""How nnU-Net refuses folds that validate a case twice."""


def main(name: str) -> None:
    raw, prepared = Path(nnUNet_raw) / name, Path(nnUNet_preprocessed) / name
    model = Path(nnUNet_results) / name / f"nnUNetTrainer__{PLANS}__{CONFIGURATION}"
    for folder in (prepared, model):
        shutil.rmtree(folder, ignore_errors=True)
    prepare(name, raw, prepared)
    folds = read_folds(prepared, labels_of(raw, "labelsTr"))
    accumulate(raw, prepared, model, folds)
    refuse_twice(raw, model, folds)
    score_tests(raw, prepared, model.with_name("tests"))


def prepare(name: str, raw: Path, prepared: Path) -> None:
    """nnU-Net's check of the data set, fingerprint, plan and preprocessed volumes; the export's folds next to them."""
    number = int(name[7:10])
    verify_dataset_integrity(str(raw), PROCESSES)
    extract_fingerprint_dataset(number, num_processes=PROCESSES)
    plan_experiment_dataset(number)
    preprocess_dataset(number, configurations=(CONFIGURATION,), num_processes=(PROCESSES,))
    shutil.copy(raw / SPLITS, prepared)


def read_folds(prepared: Path, training: set[str]) -> list[tuple[list[str], list[str]]]:
    """Every fold as nnU-Net's trainer reads it, with its data sets of preprocessed cases.

    Args:
        prepared: Folder of the preprocessed data set.
        training: Names of all training cases.
    """
    plans = read_json(prepared / f"{PLANS}.json")
    description, folds = read_json(prepared / DESCRIPTION), []
    for fold in range(len(read_json(prepared / SPLITS))):
        # the trainer takes this key out of the plans
        given = {**plans, "continue_training": False}
        trainer = nnUNetTrainer(given, CONFIGURATION, fold, description, torch.device("cpu"))
        trainer.preprocessed_dataset_folder = str(prepared / trainer.configuration_manager.data_identifier)
        train, val = trainer.do_split()
        require(bool(train) and bool(val) and not set(train) & set(val), f"fold {fold} trains on what it validates")
        parts = trainer.get_tr_and_val_datasets()
        require(
            [sorted(part.identifiers) for part in parts] == [sorted(train), sorted(val)], f"fold {fold} lacks cases"
        )
        folds.append((list(train), list(val)))
    validated = sorted(case for _, val in folds for case in val)
    require(validated == sorted(training), "the folds do not validate each training case once")
    return folds


def accumulate(raw: Path, prepared: Path, model: Path, folds: Sequence[tuple[list[str], list[str]]]) -> None:
    """nnU-Net's accumulation of all folds, whose predictions are the labels: every case has a Dice of 1."""
    model.mkdir(parents=True, exist_ok=True)
    shutil.copy(raw / DESCRIPTION, model)
    shutil.copy(prepared / f"{PLANS}.json", model / "plans.json")
    for fold, (_, val) in enumerate(folds):
        copy_labels(raw / "labelsTr", model / f"fold_{fold}" / "validation", val)
    merged = model / "merged"
    accumulate_cv_results(str(model), str(merged), list(range(len(folds))), PROCESSES)
    check_scores(read_json(merged / "summary.json"), sum(len(val) for _, val in folds))


def refuse_twice(raw: Path, model: Path, folds: Sequence[tuple[list[str], list[str]]]) -> None:
    """The same with a case that two folds have validated, which nnU-Net refuses: the check above can fail."""
    case = folds[0][1][:1]
    copy_labels(raw / "labelsTr", model / f"fold_{len(folds)}" / "validation", case)
    try:
        accumulate_cv_results(str(model), str(model / "twice"), list(range(len(folds) + 1)), PROCESSES)
    except RuntimeError as error:
        require(TWICE in str(error), str(error))
    else:
        sys.exit("Error: nnU-Net has accumulated a case twice")


def score_tests(raw: Path, prepared: Path, predictions: Path) -> None:
    """nnU-Net's evaluation of the test cases, if there are some."""
    if not (raw / "imagesTs").is_dir():
        require(not (raw / "labelsTs").exists(), "labels of test cases without images")
        return
    cases = labels_of(raw, "labelsTs")
    images = {path.name.removesuffix("_0000.nii.gz") for path in (raw / "imagesTs").iterdir()}
    require(images == cases, "test cases without a label")
    copy_labels(raw / "labelsTs", predictions, sorted(cases))
    plans = prepared / f"{PLANS}.json"
    compute_metrics_on_folder2(
        str(raw / "labelsTs"), str(predictions), str(raw / DESCRIPTION), str(plans), num_processes=PROCESSES
    )
    check_scores(read_json(predictions / "summary.json"), len(cases))


def labels_of(raw: Path, folder: str) -> set[str]:
    return {path.name.removesuffix(".nii.gz") for path in (raw / folder).iterdir()}


def copy_labels(labels: Path, target: Path, cases: Sequence[str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for case in cases:
        shutil.copy(labels / f"{case}.nii.gz", target)


def check_scores(summary: Any, cases: int) -> None:
    require(len(summary["metric_per_case"]) == cases, f"{len(summary['metric_per_case'])} of {cases} cases are scored")
    require(summary["foreground_mean"]["Dice"] == 1.0, f"mean Dice {summary['foreground_mean']['Dice']}")


def require(holds: object, otherwise: str) -> None:
    if not holds:
        sys.exit(f"Error: {otherwise}")


if __name__ == "__main__":
    main(sys.argv[1])
