"""``dataset.json`` and ``splits_final.json`` of nnU-Net.

Source: nnU-Net v2, ``documentation/dataset_format.md`` and ``documentation/manual_data_splits.md``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter

from faircmr.core.case_names import subject_and_phase
from faircmr.core.errors import InvalidCohortError, InvalidSplitError
from faircmr.core.file_names import NIFTI_SUFFIXES
from faircmr.core.json_text import parse_json
from faircmr.core.splits import TEST, TRAIN, VALIDATION

DESCRIPTION, SPLITS = "dataset.json", "splits_final.json"
BACKGROUND = "background"


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
    """Read ``dataset.json`` of nnU-Net v2, or of v1 and the Medical Segmentation Decathlon.

    Version 1 calls the channels ``modality``, gives labels the other way round (``{"1": "LV"}``), and knows no other
    files than ``.nii.gz``.

    Raises:
        InvalidCohortError: It is damaged, two values have one name, there are several channels, or the files are
            not NIfTI.

    Source:
        nnU-Net v1, ``documentation/dataset_conversion.md``.
    """
    try:
        description = Description.model_validate(_as_version_2(parse_json(path.read_bytes())))
    except ValueError:
        # what pydantic says quotes the file; its errors are of this kind, too
        raise InvalidCohortError(
            DESCRIPTION,
            "damaged or incomplete",
            "channel_names, labels and file_ending of nnU-Net v2, or modality and labels of nnU-Net v1",
            "correct the file",
        ) from None
    if len(description.channel_names) != 1:
        raise InvalidCohortError(
            DESCRIPTION,
            f"{len(description.channel_names)} channels",
            "one channel",
            "make a data set of the cine images alone",
        )
    if f".{description.file_ending.lower().lstrip('.')}" not in NIFTI_SUFFIXES:
        raise InvalidCohortError(
            DESCRIPTION,
            f"files that end in {description.file_ending!r}",
            f"one of: {', '.join(NIFTI_SUFFIXES)}",
            "convert them to NIfTI",
        )
    return description


def _as_version_2(content: Any) -> Any:
    """What ``dataset.json`` of version 1 says, in the words of version 2; anything else as it is."""
    if not isinstance(content, dict):
        return content
    found = dict(content)
    if "channel_names" not in found and "modality" in found:
        found["channel_names"] = found["modality"]
        found.setdefault("file_ending", NIFTI_SUFFIXES[0])
    labels = found.get("labels")
    if isinstance(labels, dict) and labels and all(_is_named_value(*pair) for pair in labels.items()):
        found["labels"] = {name: int(value) for value, name in labels.items()}
        if len(found["labels"]) != len(labels):
            raise ValueError("two values have one name")
    return found


def _is_named_value(key: str, value: object) -> bool:
    """Whether an entry of ``labels`` is of version 1: ``"1": "LV"``."""
    return key.isdecimal() and isinstance(value, str) and not value.isdecimal()


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
        {subject_and_phase(case, case_pattern, "case_pattern")[0] for case in cases}
        for cases in (folds[fold].train, folds[fold].val)
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
        return TypeAdapter(tuple[Fold, ...]).validate_python(parse_json(path.read_bytes() if path.is_file() else b""))
    except (OSError, ValueError):
        raise InvalidSplitError(SPLITS, "missing or damaged", "a list of folds with train and val") from None


def encoded_folds(folds: Sequence[Fold]) -> bytes:
    """``splits_final.json`` as nnU-Net reads it."""
    return json.dumps([fold.model_dump() for fold in folds], indent=1).encode()
