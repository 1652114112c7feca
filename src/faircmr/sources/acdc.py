"""ACDC: the Automated Cardiac Diagnosis Challenge, as its organisers publish it.

One folder a subject, ``<id>/Info.cfg``, ``<id>/<id>_frameFF.nii.gz`` and ``<id>_frameFF_gt.nii.gz``,
directly below the root or in ``training`` and ``testing``.

Source: Bernard et al. 2018, "Deep Learning Techniques for Automatic MRI Cardiac Multi-structures
Segmentation and Diagnosis: Is the Problem Solved?", IEEE Transactions on Medical Imaging 37(11).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidCohortError
from faircmr.core.omissions import Omission
from faircmr.core.parameters import Parameters
from faircmr.core.scan import ScanFiles
from faircmr.sources.base import NoParameters, Rejection, SourceFiles, check_unique, no_scans
from faircmr.sources.demographics_table import bmi_class

INFO = "Info.cfg"
FRAME = re.compile(r"[0-9]{1,4}")
FRAME_IMAGE = re.compile(r"_frame(?P<frame>[0-9]{1,4})\.nii", re.IGNORECASE)
LAYOUT = "folders <id>/ with Info.cfg, <id>_frameFF.nii.gz and <id>_frameFF_gt.nii.gz"


class Acdc:
    """The ACDC data set; attributes are ``pathology``, ``height`` (cm), ``weight`` (kg), ``bmi_class``."""

    parameters_type: ClassVar[type[Parameters]] = NoParameters
    label_values: Mapping[int, Structure] = MappingProxyType({1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data set lies; nothing is read yet."""
        self._root = root

    def prepare(self, own: Path) -> None:
        """Check that there are subjects, and that all say which frame is which phase.

        Args:
            own: Not needed: the scans are NIfTI.

        Raises:
            InvalidCohortError: There are none, or a folder of scans has no ``Info.cfg``.
        """
        if not self._folders:
            raise no_scans(LAYOUT)
        anonymous = sum(INFO not in names for names in self._folders.values())
        if anonymous:
            raise InvalidCohortError(
                INFO,
                f"missing in {anonymous} of {len(self._folders)} folders with scans",
                LAYOUT,
                "restore it, or move the folders out of source_root",
            )

    def scan_files(self) -> SourceFiles:
        """Image and label at the end-diastolic and end-systolic frames that ``Info.cfg`` names.

        Raises:
            InvalidCohortError: Two folders have the same name, or ``Info.cfg`` lacks a frame.
        """
        check_unique(folder.name for folder in self._folders)
        return {
            (folder.name, phase): _frame_files(folder, int(info[phase]), self._folders[folder])
            for folder, info in self._infos.items()
            for phase in Phase
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Nobody: what is wrong with a scan shows when it is read."""
        return {}

    def omissions(self) -> Sequence[Omission]:
        """Frames that are neither end diastole nor end systole."""
        frames = {folder: _frames_in(names) for folder, names in self._folders.items()}
        total = sum(map(len, frames.values()))
        used = sum(len(frames[folder] & {int(info[phase]) for phase in Phase}) for folder, info in self._infos.items())
        reason = f"neither ED nor ES by {INFO}"
        return [Omission("frames", total - used, total, reason)] if total > used else []

    def attribute_files(self) -> Sequence[Path]:
        """Every ``Info.cfg``."""
        return [folder / INFO for folder in self._folders]

    def attributes(self) -> pd.DataFrame:
        """Pathology group, height, weight and body-mass-index class of every subject."""
        check_unique(folder.name for folder in self._folders)
        infos = self._infos.values()
        index = pd.Index([folder.name for folder in self._infos], name="source_id", dtype="str")
        height, weight = _numbers(infos, "Height", index), _numbers(infos, "Weight", index)
        return pd.DataFrame(
            {
                "pathology": _column(infos, "Group", index),
                "height": height,
                "weight": weight,
                "bmi_class": bmi_class(height, weight),
            }
        )

    @cached_property
    def _folders(self) -> dict[Path, frozenset[str]]:
        """Names of the files in each subject's folder."""
        return dict(sorted(_subject_folders(self._root)))

    @cached_property
    def _infos(self) -> dict[Path, dict[str, str]]:
        infos = {folder: _read_info(folder / INFO) for folder in self._folders}
        incomplete = sum(not all(FRAME.fullmatch(info.get(phase, "")) for phase in Phase) for info in infos.values())
        if incomplete:
            raise InvalidCohortError(
                INFO,
                f"{incomplete} of {len(infos)} have no ED or ES frame",
                "lines 'ED: <frame>' and 'ES: <frame>'",
                f"list them in source_root with: grep -rL --include={INFO} '^ES:'",
            )
        return infos


def _subject_folders(root: Path) -> Iterator[tuple[Path, frozenset[str]]]:
    """Folders that hold a subject, at most two levels down, each listed once: cohorts may be large."""
    for folder in _folders_in(root):
        names = _names_in(folder)
        if _holds_subject(names):
            yield folder, names
            continue
        listed = ((below, _names_in(below)) for below in _folders_in(folder))
        yield from ((below, names) for below, names in listed if _holds_subject(names))


def _folders_in(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in os.scandir(folder) if entry.is_dir()] if folder.is_dir() else []


def _names_in(folder: Path) -> frozenset[str]:
    # nothing but files: a pipe would be waited for without end
    return frozenset(entry.name for entry in os.scandir(folder) if entry.is_file())


def _holds_subject(names: frozenset[str]) -> bool:
    return INFO in names or any("_frame" in name for name in names)


def _frames_in(names: Iterable[str]) -> set[int]:
    """Numbers of the frames of which a folder has an image."""
    return {int(match["frame"]) for name in names if (match := FRAME_IMAGE.search(name)) is not None}


def _read_info(path: Path) -> dict[str, str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _frame_files(folder: Path, frame: int, names: frozenset[str]) -> ScanFiles:
    stem = f"{folder.name}_frame{frame:02d}"
    label = f"{stem}_gt.nii.gz"
    return ScanFiles(folder / f"{stem}.nii.gz", folder / label if label in names else None)


def _column(infos: Iterable[Mapping[str, str]], name: str, index: pd.Index) -> pd.Series:
    return pd.Series([info.get(name, pd.NA) for info in infos], index, dtype="str")


def _numbers(infos: Iterable[Mapping[str, str]], name: str, index: pd.Index) -> pd.Series:
    return pd.to_numeric(_column(infos, name, index), errors="coerce").astype("float64")
