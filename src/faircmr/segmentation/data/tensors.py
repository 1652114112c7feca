"""Preprocessed subjects on disk: one safetensors file for each, read lazily, and a manifest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt
from pydantic import ValidationError

from faircmr.core import InvalidCohortError, OutputError, Parameters
from faircmr.core.scans import Phase

Array = npt.NDArray[Any]
MANIFEST_NAME = "manifest.json"
REDO_PREPROCESSING = "delete it and run data_engineering again"


def image_name(phase: Phase) -> str:
    """Name of the image of a phase, float16, shape (slices, rows, columns)."""
    return f"{phase}.image"


def label_name(phase: Phase) -> str:
    """Name of the label of a phase, classes as uint8, shape (slices, rows, columns); absent for unlabelled phases."""
    return f"{phase}.label"


def areas_name(phase: Phase) -> str:
    """Name of the pixel counts of each slice and structure, int32, shape (slices, structures)."""
    return f"{phase}.areas"


def tensors_file_name(subject_id: str) -> str:
    """File name of one subject's tensors."""
    return f"{subject_id}.safetensors"


@dataclass(frozen=True)
class SubjectTensors:
    """Arrays of one subject by name (see the ``*_name`` functions of this module).

    Attributes:
        subject_id: Study key.
        fingerprint: Changes with the inputs that the arrays were made from.
        arrays: In memory, or read from disk at each access.
    """

    subject_id: str
    fingerprint: str
    arrays: Mapping[str, Array] = field(repr=False)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Phases that have an image, ED first."""
        return tuple(phase for phase in Phase if image_name(phase) in self.arrays)

    @property
    def labelled_phases(self) -> tuple[Phase, ...]:
        """Phases that have an image and a label, ED first."""
        return tuple(phase for phase in self.phases if label_name(phase) in self.arrays)

    def slices_of(self, names: Sequence[str], slice_index: int) -> tuple[Array, ...]:
        """Read one slice of some arrays, each of shape (rows, columns); reads nothing else from disk."""
        return slices_of(self.arrays, names, slice_index)


@runtime_checkable
class SlicedArrays(Protocol):
    """Arrays that can return one slice without reading the others."""

    def slices_of(self, names: Sequence[str], slice_index: int) -> tuple[Array, ...]:
        """One slice of some arrays, each of shape (rows, columns)."""


def slices_of(arrays: Mapping[str, Array], names: Sequence[str], slice_index: int) -> tuple[Array, ...]:
    """One slice of some arrays, each of shape (rows, columns); reads only this slice if possible."""
    if isinstance(arrays, SlicedArrays):
        return arrays.slices_of(names, slice_index)
    return tuple(arrays[name][slice_index] for name in names)


class TensorManifest(Parameters):
    """Contents of a tensors folder.

    Attributes:
        fingerprints: Of each subject, by study key.
        code: Digest of the code that made them.
    """

    fingerprints: dict[str, str]
    code: str = ""


class NoSuchArrayError(OutputError, KeyError):
    """A tensors file lacks an array; also a ``KeyError``, as mappings raise for missing keys."""


@dataclass(frozen=True)
class MappedArrays(Mapping[str, Array]):
    """Arrays of one safetensors file; each access maps the file and copies the requested array."""

    path: Path

    def __getitem__(self, name: str) -> Array:
        with self._opened() as file:
            if name not in file.keys():  # noqa: SIM118 - safe_open is not a mapping
                raise NoSuchArrayError(
                    f"tensors/{self.path.name}", f"no array {name}", "a complete file", REDO_PREPROCESSING
                )
            array: Array = file.get_tensor(name)
            return array

    def __contains__(self, name: object) -> bool:
        # the inherited test would read the whole array
        return name in tuple(self)

    def __iter__(self) -> Iterator[str]:
        with self._opened() as file:
            return iter(tuple(file.keys()))

    def __len__(self) -> int:
        with self._opened() as file:
            return len(file.keys())

    def slices_of(self, names: Sequence[str], slice_index: int) -> tuple[Array, ...]:
        """Copy one slice of some arrays, each of shape (rows, columns)."""
        with self._opened() as file:
            return tuple(file.get_slice(name)[slice_index] for name in names)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        # imported here because a run without outdated outputs reads no tensors
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.path, framework="np") as file:
                yield file
        # a damaged file of the right size may have wrong names, types and shapes in its header
        except (OSError, SafetensorError, AttributeError, IndexError, TypeError) as error:
            raise OutputError(
                f"tensors/{self.path.name}", "missing or damaged", "a complete file", REDO_PREPROCESSING
            ) from error


class TensorStore:
    """Tensors folder of a study.

    Args:
        folder: Contains one file for each subject, and the manifest, which is written last.

    Raises:
        OutputError: The manifest is missing or unreadable, so the folder is incomplete.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        manifest = _read_manifest(self.folder)
        self.fingerprints: Mapping[str, str] = manifest.fingerprints
        self.code = manifest.code

    def __len__(self) -> int:
        return len(self.fingerprints)

    def __iter__(self) -> Iterator[SubjectTensors]:
        return (self.subject(subject_id) for subject_id in self.fingerprints)

    def subject(self, subject_id: str) -> SubjectTensors:
        """Tensors of one subject, read on access.

        Raises:
            InvalidCohortError: The study has no tensors of this subject.
        """
        if subject_id not in self.fingerprints:
            permitted = f"one of the {len(self)} subjects that were preprocessed"
            raise InvalidCohortError(f"tensors of {subject_id}", "not in the manifest", permitted)
        arrays = MappedArrays(self.folder / tensors_file_name(subject_id))
        return SubjectTensors(subject_id, self.fingerprints[subject_id], arrays)


def _read_manifest(folder: Path) -> TensorManifest:
    try:
        return TensorManifest.model_validate_json((folder / MANIFEST_NAME).read_bytes())
    except (OSError, ValidationError) as error:
        raise OutputError(
            f"tensors/{MANIFEST_NAME}", "missing or unreadable", "a manifest", REDO_PREPROCESSING
        ) from error
