"""Files of a raw data set of nnU-Net: images, labels, ``dataset.json`` and ``splits_final.json``.

What ``dataset.json`` says of their suffix is not needed: any NIfTI is taken, and a case with two files is refused.

Source: nnU-Net v2, ``documentation/dataset_format.md`` and ``documentation/manual_data_splits.md``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict, TypeAdapter

from faircmr.core import InvalidCohortError, InvalidSplitError, Omission
from faircmr.core.scans import ScanFiles
from faircmr.core.study import TEST, TRAIN, VALIDATION
from faircmr.core.user_input import NIFTI_SUFFIXES, copies, named, nifti_by_stem, parse_json, subject_and_phase
from faircmr.sources import FolderWalk, check_copies

CHANNEL = "_0000"
PARTS = ("Tr", "Ts")


@dataclass(frozen=True)
class NnunetFiles:
    """Cases of a raw data set.

    Attributes:
        cases: Image and label, if there is one, by the name of the case; those for training first, then by name.
            A name may occur once in each of both parts.
        omissions: Images and labels that belong to no case.
    """

    cases: tuple[tuple[str, ScanFiles], ...]
    omissions: tuple[Omission, ...]


def find_cases(folder: Path) -> NnunetFiles:
    """List the images and labels of a data set; none is opened.

    Args:
        folder: Of the data set.

    Raises:
        InvalidCohortError: A file is there as ``.nii`` and as ``.nii.gz``, or no image has the number of a channel.
    """
    found = [_Part.of(folder, part) for part in PARTS]
    check_copies(sum(part.copies for part in found), "source_root")
    cases = [case for part in found for case in part.cases()]
    images = sum(len(part.images) for part in found)
    if images and not cases:
        raise InvalidCohortError(
            "imagesTr and imagesTs",
            f"no name of {images} images ends in {CHANNEL}",
            f"<case>{CHANNEL}.nii.gz, as nnU-Net has it; the Medical Segmentation Decathlon has <case>.nii.gz",
            "convert the data set with nnUNetv2_convert_MSD_dataset, or add the number of the channel to the names",
        )
    return NnunetFiles(tuple(cases), _omissions(folder, found, images, len(cases)))


def find_descriptions(root: Path, name: str) -> tuple[Path, ...]:
    """Files of a name, in any case, in a data set's folder; or in the data sets one level below a folder.

    Args:
        root: A data set (``Dataset042_Heart``; ``Task042_Heart`` in version 1), or the folder above some.
        name: Name of the file.
    """
    at_root = [root / found for listing in FolderWalk(root, 0) for found in named(listing.files, name)]
    if at_root:
        return tuple(at_root)
    return tuple(
        sorted(
            listing.path / found
            for listing in FolderWalk(root, 1)
            if listing.depth and listing.path.name.lower().startswith(("dataset", "task"))
            for found in named(listing.files, name)
        )
    )


@dataclass(frozen=True)
class _Part:
    """Files of the training or the test cases, by their names without suffix."""

    folders: tuple[Path, Path]
    images: Mapping[str, tuple[str, ...]]
    labels: Mapping[str, tuple[str, ...]]
    walks: tuple[FolderWalk, FolderWalk]

    @classmethod
    def of(cls, folder: Path, part: str) -> _Part:
        folders = folder / f"images{part}", folder / f"labels{part}"
        walks = FolderWalk(folders[0], 0), FolderWalk(folders[1], 0)
        images, labels = (nifti_by_stem(name for listing in walk for name in listing.files) for walk in walks)
        return cls(folders, images, labels, walks)

    @property
    def copies(self) -> int:
        return copies(self.images) + copies(self.labels)

    @cached_property
    def names(self) -> list[str]:
        """Of the cases; sorted as text, because a hundred thousand paths take long to sort."""
        return sorted(stem[: -len(CHANNEL)] for stem in self.images if stem.endswith(CHANNEL) and stem != CHANNEL)

    def cases(self) -> list[tuple[str, ScanFiles]]:
        images, labels = self.folders
        return [
            (
                name,
                ScanFiles(
                    images / self.images[f"{name}{CHANNEL}"][0],
                    labels / self.labels[name][0] if name in self.labels else None,
                ),
            )
            for name in self.names
        ]


def _omissions(folder: Path, parts: list[_Part], images: int, cases: int) -> tuple[Omission, ...]:
    labels = sum(len(part.labels) for part in parts)
    unused = sum(len(part.labels.keys() - set(part.names)) for part in parts)
    top = FolderWalk(folder, 0)
    list(top)
    found = [
        Omission("images", images - cases, images, f"their names do not end in {CHANNEL}"),
        Omission("labels", unused, labels, f"no image <case>{CHANNEL} of their names"),
    ]
    walks = (top, *(walk for part in parts for walk in part.walks))
    return (*(one for one in found if one.count), *(one for walk in walks for one in walk.omissions("source_root")))


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
