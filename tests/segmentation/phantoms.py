"""Discs and rings on a grid, as scans, as tensors on disk, and as jobs that train on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from faircmr.core.scans import Geometry, Phase, Scan
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.data import MANIFEST_NAME, TensorManifest, preprocess, tensors_file_name
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import Component, FitJob

STRATIFIED = "faircmr.mitigation.sampling.stratified_batch_sampling"
UNIFORM = "faircmr.mitigation.sampling.uniform"


def plans_of(patch: tuple[int, int] = (16, 16), batch_size: int = 4, filters: tuple[int, ...] = (4, 8, 8)) -> Plans:
    """A network of a few hundred weights."""
    stages = len(filters)
    return Plans(
        spacing=(4.0, 4.0),
        patch=patch,
        batch_size=batch_size,
        filters=filters,
        kernels=((3, 3),) * stages,
        strides=((1, 1), *((2, 2),) * (stages - 1)),
        deep_supervision_heads=stages - 1,
    )


def phantom(seed: int, size: int = 20, slices: int = 3) -> Scan:
    """A ring around a disc beside another disc, on a grid of 4 mm; the last slice shows nothing."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size, :size] - (size / 2 + rng.normal(0, 1, (2, 1, 1)))
    one = np.zeros((size, size), dtype=np.uint8)
    one[np.hypot(rows, columns + 5) < 4] = 3
    one[np.hypot(rows, columns) < 5] = 2
    one[np.hypot(rows, columns) < 3] = 1
    label = np.repeat(one[np.newaxis], slices, axis=0)
    label[-1] = 0
    intensities = np.array([0.2, 0.9, 0.4, 0.8])[label] + rng.normal(0, 0.05, label.shape)
    return Scan(intensities.astype(np.float32), label, Geometry(label.shape, (10.0, 4.0, 4.0)))


def write_study(folder: Path, subjects: int) -> list[str]:
    """Tensors of some subjects at both phases; returns their study keys."""
    folder.mkdir(parents=True)
    keys = [f"sub-{number:04d}" for number in range(1, subjects + 1)]
    for number, subject_id in enumerate(keys):
        scans = {phase: phantom(2 * number + late) for late, phase in enumerate(Phase)}
        arrays = {name: array for phase in Phase for name, array in preprocess(scans[phase], plans_of(), phase).items()}
        save_file(arrays, folder / tensors_file_name(subject_id))
    manifest = TensorManifest(fingerprints={subject_id: f"made of {subject_id}" for subject_id in keys})
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())
    return keys


def job_of(tensors: Path, folder: Path, **training: object) -> FitJob:
    """Three epochs of two steps on the first six subjects; the seventh and eighth validate."""
    keys = [f"sub-{number:04d}" for number in range(1, 9)]
    schedule = {"epochs": 3, "iterations_per_epoch": 2, "threads": 1, "validation_batches": 1, "device": "cpu"}
    return FitJob(
        name="seed-0/shared",
        folder=folder,
        tensors=tensors,
        training_subjects=tuple(keys[:6]),
        validation_subjects=tuple(keys[6:]),
        keys=dict(zip(keys[:6], "AAAABC", strict=True)),
        strata=dict(zip(keys[:6], "AAAABC", strict=True)),
        plans=plans_of(),
        training=TrainingParameters.model_validate(schedule | training),
        sampler=Component(path=STRATIFIED),
    )
