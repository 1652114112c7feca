"""Untrained fits with all files of finished fits."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from faircmr.core.scans import run_name
from faircmr.segmentation.network import Plans, build_network, save_network
from faircmr.segmentation.training import JOB_NAME, RECORD_NAME, WEIGHTS_NAME, EpochRecord, FitRecord, TrainedModels
from tests.segmentation.phantoms import job_of, plans_of


def finished_fit(models: Path, seed: int, fold: int | None = None, plans: Plans | None = None) -> FitRecord:
    """Random weights that are a function of seed and fold, below a strategy's models folder."""
    plans = plans or plans_of()
    name = f"{run_name(seed, fold)}/shared"
    folder = models / name
    save_network(folder / WEIGHTS_NAME, build_network(plans, seed=10 * seed + (fold or 0)), plans)
    job = job_of(models, folder).model_copy(update={"name": name, "plans": plans, "seed": seed, "fold": fold})
    (folder / JOB_NAME).write_text(job.model_dump_json())
    record = FitRecord(
        name=name,
        seed=seed,
        fold=fold,
        fingerprint=f"{name} by code",
        history=(EpochRecord(loss=1.0),),
        weights_epoch=1,
    )
    (folder / RECORD_NAME).write_text(record.model_dump_json())
    return record


def finished_models(models: Path, seeds: Iterable[int], folds: Iterable[int | None] = (None,)) -> TrainedModels:
    """A fit of every seed and fold."""
    folds = tuple(folds)
    return TrainedModels(
        folder=models, fits=tuple(finished_fit(models, seed, fold) for seed in seeds for fold in folds)
    )
