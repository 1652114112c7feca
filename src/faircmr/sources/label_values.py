"""Translate the values of label images to structures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScanError, UndeclaredLabelError
from faircmr.core.scans import LabelImage, LabelValues, NoStructure

ROUNDING = 1e-3
"""Difference from a whole number that is rounding: header scaling and conversion to float leave up to 3e-5 on values to
254, interpolation leaves more."""
_FOREIGN = 255
_NAMED_VALUES = 5


def map_label(values: npt.NDArray[np.float32], label_values: LabelValues) -> LabelImage:
    """Translate a drawn label's values to ``Structure`` values; what is left out becomes background.

    Args:
        values: Label image as stored.
        label_values: Meaning of each value but 0.

    Raises:
        InvalidScanError: A value is not in the map, a voxel is not annotated, or there is nothing but background.
    """
    label = translate_prediction(values, label_values)
    meanings = set(label_values.values())
    if NoStructure.UNANNOTATED in meanings and (unannotated := np.count_nonzero(label == NoStructure.UNANNOTATED)):
        raise InvalidScanError(
            "scan",
            f"{unannotated} of {label.size} voxels of the label are not annotated (label 'ignore')",
            "every voxel annotated, for training and scores count every voxel",
        )
    if NoStructure.LEFT_OUT in meanings:
        label[label == NoStructure.LEFT_OUT] = 0
    if not label.any():
        raise InvalidScanError("scan", "the label is all background", "at least one labelled structure")
    return label


def translate_prediction(values: npt.NDArray[np.float32], label_values: LabelValues, what: str = "label") -> LabelImage:
    """Translate values to their meaning; nothing but background is permitted, as of a prediction.

    Values within :data:`ROUNDING` of a whole number are that number.

    Args:
        values: Label image as stored.
        label_values: Meaning of each value but 0.
        what: What errors call it: ``prediction``, ``reference``.

    Returns:
        Values of ``Structure``, 0, and of ``NoStructure`` where voxels are left out or not annotated.
    """
    kind: type[np.uint8 | np.uint16] = np.uint8 if max(label_values, default=0) <= np.iinfo(np.uint8).max else np.uint16
    table = np.full(np.iinfo(kind).max + 1, _FOREIGN, dtype=np.uint8)
    table[0] = 0
    table[list(label_values)] = [int(meaning) for meaning in label_values.values()]
    label: LabelImage = np.zeros(values.shape, dtype=np.uint8)
    # most of an image is background, of which nothing has to be looked up
    shown = values != 0
    drawn = values[shown]
    with np.errstate(invalid="ignore"):
        index = drawn.astype(kind)
    meaning: LabelImage = table[index]
    # a value such as 1.5, -1 or 257 must not pass as what it is cut to
    foreign = (meaning == _FOREIGN) | (index != drawn)
    if foreign.any():
        meaning[foreign] = _translate_rounded(drawn[foreign], table, label_values, what)
    label[shown] = meaning
    return label


def _translate_rounded(
    values: npt.NDArray[np.float32], table: npt.NDArray[np.uint8], label_values: LabelValues, what: str
) -> LabelImage:
    """Meaning of values that are not whole, or not in the map."""
    label: LabelImage = np.full(values.shape, _FOREIGN, dtype=np.uint8)
    nearest = np.rint(values)
    with np.errstate(invalid="ignore"):  # of infinity less infinity
        whole = (np.abs(values - nearest) <= ROUNDING) & (nearest >= 0) & (nearest < len(table))
    label[whole] = table[nearest[whole].astype(np.int64)]
    if (label == _FOREIGN).any():
        raise unmapped_values_error(values[label == _FOREIGN], label_values, what)
    return label


def unmapped_values_error(
    values: npt.NDArray[np.float32], label_values: LabelValues, what: str = "label"
) -> UndeclaredLabelError:
    """The error of a label image that holds values which stand for nothing.

    Args:
        values: Values that are not permitted; five of them are named.
        label_values: Those that are, beside 0.
        what: What the error calls it.
    """
    found = np.unique(values)
    # as they are: rounded, 1.002 would be a permitted 1
    distinct = ", ".join(map(_shortest_decimal, found[:_NAMED_VALUES]))
    more = f" and {len(found) - _NAMED_VALUES} more" if len(found) > _NAMED_VALUES else ""
    permitted = ", ".join(str(value) for value in sorted({0, *label_values}))
    fractions = f", each within {ROUNDING:g}" if (found != np.rint(found)).any() else ""
    return UndeclaredLabelError("scan", f"the {what} holds the values {distinct}{more}", f"only {permitted}{fractions}")


def _shortest_decimal(value: np.float32) -> str:
    """The fewest digits that give this number back."""
    return str(int(value)) if np.isfinite(value) and value == int(value) else str(value)
