"""Parameters of localisers, and the plans that follow from them and from the study."""

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
        spacing: Approximate pixel spacing in millimetres; rounded to an integer multiple of the tensors' spacing.
        margin: Millimetres around the heart.
        limits: Limits of accepted regions; if one is rejected, the subject's full image is used.
        epochs: Epochs of its schedule.
        iterations_per_epoch: Steps in each epoch.
        learning_rate: Of the first epoch. Hearts are only a few pixels here: with nnU-Net's learning rate of
            0.01 and momentum of 0.99 the network finds none after 400 steps; with these defaults it finds
            them after 200 (docs/decisions/0009).
        momentum: Nesterov momentum.
        batch_size: Slices in each step.
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
    """Number of fine pixels per coarse pixel along each axis, from the spacings in millimetres.

    Raises:
        ValueError: It is not an integer, or differs between rows and columns.
    """
    ratios = [one / other for one, other in zip(coarse, fine, strict=True)]
    factor = round(ratios[0])
    if factor < 1 or any(abs(ratio - factor) > SPACING_TOLERANCE * factor for ratio in ratios):
        raise ValueError(f"a spacing of {coarse} mm is not an integer multiple of {fine} mm")
    return factor


class LocaliserPlans(Parameters):
    """Settings shared by all localisers of a study.

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
        """Tensor pixels per network pixel along each axis."""
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
        scans: One row for each scan that training may use: ``rows``, ``columns`` and, in millimetres,
            ``spacing_row``, ``spacing_column``.
        plans: Of the study.
        training: Of the study. A localiser takes threads, precision and augmentation from it; it has its own
            schedule and one device.
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
    """Inference parameters of a localiser: always without mirroring, independent of those of the study.

    Args:
        settings: Parameters to take device, threads and precision from.
    """
    return InferenceParameters(device=settings.device, threads=settings.threads, precision=settings.precision)


def _network(scans: pd.DataFrame, plans: Plans, localiser: LocaliserParameters) -> Plans:
    """Plans of a U-Net whose patch contains the median image."""
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
