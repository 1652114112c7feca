"""``dataset.json`` and ``splits_final.json`` of nnU-Net, and the names that people give to the structures of a heart.

Source: nnU-Net v2, ``documentation/dataset_format.md`` and ``documentation/manual_data_splits.md``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from faircmr.core.anatomy import Structure
from faircmr.core.case_names import subject_and_phase
from faircmr.core.errors import InvalidCohortError, InvalidSplitError
from faircmr.core.splits import TEST, TRAIN, VALIDATION

DESCRIPTION, SPLITS = "dataset.json", "splits_final.json"
BACKGROUND = "background"
ENDINGS = (".nii.gz", ".nii")
KNOWN_NAMES: Mapping[str, Structure] = {
    **dict.fromkeys(
        ("lvbp", "lv", "lvc", "lvcavity", "lvbloodpool", "leftventricle", "leftventricularcavity"), Structure.LVBP
    ),
    **dict.fromkeys(
        ("lvm", "myo", "mlv", "lvmyo", "lvmyocardium", "myocardium", "leftventricularmyocardium"), Structure.LVM
    ),
    **dict.fromkeys(
        ("rvbp", "rv", "rvc", "rvcavity", "rvbloodpool", "rightventricle", "rightventricularcavity"), Structure.RVBP
    ),
}
"""Names of labels, letters alone and in lower case: those of nnU-Net's own conversions of ACDC (``RV``, ``MLV``,
``LVC``) and M&Ms (``LVBP``, ``LVM``, ``RV``), and others in use."""


class Description(BaseModel):
    """What ``dataset.json`` says; nnU-Net permits further keys.

    Attributes:
        channel_names: Name of each input channel by its number.
        labels: Value of each label, or values of each region, by name.
        file_ending: Of images and labels.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    channel_names: dict[str, str]
    labels: dict[str, int | list[int]]
    file_ending: str


class Fold(BaseModel):
    """One fold of ``splits_final.json``.

    Attributes:
        train: Names of cases that are trained on.
        val: Names of cases that validate.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    train: tuple[str, ...]
    val: tuple[str, ...]


def read_description(path: Path) -> Description:
    """Read ``dataset.json``.

    Raises:
        InvalidCohortError: It is damaged, there are several channels, or the files are not NIfTI.
    """
    try:
        description = Description.model_validate_json(path.read_bytes())
    except ValidationError:
        # what pydantic says quotes the file
        raise InvalidCohortError(
            DESCRIPTION, "damaged or incomplete", "channel_names, labels and file_ending of nnU-Net v2", "mend it"
        ) from None
    if len(description.channel_names) != 1:
        raise InvalidCohortError(DESCRIPTION, f"{len(description.channel_names)} channels", "one channel")
    if description.file_ending not in ENDINGS:
        raise InvalidCohortError(
            DESCRIPTION,
            f"files that end in {description.file_ending!r}",
            f"one of: {', '.join(ENDINGS)}",
            "convert them",
        )
    return description


def label_values_of(labels: Mapping[str, int | list[int]], own_names: Mapping[str, str]) -> dict[int, Structure]:
    """Structure that each value but 0 stands for.

    Args:
        labels: As ``dataset.json`` has them.
        own_names: Names of structures for names of labels that are not in :data:`KNOWN_NAMES`, or mean something else.

    Raises:
        InvalidCohortError: A label is a region of several values, has an unknown name, or the value or the
            structure of another.
    """
    found: dict[int, Structure] = {}
    for name, value in labels.items():
        if isinstance(value, list):
            raise InvalidCohortError(
                DESCRIPTION, f"label {name!r} is a region of values {value}", "one value a structure, no regions"
            )
        if name == BACKGROUND and value == 0:
            continue
        structure = _structure(name, own_names)
        if value in found or structure in found.values() or not 0 < value < 255:
            raise InvalidCohortError(
                DESCRIPTION, f"label {name!r} of value {value}", "each structure and each value in 1..254 once"
            )
        found[value] = structure
    return found


def study_splits(path: Path, key: pd.DataFrame, case_pattern: str, fold: int = 0) -> pd.DataFrame:
    """Splits of nnU-Net as a study takes them over.

    Args:
        path: ``splits_final.json``.
        key: ``subject_id`` and ``source_id``: the study's ``01_raw/key.csv``.
        case_pattern: How a case's name is read: :attr:`NnunetParameters.case_pattern`.
        fold: Which fold.

    Returns:
        ``subject_id`` and ``split``, as ``01_raw/splits.csv`` has them: ``train``, ``validation``, and
        ``test`` for everybody who stands in neither list of the fold.

    Raises:
        InvalidSplitError: The file is damaged, has no such fold, or a subject stands in both lists.
    """
    folds = read_folds(path)
    if not 0 <= fold < len(folds):
        raise InvalidSplitError(SPLITS, f"fold {fold}", f"0..{len(folds) - 1}")
    training, validating = (
        {subject_and_phase(case, case_pattern)[0] for case in cases} for cases in (folds[fold].train, folds[fold].val)
    )
    if training & validating:
        raise InvalidSplitError(SPLITS, f"{len(training & validating)} subjects train and validate", "each in one list")
    parts = dict.fromkeys(training, TRAIN) | dict.fromkeys(validating, VALIDATION)
    return pd.DataFrame({"subject_id": key["subject_id"], "split": key["source_id"].map(parts).fillna(TEST)})


def read_folds(path: Path) -> Sequence[Fold]:
    """Read ``splits_final.json``.

    Raises:
        InvalidSplitError: It is missing or damaged.
    """
    try:
        # a pipe would be waited for without end
        return TypeAdapter(tuple[Fold, ...]).validate_json(path.read_bytes() if path.is_file() else b"")
    except (OSError, ValidationError):
        raise InvalidSplitError(SPLITS, "missing or damaged", "a list of folds with train and val") from None


def encoded_folds(folds: Sequence[Fold]) -> bytes:
    """``splits_final.json`` as nnU-Net reads it."""
    return json.dumps([fold.model_dump() for fold in folds], indent=1).encode()


def _structure(name: str, own_names: Mapping[str, str]) -> Structure:
    if name in own_names:
        return Structure[own_names[name]]
    plain = re.sub(r"[^a-z]", "", name.lower())
    if plain not in KNOWN_NAMES:
        raise InvalidCohortError(
            DESCRIPTION,
            f"label {name!r}",
            f"names such as {', '.join(KNOWN_NAMES)}",
            f"say in cohort.parameters.label_names which of {', '.join(Structure.__members__)} it is",
        )
    return KNOWN_NAMES[plain]
