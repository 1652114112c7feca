"""Two folders of label images in NIfTI: what a model found, and what experts drew."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.core.mask_pairs import LabelValues, MaskPairs, Spacing
from faircmr.core.scan import LabelImage
from faircmr.sources.nifti import check_same_grid, read_mask

SUFFIXES = (".nii.gz", ".nii")


def pair_masks(predictions: Path, references: Path) -> MaskPairs:
    """Match the masks of two folders by their names.

    Args:
        predictions: Folder of ``<case>.nii.gz`` or ``<case>.nii``.
        references: Folder of files of the same names, with either suffix.

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
    readers = {name: partial(_read, predicted[name], drawn[name], place) for place, name in enumerate(common, start=1)}
    return MaskPairs(readers, len(predicted.keys() ^ drawn.keys()))


def mask_files(folder: Path) -> list[Path]:
    """Masks of a folder, sorted by name."""
    return sorted(path for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES) and path.is_file())


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
    predicted: Path, drawn: Path, place: int, label_values: LabelValues
) -> tuple[LabelImage, LabelImage, Spacing]:
    try:
        prediction, grid = read_mask(predicted, label_values, "prediction")
        reference, other = read_mask(drawn, label_values, "reference")
        check_same_grid(grid, other, ("prediction", "reference"))
    except InvalidScanError as error:
        # file names may name people: the place in the sorted list of names finds it as well
        offender = f"case {place} of the names that both folders have, sorted"
        raise InvalidScanError(offender, error.value, error.permitted, error.remedy) from None
    return prediction, reference, grid.spacing
