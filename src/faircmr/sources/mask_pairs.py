"""Match predicted and reference masks in two folders of NIfTI label images by file name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from pathlib import Path

from faircmr.core import InvalidCohortError, InvalidScanError, Omission, UndeclaredLabelError
from faircmr.core.scans import MaskPair, MaskPairs, PairCoding, place_on_grid, placement_on
from faircmr.core.study import DEFAULT_READING, ReadingParameters
from faircmr.core.user_input import copies, is_nifti, nifti_by_stem
from faircmr.sources.files import FolderWalk, check_copies
from faircmr.sources.nifti import read_mask

DECLARE = (
    "declare in audit_labels what they are, of predictions and references apart where they differ "
    "(audit_labels.predictions.LVM=2+4), leave them out (audit_labels.left_out=4+5), or ignore voxels of references "
    "that nobody has annotated (audit_labels.ignore=4)"
)
"""What to do about values of masks that nobody has declared."""


def pair_masks(predictions: Path, references: Path, reading: ReadingParameters = DEFAULT_READING) -> MaskPairs:
    """Match the masks of two folders by their names.

    Args:
        predictions: Folder of ``<case>.nii.gz`` or ``<case>.nii``, in any case; links are followed.
        references: Folder of files of the same names, with either suffix.
        reading: Limits of the spacing, and whether headers place a prediction on its reference.

    Returns:
        Pairs sorted by name; no file is opened.

    Raises:
        InvalidCohortError: A folder has no masks or two files of one case, or no name is in both.
    """
    (predicted, lost), (drawn, undrawn) = (
        _list_masks(folder, setting)
        for folder, setting in ((predictions, "audit_predictions"), (references, "audit_references"))
    )
    common = sorted(predicted.keys() & drawn.keys())
    if not common:
        raise InvalidCohortError(
            "audit_predictions and audit_references",
            f"no name of {len(predicted)} and {len(drawn)} files is in both",
            "<case>.nii.gz in both folders",
        )
    readers = {
        name: partial(_read_pair, predicted[name], drawn[name], number, reading)
        for number, name in enumerate(common, start=1)
    }
    return MaskPairs(readers, (*_unmatched_omissions(predicted.keys(), drawn.keys()), *lost, *undrawn))


def mask_files(folder: Path) -> list[Path]:
    """Masks of a folder, sorted by name."""
    return sorted(listing.path / name for listing in _walk_masks(folder) for name in listing.files if is_nifti(name))


def _unmatched_omissions(predicted: Collection[str], drawn: Collection[str]) -> Iterator[Omission]:
    """What is said of both sides: a reference without a prediction may be a failure of the model."""
    sides = {"references": (drawn, predicted, "prediction"), "predictions": (predicted, drawn, "reference")}
    for what, (own, others, other) in sides.items():
        if alone := len(set(own) - set(others)):
            yield Omission(what, alone, len(own), f"no {other} of the same name", outcome="not scored")


def _list_masks(folder: Path, setting: str) -> tuple[dict[str, Path], tuple[Omission, ...]]:
    """Masks by case, and what could not be listed."""
    walk = _walk_masks(folder)
    found = nifti_by_stem(name for listing in walk for name in listing.files)
    check_copies(copies(found), setting)
    if not found:
        raise InvalidCohortError(setting, "no masks found there", "a folder of <case>.nii.gz", f"set {setting}")
    return {case: folder / names[0] for case, names in found.items()}, walk.omissions(setting)


def _walk_masks(folder: Path) -> FolderWalk:
    # a mask that a broken link stands for is a missing one: its case has a file in the other folder alone
    return FolderWalk(folder, 0, is_data=lambda _: False)


def _read_pair(predicted: Path, drawn: Path, number: int, reading: ReadingParameters, coding: PairCoding) -> MaskPair:
    """Reference as it is stored, and the prediction on the grid of the reference."""
    try:
        prediction, other = read_mask(predicted, coding.predictions, "prediction")
        reference, grid = read_mask(drawn, coding.references, "reference", reading)
        placement = placement_on(grid, other, ("reference", "prediction"), by_header=reading.grids == "header")
        prediction = place_on_grid(prediction, placement, "prediction")
    except InvalidScanError as error:
        # file names may name people: the place in the sorted list of names finds it as well
        offender = f"case {number} of the names that both folders have, sorted"
        remedy = DECLARE if isinstance(error, UndeclaredLabelError) else error.remedy
        raise InvalidScanError(offender, error.value, error.permitted, remedy) from None
    return MaskPair(prediction, reference, grid.spacing, placement.kind)
