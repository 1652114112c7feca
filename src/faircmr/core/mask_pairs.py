"""Predicted and drawn label images of anybody's model, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from faircmr.core.grids import AS_STORED
from faircmr.core.label_coding import PairCoding
from faircmr.core.omissions import Omission
from faircmr.core.scan import LabelImage

Spacing = tuple[float, float, float]


class MaskPair(NamedTuple):
    """A prediction and its reference.

    Attributes:
        prediction: Values of ``Structure``, 0, and of ``NoStructure`` where voxels are left out, on the grid of the
            reference.
        reference: The same, and ``NoStructure`` too where voxels are not annotated.
        spacing: Millimetres between slices, rows and columns.
        grid: How the prediction was stored, as :attr:`faircmr.core.grids.Placement.kind`.
    """

    prediction: LabelImage
    reference: LabelImage
    spacing: Spacing
    grid: str = AS_STORED


ReadPair = Callable[[PairCoding], MaskPair]


@dataclass(frozen=True)
class MaskPairs:
    """Two folders of masks, matched by file name.

    Attributes:
        readers: For each file name, what reads its masks.
        omissions: Masks that only one of the two folders has, of each folder.
    """

    readers: Mapping[str, ReadPair]
    omissions: tuple[Omission, ...] = ()

    def pairs(self, coding: PairCoding) -> Iterator[tuple[str, MaskPair]]:
        """File name and masks of each pair, one in memory at a time.

        Args:
            coding: Meaning of each value of the masks; 0 is background.

        Raises:
            InvalidScanError: A file cannot be used, holds another value, or both do not lie on one grid.
        """
        for name, read in self.readers.items():
            yield name, read(coding)
