"""Plans: grid, patch, batch and network of a study, used by preprocessing, training and prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from faircmr.core import Parameters
from faircmr.core.scans import ALL_STRUCTURES, LabelImage, Structure, Structures

Millimetres = Annotated[float, Field(gt=0.0)]
Count = Annotated[int, Field(ge=1)]
Pair = tuple[Count, Count]

SMALLEST_PATCH = 16
"""Fewest rows or columns of a patch: halved twice they keep nnU-Net's minimum of 4, for the minimum of 3 stages."""

PatchSide = Annotated[int, Field(ge=SMALLEST_PATCH)]


class Plans(Parameters):
    """Grid, patch, batch and network of a data set.

    Attributes:
        spacing: Millimetres between rows and between columns of every tensor.
        patch: Rows and columns that the network sees.
        batch_size: Patches in each step.
        filters: Channels of each stage, from the full resolution to the bottleneck.
        kernels: Kernel of each stage, rows and columns, odd.
        strides: Stride into each stage, rows and columns; the first is (1, 1).
        deep_supervision_heads: Number of supervised resolutions of the decoder, including the output.
        channels: Image channels.
        structures: Structures that the network segments.
    """

    spacing: tuple[Millimetres, Millimetres]
    patch: Pair
    batch_size: Count
    filters: Annotated[tuple[Count, ...], Field(min_length=3)]
    kernels: tuple[Pair, ...]
    strides: tuple[Pair, ...]
    deep_supervision_heads: Count = 1
    channels: Count = 1
    structures: Structures = ALL_STRUCTURES

    @property
    def classes(self) -> int:
        """Number of classes: the structures and the background."""
        return 1 + len(self.structures)

    @property
    def reduction(self) -> tuple[int, int]:
        """Rows and columns of the patch per row and column of the bottleneck."""
        rows = columns = 1
        for row_stride, column_stride in self.strides:
            rows, columns = rows * row_stride, columns * column_stride
        return rows, columns

    @model_validator(mode="after")
    def _describe_one_network(self) -> Self:
        stages = len(self.filters)
        for name, values in (("kernels", self.kernels), ("strides", self.strides)):
            if len(values) != stages:
                raise ValueError(f"{name} lists {len(values)} stages and filters {stages}: list the same number")
        if any(size % 2 == 0 for kernel in self.kernels for size in kernel):
            raise ValueError(f"kernels are {self.kernels}: every size must be odd")
        if self.strides[0] != (1, 1):
            raise ValueError(f"the first stride is {self.strides[0]}: it must be (1, 1)")
        if self.deep_supervision_heads > stages - 1:
            raise ValueError(
                f"deep_supervision_heads is {self.deep_supervision_heads}: {stages} stages have at most {stages - 1}"
            )
        return self

    @model_validator(mode="after")
    def _patch_fits_the_strides(self) -> Self:
        for size, reduction in zip(self.patch, self.reduction, strict=True):
            if size % reduction or size // reduction < 2:
                # instance norm has no variance over a single value
                raise ValueError(
                    f"patch is {self.patch} and the strides reduce it by {self.reduction}: "
                    "each side must be a multiple of its reduction, at least twice it"
                )
        return self


class PlanOverrides(Parameters):
    """Values that a study sets instead of planning them; ``None`` means planned by nnU-Net's rules.

    Attributes:
        spacing: As in :class:`Plans`.
        patch: As in :class:`Plans`; rounded up to a multiple that the strides divide.
        batch_size: As in :class:`Plans`.
        base_filters: Channels of the first stage; doubled from stage to stage.
        maximum_filters: Most channels of any stage.
        filters: As in :class:`Plans`, instead of the two before.
        stages: Largest number of resolutions.
        kernels: As in :class:`Plans`.
        strides: As in :class:`Plans`.
        deep_supervision_heads: As in :class:`Plans`.
        memory_gb: Memory for one training step; determines the batch size and limits the patch.
    """

    spacing: tuple[Millimetres, Millimetres] | None = None
    patch: tuple[PatchSide, PatchSide] | None = None
    batch_size: Count | None = None
    base_filters: Count = 32
    maximum_filters: Count = 512
    filters: tuple[Count, ...] | None = None
    stages: Annotated[int, Field(ge=3)] | None = None
    kernels: tuple[Pair, ...] | None = None
    strides: Annotated[tuple[Pair, ...], Field(min_length=3)] | None = None
    deep_supervision_heads: Count | None = None
    memory_gb: Annotated[float, Field(gt=0.0)] = 8.0

    @property
    def stage_count(self) -> int | None:
        """Largest number of resolutions: the smallest that any of the given values implies."""
        counts = [len(values) for values in (self.filters, self.kernels, self.strides) if values is not None]
        return min([*counts, *([] if self.stages is None else [self.stages])], default=None)


def structures_to_classes(label: LabelImage, structures: Sequence[Structure]) -> LabelImage:
    """Convert structures of a reference label to classes; structures that the study does not have become background.

    Args:
        label: Values of :class:`~faircmr.core.scans.Structure` and 0, any shape.
        structures: Of the study, in the order of their values.
    """
    table = np.zeros(max(Structure) + 1, dtype=np.uint8)
    table[list(structures)] = np.arange(1, len(structures) + 1)
    return np.asarray(table[label])


def classes_to_structures(classes: LabelImage, structures: Sequence[Structure]) -> LabelImage:
    """Convert classes to structures: inverse of :func:`structures_to_classes`."""
    return np.asarray(np.array([0, *structures], dtype=np.uint8)[classes])
