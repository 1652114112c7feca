"""Files of a raw data set of nnU-Net: ``imagesTr/<case>_0000.nii.gz``, ``labelsTr/<case>.nii.gz``.

What ``dataset.json`` says of their suffix is not needed: any NIfTI is taken, and a case with two files is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from faircmr.core.errors import InvalidCohortError
from faircmr.core.file_names import copies, named, nifti_by_stem
from faircmr.core.omissions import Omission
from faircmr.core.scan import ScanFiles
from faircmr.sources.folders import FolderWalk, check_copies

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
