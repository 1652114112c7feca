"""What the values of a source's label images stand for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import LabelImage

_FOREIGN = 255
_NAMED_VALUES = 5


def map_label(values: npt.NDArray[np.float32], label_values: Mapping[int, Structure]) -> LabelImage:
    """Translate a drawn label's values to ``Structure`` values.

    Args:
        values: Label image as stored.
        label_values: Structure of each value but 0; keys in 0..254.

    Raises:
        InvalidScanError: A value is not in the map, or there is nothing but background.
    """
    label = translated(values, label_values)
    if not label.any():
        raise InvalidScanError("scan", "the label is all background", "at least one labelled structure")
    return label


def translated(values: npt.NDArray[np.float32], label_values: Mapping[int, Structure]) -> LabelImage:
    """Translate values as :func:`map_label` does; nothing but background is permitted, as of a prediction."""
    table = np.full(256, _FOREIGN, dtype=np.uint8)
    table[0] = 0
    table[list(label_values)] = [int(structure) for structure in label_values.values()]
    with np.errstate(invalid="ignore"):
        index = values.astype(np.uint8)
    label: LabelImage = table[index]
    # a value such as 1.5, -1 or 257 must not pass as what it is cut to
    foreign = (label == _FOREIGN) | (index != values)
    if foreign.any():
        raise outside_the_map(values[foreign], label_values)
    return label


def outside_the_map(values: npt.NDArray[np.float32], label_values: Mapping[int, Structure]) -> InvalidScanError:
    """The error of a label image that holds values which stand for nothing.

    Args:
        values: Values that are not permitted; five of them are named.
        label_values: Those that are, beside 0.
    """
    distinct = ", ".join(f"{value:g}" for value in np.unique(values)[:_NAMED_VALUES])
    permitted = ", ".join(str(value) for value in sorted({0, *label_values}))
    return InvalidScanError("scan", f"the label holds the values {distinct}", f"only {permitted}")
