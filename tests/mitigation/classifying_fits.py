"""Tiny fits of fair meta-learning, trained for a few steps, with all files of finished fits."""

from __future__ import annotations

from pathlib import Path

from faircmr.segmentation.training import Component, FitJob, TrainedModels, fit
from tests.segmentation.phantoms import job_of

GROUPS = ("A", "B", "C")
META = Component(
    path="faircmr.mitigation.objectives.meta_learning.FairMetaLearningObjective",
    parameters={
        "groups": list(GROUPS),
        "weight": 1.0,
        "joint_from": 1,
        "segmentation": "one_channel",
        "filters": 4,
        "growth": 4,
        "blocks": [1],
    },
)


def classifying_job(tensors: Path, models: Path, seed: int = 0) -> FitJob:
    name = f"seed-{seed}/shared"
    job = job_of(tensors, models / name, epochs=2, iterations_per_epoch=1)
    return job.model_copy(update={"name": name, "objective": META, "seed": seed})


def classifying_models(tensors: Path, models: Path, seeds: tuple[int, ...] = (0,)) -> TrainedModels:
    jobs = [classifying_job(tensors, models, seed) for seed in seeds]
    return TrainedModels(folder=models, fits=tuple(fit(job) for job in jobs))
