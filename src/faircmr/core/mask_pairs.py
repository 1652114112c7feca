"""Predicted and drawn label images of anybody's model, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from faircmr.core.label_coding import PairCoding
from faircmr.core.scan import LabelImage

Spacing = tuple[float, float, float]
ReadPair = Callable[[PairCoding], tuple[LabelImage, LabelImage, Spacing]]


@dataclass(frozen=True)
class MaskPairs:
    """Two folders of masks, matched by file name.

    Attributes:
        readers: For each file name, what reads prediction, reference and spacing (mm; slices, rows, columns).
        unmatched: Files that only one of the two folders has.
    """

    readers: Mapping[str, ReadPair]
    unmatched: int

    def pairs(self, coding: PairCoding) -> Iterator[tuple[str, LabelImage, LabelImage, Spacing]]:
        """File name, prediction, reference and spacing of each pair, one in memory at a time.

        Args:
            coding: Meaning of each value of the masks; 0 is background.

        Yields:
            Masks with values of ``Structure``, 0, and of ``NoStructure`` where voxels are left out or not annotated.

        Raises:
            InvalidScanError: A file cannot be used, holds another value, or both do not lie on one grid.
        """
        for name, read in self.readers.items():
            yield name, *read(coding)
