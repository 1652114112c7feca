"""From scans to tensors: intensities normalised scan by scan, pixels on the grid of the plans."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidScanError
from faircmr.core.reading import check_voxels
from faircmr.core.scan import Image, LabelImage, Scan, nonzero_box
from faircmr.segmentation.classes import classes_of
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.resampling import planned_shape, resample_image, resample_label
from faircmr.segmentation.tensors import Array, SubjectTensors, areas_name, image_name, label_name

ReadScan = Callable[[str, Phase], Scan]


def preprocess_subjects(read: ReadScan, scans: pd.DataFrame, plans: Plans) -> Iterator[SubjectTensors]:
    """Tensors of every subject, made when they are first looked at.

    Args:
        read: Reads the scan of a subject and phase.
        scans: One row a scan: ``subject_id``, ``phase``, ``fingerprint``.
        plans: The grid and the structures.

    Yields:
        One subject at a time, in the order of ``scans``. A subject whose ``fingerprint`` is known
        already need not be looked at, and is then neither read nor computed.
    """
    for subject_id, rows in scans.groupby("subject_id", sort=False):
        phases = tuple(Phase(phase) for phase in rows["phase"])
        text = repr((plans.spacing, plans.structures, sorted(zip(phases, rows["fingerprint"], strict=True))))
        fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
        make = partial(_preprocess_phases, read, str(subject_id), phases, plans)
        yield SubjectTensors(str(subject_id), fingerprint, ArraysOnDemand(make))


def preprocess(scan: Scan, plans: Plans, phase: Phase) -> dict[str, Array]:
    """Tensors of one scan.

    Args:
        scan: Image, and label where there is one, shape (slices, rows, columns).
        plans: The grid and the structures.
        phase: Names the arrays.

    Returns:
        Image of mean 0 and standard deviation 1 (before cubic resampling) as float16; label as
        uint8, values the classes of the study; pixels of each a slice as int32, shape (slices, structures).

    Raises:
        InvalidScanError: The image is the same everywhere, or has too many voxels at the spacing of the plans.
    """
    shape = planned_shape(scan.geometry.shape[1:], scan.geometry.spacing[1:], plans.spacing)
    check_voxels((len(scan.image), *shape), "image, resampled to the spacing of the plans,")
    arrays: dict[str, Array] = {image_name(phase): resample_image(normalise(scan.image), shape).astype(np.float16)}
    if scan.label is not None:
        label = resample_label(classes_of(scan.label, plans.structures), shape)
        arrays |= {label_name(phase): label, areas_name(phase): structure_areas(label)}
    return arrays


def normalise(image: Image) -> Image:
    """Intensities of mean 0 and standard deviation 1 over the whole scan, a margin of zeros left out.

    Raises:
        InvalidScanError: The image is the same everywhere.

    Source:
        nnU-Net's ``ZScoreNormalization`` after ``crop_to_nonzero``.
    """
    shown = image[nonzero_box(image)]
    # compared exactly: rounding gives a constant image a deviation above zero
    if not shown.size or shown.min() == shown.max():
        raise InvalidScanError("image", "the same intensity everywhere", "an image with contrast")
    mean, deviation = shown.mean(dtype=np.float64), shown.std(dtype=np.float64)
    normalised: Image = ((image - mean) / deviation).astype(np.float32)
    return normalised


def structure_areas(label: LabelImage) -> Array:
    """Pixels of each class but the background in each slice, int32, shape (slices, structures)."""
    return np.stack([(label == structure).sum(axis=(1, 2)) for structure in Structure], axis=1).astype(np.int32)


@dataclass(frozen=True)
class ArraysOnDemand(Mapping[str, Array]):
    """Arrays that are computed at the first access and kept as long as their subject is."""

    make: Callable[[], Mapping[str, Array]]

    @cached_property
    def _made(self) -> Mapping[str, Array]:
        return self.make()

    def __getitem__(self, name: str) -> Array:
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def _preprocess_phases(read: ReadScan, subject_id: str, phases: tuple[Phase, ...], plans: Plans) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for phase in phases:
        scan = read(subject_id, phase)
        try:
            arrays |= preprocess(scan, plans, phase)
        except InvalidScanError as error:
            raise InvalidScanError(f"{subject_id} {phase}", error.value, error.permitted, error.remedy) from None
    return arrays
