"""Two folders of label images in NIfTI: what a model found, and what experts drew."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from faircmr.core.errors import InvalidCohortError, InvalidScanError, UndeclaredLabelError
from faircmr.core.grids import place, placement_on
from faircmr.core.label_coding import PairCoding
from faircmr.core.mask_pairs import MaskPairs, Spacing
from faircmr.core.omissions import Omission
from faircmr.core.reading import DEFAULT_READING, ReadingParameters
from faircmr.core.scan import LabelImage
from faircmr.sources.nifti import read_mask

SUFFIXES = (".nii.gz", ".nii")
DECLARE = (
    "declare in audit_labels what they are, of predictions and references apart where they differ "
    "(audit_labels.predictions.LVM=2+4), or leave them out by name (audit_labels.left_out=4+5)"
)
"""What to do about values of masks that nobody has declared."""


def pair_masks(predictions: Path, references: Path, reading: ReadingParameters = DEFAULT_READING) -> MaskPairs:
    """Match the masks of two folders by their names.

    Args:
        predictions: Folder of ``<case>.nii.gz`` or ``<case>.nii``.
        references: Folder of files of the same names, with either suffix.
        reading: Limits of the spacing, and whether headers place a prediction on its reference.

    Returns:
        Pairs sorted by name; no file is opened.

    Raises:
        InvalidCohortError: A folder has no masks, or no name is in both.
    """
    predicted, drawn = _masks(predictions, "audit_predictions"), _masks(references, "audit_references")
    common = sorted(predicted.keys() & drawn.keys())
    if not common:
        raise InvalidCohortError(
            "audit_predictions and audit_references",
            f"no name of {len(predicted)} and {len(drawn)} files is in both",
            "<case>.nii.gz in both folders",
        )
    readers = {
        name: partial(_read, predicted[name], drawn[name], number, reading)
        for number, name in enumerate(common, start=1)
    }
    return MaskPairs(readers, tuple(_unmatched(predicted.keys(), drawn.keys())))


def mask_files(folder: Path) -> list[Path]:
    """Masks of a folder, sorted by name."""
    return sorted(path for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES) and path.is_file())


def _unmatched(predicted: Collection[str], drawn: Collection[str]) -> Iterator[Omission]:
    """What is said of both sides: a reference without a prediction may be a failure of the model."""
    sides = {"references": (drawn, predicted, "prediction"), "predictions": (predicted, drawn, "reference")}
    for what, (own, others, other) in sides.items():
        if alone := len(set(own) - set(others)):
            yield Omission(what, alone, len(own), f"no {other} of the same name", outcome="not scored")


def _masks(folder: Path, setting: str) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in mask_files(folder) if folder.is_dir() else ():
        name = path.name.removesuffix(".gz").removesuffix(".nii")
        if name in found:
            raise InvalidCohortError(setting, "one case twice, as .nii and as .nii.gz", "one file a case")
        found[name] = path
    if not found:
        raise InvalidCohortError(setting, "no masks found there", "a folder of <case>.nii.gz", f"set {setting}")
    return found


def _read(
    predicted: Path, drawn: Path, number: int, reading: ReadingParameters, coding: PairCoding
) -> tuple[LabelImage, LabelImage, Spacing]:
    """Reference as it is stored, and the prediction on the grid of the reference."""
    try:
        prediction, other = read_mask(predicted, coding.predictions, "prediction", reading)
        reference, grid = read_mask(drawn, coding.references, "reference", reading)
        placement = placement_on(grid, other, ("reference", "prediction"), by_header=reading.grids == "header")
        prediction = place(prediction, placement, "prediction")
    except InvalidScanError as error:
        # file names may name people: the place in the sorted list of names finds it as well
        offender = f"case {number} of the names that both folders have, sorted"
        remedy = DECLARE if isinstance(error, UndeclaredLabelError) else error.remedy
        raise InvalidScanError(offender, error.value, error.permitted, remedy) from None
    return prediction, reference, grid.spacing
