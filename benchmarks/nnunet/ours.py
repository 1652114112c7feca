"""Our side: crops to tensors, a fit, and predictions, by the functions that the pipelines call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from layout import BATCH_SIZE, FILTERS, FULL, PATCH, SPACING, Layout, write_json
from nnunet_dataset import write_dataset
from safetensors.numpy import save_file

from faircmr.core.scans import LabelImage, Phase, Scan, ScanFiles, Structure
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.data import MANIFEST_NAME, Array, TensorManifest, TensorStore, preprocess, tensors_file_name
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import Plans
from faircmr.segmentation.prediction import Predictor
from faircmr.segmentation.training import Component, EpochReport, FitJob, fit
from faircmr.sources import Acdc, read_scan, write_label

Cases = dict[str, dict[Phase, ScanFiles]]

ACDC_VALUES = {structure: value for value, structure in Acdc.label_values.items()}


def parity_plans() -> Plans:
    """The grid, patch, batch and network of ``theirs.write_plans``."""
    stages = len(FILTERS)
    return Plans(
        spacing=(SPACING, SPACING),
        patch=(PATCH, PATCH),
        batch_size=BATCH_SIZE,
        filters=FILTERS,
        kernels=((3, 3),) * stages,
        strides=((1, 1), *((2, 2),) * (stages - 1)),
        # nnU-Net computes a fourth head and gives it no weight
        deep_supervision_heads=stages - 2,
    )


def cases(dataset: Path, part: str) -> Cases:
    """Files of a raw data set of nnU-Net by subject and phase; ``part`` is ``Tr`` or ``Ts``."""
    found: Cases = {}
    for label in sorted((dataset / f"labels{part}").glob("*.nii.gz")):
        name = label.name.removesuffix(".nii.gz")
        subject, phase = name.rsplit("_", 1)
        image = dataset / f"images{part}" / f"{name}_0000.nii.gz"
        found.setdefault(subject, {})[Phase(phase)] = ScanFiles(image, label)
    return found


def read(files: ScanFiles) -> Scan:
    return read_scan(files, Acdc.label_values)


def prepare(dataset: Path, folder: Path, plans: Plans) -> None:
    """Tensors of every subject of a raw data set, training and test."""
    folder.mkdir(parents=True, exist_ok=True)
    subjects = {**cases(dataset, "Tr"), **cases(dataset, "Ts")}
    for subject, phases in subjects.items():
        arrays: dict[str, Array] = {}
        for phase, files in phases.items():
            arrays |= preprocess(read(files), plans, phase)
        save_file(arrays, folder / tensors_file_name(subject))
    manifest = TensorManifest(fingerprints=dict.fromkeys(subjects, "crops"))
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())


def prepare_full(acdc: Path, layout: Layout) -> None:
    """Tensors of the full volumes of all subjects."""
    if not (layout.raw / FULL / "dataset.json").is_file():
        write_dataset(acdc, layout.raw / FULL)
    prepare(layout.raw / FULL, layout.full_tensors, parity_plans())


def fit_job(layout: Layout, subjects: tuple[str, ...], seed: int, training: TrainingParameters) -> FitJob:
    return FitJob(
        name=f"seed-{seed}",
        folder=layout.fit(seed),
        tensors=layout.tensors,
        training_subjects=subjects,
        plans=parity_plans(),
        training=training,
        sampler=Component(path="faircmr.mitigation.sampling.uniform"),
        seed=seed,
    )


def train(job: FitJob) -> None:
    """Fit, and write seconds a step of each epoch, its checkpoint included."""
    times: list[float] = []
    last = time.perf_counter()

    def on_epoch(report: EpochReport) -> None:
        nonlocal last
        last, before = time.perf_counter(), last
        times.append((last - before) / job.training.iterations_per_epoch)
        print(
            f"{report.name}: epoch {report.epoch} of {report.epochs}, loss {report.loss:.3f}, {times[-1]:.2f} s a step"
        )

    fit(job, on_epoch)
    if times:
        write_json(job.folder / "steps.json", times)


@dataclass(frozen=True)
class Fitted:
    """A fit, and the tensors and regions that it is to predict from."""

    folder: Path
    tensors: Path
    rois: Mapping[str, Box] = field(default_factory=dict)


def predict(fitted: Fitted, files: Cases, to: Path, how: InferenceParameters) -> None:
    """Label images of subjects in ACDC's values, each on the grid of its file."""
    predictor, store = Predictor(fitted.folder, how), TensorStore(fitted.tensors)
    to.mkdir(parents=True, exist_ok=True)
    for subject, phases in files.items():
        for phase, scan_files in phases.items():
            geometry = read(scan_files).geometry
            shape = geometry.shape[1:]
            label = predictor.segment(store.subject(subject), phase, shape, fitted.rois.get(subject))
            write_label(to / f"{subject}_{phase}.nii.gz", as_acdc(label), geometry)


def as_acdc(label: LabelImage) -> LabelImage:
    """Our label values as those of ACDC's files."""
    table = np.zeros(1 + max(Structure), dtype=np.uint8)
    for structure, value in ACDC_VALUES.items():
        table[structure] = value
    stored: LabelImage = table[label]
    return stored
