"""How a localiser is trained and believed: its parameters, and what follows from them and the study."""

from __future__ import annotations

from math import ceil
from typing import Self

import pandas as pd
from pydantic import Field, model_validator

from faircmr.core import Parameters
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.localiser.roi import RoiLimits
from faircmr.segmentation.network import SMALLEST_PATCH, Millimetres, Plans

STAGES = 4
SPACING_TOLERANCE = 1e-3


class LocaliserParameters(Parameters):
    """A small network that finds the heart at low resolution.

    Attributes:
        spacing: Millimetres between its pixels, about: the tensors' are multiplied by a whole number.
        margin: Millimetres around what it finds.
        limits: What it finds must keep to; otherwise the subject's full image is used.
        epochs: Epochs of its schedule.
        iterations_per_epoch: Steps an epoch.
        learning_rate: Of the first epoch. Hearts are few pixels here: with nnU-Net's 0.01 and 0.99
            the network still sees none after 400 steps, with these it does after 200
            (docs/decisions/0009).
        momentum: Nesterov momentum.
        batch_size: Slices a step.
        base_filters: Channels of its first stage; doubled from stage to stage.
        seed: Training seed.
    """

    spacing: float = Field(default=5.0, gt=0.0)
    margin: float = Field(default=10.0, ge=0.0)
    limits: RoiLimits = RoiLimits()
    epochs: int = Field(default=10, ge=1)
    iterations_per_epoch: int = Field(default=30, ge=1)
    learning_rate: float = Field(default=0.05, gt=0.0)
    momentum: float = Field(default=0.9, gt=0.0, lt=1.0)
    batch_size: int = Field(default=16, ge=1)
    base_filters: int = Field(default=16, ge=1)
    seed: int = 0


def spacing_ratio(coarse: tuple[float, float], fine: tuple[float, float]) -> int:
    """Pixels of a fine grid along one pixel of a coarse one, by their spacings in millimetres.

    Raises:
        ValueError: It is no whole number, or not the same for rows and columns.
    """
    ratios = [one / other for one, other in zip(coarse, fine, strict=True)]
    factor = round(ratios[0])
    if factor < 1 or any(abs(ratio - factor) > SPACING_TOLERANCE * factor for ratio in ratios):
        raise ValueError(f"a spacing of {coarse} mm is no whole multiple of {fine} mm")
    return factor


class LocaliserPlans(Parameters):
    """Everything that is decided once for the localisers of a study.

    Attributes:
        network: Grid, patch, batch and network.
        tensor_spacing: Millimetres between rows and between columns of the study's tensors.
        training: Schedule.
        seed: Training seed.
    """

    network: Plans
    tensor_spacing: tuple[Millimetres, Millimetres]
    training: TrainingParameters
    seed: int

    @property
    def reduction(self) -> int:
        """Pixels of the tensors along one pixel that the network sees."""
        return spacing_ratio(self.network.spacing, self.tensor_spacing)

    @model_validator(mode="after")
    def _is_a_whole_number_of_pixels(self) -> Self:
        spacing_ratio(self.network.spacing, self.tensor_spacing)
        return self


def plan_localiser(
    scans: pd.DataFrame, plans: Plans, training: TrainingParameters, localiser: LocaliserParameters
) -> LocaliserPlans:
    """Plans of a study's localisers.

    Args:
        scans: One row a scan that training may see: ``rows``, ``columns`` and, in millimetres,
            ``spacing_row``, ``spacing_column``.
        plans: Of the study.
        training: Of the study: a localiser has its own schedule, one device, and the study's threads,
            precision and augmentation.
        localiser: Its parameters.
    """
    schedule = localiser.model_dump(include={"epochs", "iterations_per_epoch", "learning_rate", "momentum"})
    return LocaliserPlans(
        network=_network(scans, plans, localiser),
        tensor_spacing=plans.spacing,
        training=training.model_copy(update={**schedule, "final_weights": "last", "devices": 1}),
        seed=localiser.seed,
    )


def localiser_inference(settings: TrainingParameters | InferenceParameters) -> InferenceParameters:
    """How a localiser looks: never at mirror images, so that regions do not depend on how a study predicts.

    Args:
        settings: Whose device, threads and precision are taken.
    """
    return InferenceParameters(device=settings.device, threads=settings.threads, precision=settings.precision)


def _network(scans: pd.DataFrame, plans: Plans, localiser: LocaliserParameters) -> Plans:
    """A U-Net of which one patch holds the median image."""
    factor = max(1, round(localiser.spacing / max(plans.spacing)))
    spacing = (plans.spacing[0] * factor, plans.spacing[1] * factor)
    sides = (scans["rows"] * scans["spacing_row"], scans["columns"] * scans["spacing_column"])
    divisor = 2 ** (STAGES - 1)
    rows, columns = (
        max(SMALLEST_PATCH, ceil(float(side.median()) / each / divisor) * divisor)
        for side, each in zip(sides, spacing, strict=True)
    )
    return Plans(
        spacing=spacing,
        patch=(rows, columns),
        batch_size=localiser.batch_size,
        filters=tuple(localiser.base_filters * 2**stage for stage in range(STAGES)),
        kernels=((3, 3),) * STAGES,
        strides=((1, 1), *((2, 2),) * (STAGES - 1)),
        deep_supervision_heads=STAGES - 2,
        channels=plans.channels,
        structures=plans.structures,
    )
