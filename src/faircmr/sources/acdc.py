"""ACDC: the Automated Cardiac Diagnosis Challenge, as its organisers publish it.

One folder a subject, ``<id>/Info.cfg``, ``<id>/<id>_frameFF.nii.gz`` and ``<id>_frameFF_gt.nii.gz``,
directly below the root, in ``training`` and ``testing``, or in ``database/training`` and ``database/testing``.

Source: Bernard et al. 2018, "Deep Learning Techniques for Automatic MRI Cardiac Multi-structures
Segmentation and Diagnosis: Is the Problem Solved?", IEEE Transactions on Medical Imaging 37(11).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd

from faircmr.core import InvalidCohortError, Omission, Parameters
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.core.user_input import is_nifti, named, nifti_by_stem
from faircmr.sources.base import NoParameters, Rejection, SourceFiles, check_unique, no_scans_error
from faircmr.sources.demographics_table import bmi_class, number_column, text_column
from faircmr.sources.files import FolderWalk, check_copies

INFO = "Info.cfg"
FRAME = re.compile(r"[0-9]{1,4}")
FRAME_IMAGE = re.compile(r".+_frame(?P<frame>[0-9]{1,4})", re.IGNORECASE)
DEEPEST = 3
"""Levels of folders below the root: database/training/<id>."""
LAYOUT = "folders <id>/ with Info.cfg, <id>_frameFF.nii.gz and <id>_frameFF_gt.nii.gz"


class Acdc:
    """The ACDC data set; attributes are ``pathology``, ``height`` (cm), ``weight`` (kg), ``bmi_class``."""

    parameters_type: ClassVar[type[Parameters]] = NoParameters
    label_values: Mapping[int, Structure] = MappingProxyType({1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data set lies; nothing is read yet."""
        self._walk = FolderWalk(root, DEEPEST, is_data=_is_data, is_leaf=lambda listing: _is_subject(listing.files))

    def prepare(self, own: Path) -> None:
        """Check that there are subjects, and that all say which frame is which phase.

        Args:
            own: Not needed: the scans are NIfTI.

        Raises:
            InvalidCohortError: There are none, or a folder of scans has no ``Info.cfg``.
        """
        if not self._folders:
            raise no_scans_error(LAYOUT)
        anonymous = sum(not subject.info for subject in self._folders.values())
        if anonymous:
            raise InvalidCohortError(
                INFO,
                f"missing in {anonymous} of {len(self._folders)} folders with scans",
                LAYOUT,
                "restore it, or move the folders out of source_root",
            )
        several = sum(len(subject.info) > 1 for subject in self._folders.values())
        if several:
            found = f"{several} of {len(self._folders)} folders have two, in upper and lower case"
            raise InvalidCohortError(INFO, found, "one a folder", "remove one of the two")

    def scan_files(self) -> SourceFiles:
        """Image and label at the end-diastolic and end-systolic frames that ``Info.cfg`` names.

        Raises:
            InvalidCohortError: Two folders have the same name, or ``Info.cfg`` lacks a frame.
        """
        check_unique(folder.name for folder in self._folders)
        stems = {
            (folder, phase): f"{folder.name}_frame{int(info[phase]):02d}"
            for folder, info in self._infos.items()
            for phase in Phase
        }
        check_copies(sum(self._folders[folder].has_copies(stem) for (folder, _), stem in stems.items()), "source_root")
        return {
            (folder.name, phase): self._folders[folder].files(folder, stem) for (folder, phase), stem in stems.items()
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects whose ``Info.cfg`` cannot be read; what is wrong with a scan shows when it is read."""
        reason = f"{INFO} cannot be read; a file that this user may read, or a link to one; restore it"
        return {
            folder.name: Rejection(folder / subject.info[0], reason)
            for folder, subject in self._folders.items()
            if folder not in self._infos
        }

    def omissions(self) -> Sequence[Omission]:
        """Frames that are neither end diastole nor end systole, and links and folders that lead to nothing."""
        frames = {folder: _frames_in(subject.scans) for folder, subject in self._folders.items()}
        total = sum(map(len, frames.values()))
        used = sum(len(frames[folder] & {int(info[phase]) for phase in Phase}) for folder, info in self._infos.items())
        reason = f"neither ED nor ES by {INFO}"
        others = [Omission("frames", total - used, total, reason)] if total > used else []
        return [*others, *self._walk.omissions("source_root")]

    def attribute_files(self) -> Sequence[Path]:
        """Every ``Info.cfg``."""
        return [folder / name for folder, subject in self._folders.items() for name in subject.info]

    def attributes(self) -> pd.DataFrame:
        """Pathology group, height, weight and body-mass-index class of every subject.

        Raises:
            InvalidCohortError: Two folders have the same name, or a height or weight is no number.
        """
        check_unique(folder.name for folder in self._folders)
        infos = self._infos.values()
        index = pd.Index([folder.name for folder in self._infos], name="source_id", dtype="str")
        table = pd.DataFrame({name: _column(infos, name, index) for name in ("Group", "Height", "Weight")})
        height, weight = number_column(table, "Height", INFO), number_column(table, "Weight", INFO)
        return pd.DataFrame(
            {
                "pathology": text_column(table, "Group"),
                "height": height,
                "weight": weight,
                "bmi_class": bmi_class(height, weight),
            }
        )

    @cached_property
    def _folders(self) -> dict[Path, _Subject]:
        """Each subject's folder."""
        found = {one.path: _Subject.of(one.files) for one in self._walk if _is_subject(one.files)}
        return {folder: found[folder] for folder in sorted(found)}

    @cached_property
    def _infos(self) -> dict[Path, dict[str, str]]:
        read = {folder: _read_info(folder / subject.info[0]) for folder, subject in self._folders.items()}
        infos = {folder: info for folder, info in read.items() if info is not None}
        incomplete = sum(not all(FRAME.fullmatch(info.get(phase, "")) for phase in Phase) for info in infos.values())
        if incomplete:
            raise InvalidCohortError(
                INFO,
                f"{incomplete} of {len(infos)} have no ED or ES frame",
                "lines 'ED: <frame>' and 'ES: <frame>'",
                f"list them in source_root with: grep -rL --include={INFO} '^ES:'",
            )
        return infos


@dataclass(frozen=True, slots=True)
class _Subject:
    """Files of one subject.

    Attributes:
        info: Names that are ``Info.cfg`` in any case; one is permitted.
        scans: Names of the NIfTI files, by their names without suffix.
    """

    info: tuple[str, ...]
    scans: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, names: frozenset[str]) -> _Subject:
        return cls((INFO,) if INFO in names else named(names, INFO), nifti_by_stem(names))

    def has_copies(self, stem: str) -> bool:
        return any(len(self.scans.get(name, ())) > 1 for name in (stem, f"{stem}_gt"))

    def files(self, folder: Path, stem: str) -> ScanFiles:
        """Image and label; an image that is not there is named all the same, so that reading it says whose it is."""
        (image, *_) = self.scans.get(stem, (f"{stem}.nii.gz",))
        label = self.scans.get(f"{stem}_gt")
        return ScanFiles(folder / image, folder / label[0] if label else None)


def _is_data(name: str) -> bool:
    return is_nifti(name) or name.lower() == INFO.lower()


def _is_subject(names: frozenset[str]) -> bool:
    return (
        INFO in names or any("_frame" in name.lower() and is_nifti(name) for name in names) or any(named(names, INFO))
    )


def _frames_in(stems: Iterable[str]) -> set[int]:
    """Numbers of the frames of which a folder has an image."""
    return {int(match["frame"]) for stem in stems if (match := FRAME_IMAGE.fullmatch(stem)) is not None}


def _read_info(path: Path) -> dict[str, str] | None:
    """Values by name; ``None`` where the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError:
        return None
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs if value.strip()}


def _column(infos: Iterable[Mapping[str, str]], name: str, index: pd.Index) -> pd.Series:
    return pd.Series([info.get(name, pd.NA) for info in infos], index, dtype="str")
