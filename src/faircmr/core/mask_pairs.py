"""Predicted and drawn label images of anybody's model, read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from faircmr.core.anatomy import Structure
from faircmr.core.scan import LabelImage

Spacing = tuple[float, float, float]
LabelValues = Mapping[int, Structure]
ReadPair = Callable[[LabelValues], tuple[LabelImage, LabelImage, Spacing]]


@dataclass(frozen=True)
class MaskPairs:
    """Two folders of masks, matched by file name.

    Attributes:
        readers: For each file name, what reads prediction, reference and spacing (mm; slices, rows, columns).
        unmatched: Files that only one of the two folders has.
    """

    readers: Mapping[str, ReadPair]
    unmatched: int

    def pairs(self, label_values: LabelValues) -> Iterator[tuple[str, LabelImage, LabelImage, Spacing]]:
        """File name, prediction, reference and spacing of each pair, one in memory at a time.

        Args:
            label_values: Structure of each value that the masks hold; 0 is background.

        Raises:
            InvalidScanError: A file cannot be used, holds another value, or both do not lie on one grid.
        """
        for name, read in self.readers.items():
            yield name, *read(label_values)
