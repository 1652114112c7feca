"""A localiser and a network that is trained on what it finds, on ACDC's full volumes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import ours
import pandas as pd
import yaml
from layout import FULL, HERE, Layout

from faircmr.core import Parameters
from faircmr.segmentation import AugmentationParameters, InferenceParameters, Precision, TrainingParameters
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.localiser import (
    Box,
    LocaliserParameters,
    localiser_inference,
    locate_hearts,
    plan_localiser,
    rois_of,
)
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import RECORD_NAME, Component, FitJob, FitRecord, TrainedModels

TRAINING = HERE.parent.parent / "conf" / "base" / "parameters_training.yml"
EPOCH = 20
"""Steps an epoch; what a schedule is made of."""


class Course(Parameters):
    """Two fits, the second on what the first finds.

    Attributes:
        localiser: Job of the localiser.
        network: Job of the network, yet without regions.
        how: Margin and limits of the localiser.
        inference: How the localiser looks.
    """

    localiser: FitJob
    network: FitJob
    how: LocaliserParameters
    inference: InferenceParameters

    def locate(self, subjects: Sequence[str]) -> dict[str, Box]:
        """Regions of those subjects whose heart the trained localiser finds, on the tensors' grid."""
        folder = self.localiser.folder
        record = FitRecord.model_validate_json((folder / RECORD_NAME).read_text())
        models = TrainedModels(folder=folder.parent, fits=(record,))
        store, plans = TensorStore(self.network.tensors), self.network.plans
        return rois_of(locate_hearts(models, store, lambda _: subjects, plans, self.how, self.inference), None)


def training_of(*, epochs: int, threads: int, precision: Precision) -> TrainingParameters:
    """A schedule of :data:`EPOCH` steps an epoch, with the augmentation of the project's studies."""
    return TrainingParameters(
        epochs=epochs,
        iterations_per_epoch=EPOCH,
        threads=threads,
        precision=precision,
        device="cpu",
        augmentation=AugmentationParameters(**yaml.safe_load(TRAINING.read_text())["training"]["augmentation"]),
    )


def make_course(
    layout: Layout, folder: Path, plans: Plans, training: TrainingParameters, how: LocaliserParameters, seed: int = 0
) -> Course:
    """Both jobs, on the full volumes of the training subjects."""
    localiser = plan_localiser(grids(layout.raw / FULL), plans, training, how)
    network = FitJob(
        name="network",
        folder=folder / "network",
        tensors=layout.full_tensors,
        training_subjects=tuple(ours.cases(layout.raw / FULL, "Tr")),
        plans=plans,
        training=training,
        sampler=Component(path="faircmr.mitigation.sampling.uniform"),
        seed=seed,
    )
    own = {
        "name": "localiser",
        "folder": folder / "localiser",
        "plans": localiser.network,
        "training": localiser.training,
        "reduction": localiser.reduction,
    }
    return Course(
        localiser=network.model_copy(update=own), network=network, how=how, inference=localiser_inference(training)
    )


def grids(dataset: Path) -> pd.DataFrame:
    """Size and spacing of every training scan."""
    rows = []
    for phases in ours.cases(dataset, "Tr").values():
        for files in phases.values():
            geometry = ours.read(files).geometry
            (_, rows_, columns), (_, row, column) = geometry.shape, geometry.spacing
            rows.append({"rows": rows_, "columns": columns, "spacing_row": row, "spacing_column": column})
    return pd.DataFrame(rows)
