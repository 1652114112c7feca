"""NIfTI in and out: arrays are (slices, rows, columns), the NIfTI axes reversed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidScanError
from faircmr.core.files import write_whole
from faircmr.core.grids import place, placement_on
from faircmr.core.label_coding import LabelValues
from faircmr.core.reading import DEFAULT_READING, ReadingParameters
from faircmr.core.scan import Geometry, Image, LabelImage, Scan, ScanFiles
from faircmr.sources.geometry import header_of
from faircmr.sources.label_values import map_label, translated
from faircmr.sources.nifti_files import damage, parse_file, parse_frame


def read_scan(files: ScanFiles, label_values: LabelValues, reading: ReadingParameters = DEFAULT_READING) -> Scan:
    """Read one scan and refuse what cannot be trained on or scored.

    Args:
        files: Image, label (if one was drawn) and the frame of a 4-D file, counted from 0.
        label_values: Meaning of each value of the source's label images; 0 is background.
        reading: Limits of the spacing, and whether headers place the label.

    Returns:
        Image as float32 with the header's intensity scaling applied, label as ``Structure`` values on the image's grid:
        flips, swapped axes and whole-voxel shifts between them are undone.

    Raises:
        InvalidScanError: A file is missing or damaged (of a cine, up to the frame's end); the image is not 3-D,
            has no such frame, a spacing outside the limits, is not finite or constant; the label lies on another grid,
            holds values outside the map, or is all background. The offender is ``scan``: only :meth:`Cohort.read`
            knows the study key.
    """
    image, geometry = _read_volume(files.image, files.frame, "image", reading)
    if not np.isfinite(image).all():
        raise InvalidScanError("scan", "the image holds NaN or infinite intensities", "finite intensities")
    if image.min() == image.max():
        raise InvalidScanError("scan", "the image has the same intensity everywhere", "an image with contrast")
    if files.label is None:
        return Scan(image, None, geometry)
    # its axes may lie in another order: once it is on the image's grid, its spacing is within the limits
    values, label_geometry = _read_volume(files.label, files.frame, "label", None)
    placement = placement_on(geometry, label_geometry, ("image", "label"), by_header=reading.grids == "header")
    return Scan(image, place(map_label(values, label_values), placement, "label"), geometry, placement.kind)


def read_mask(
    path: Path, label_values: LabelValues, what: str, reading: ReadingParameters | None = None
) -> tuple[LabelImage, Geometry]:
    """Read a label image of any source.

    Args:
        path: The file, 3-D.
        label_values: Meaning of each value but 0.
        what: What errors call it: ``prediction``, ``reference``.
        reading: Limits of the spacing; ``None`` where it is to be compared with another grid.

    Raises:
        InvalidScanError: The file is missing or damaged, its spacing is outside the limits, or a value is not in the
            map.
    """
    values, geometry = _read_volume(path, None, what, reading)
    return translated(values, label_values, what), geometry


def read_label(path: Path) -> tuple[LabelImage, Geometry]:
    """Read a label image that :func:`write_label` wrote; nothing but background is permitted.

    Raises:
        InvalidScanError: The file is missing or damaged, or a value is no structure.
    """
    values, geometry = _read_volume(path, None, "label", None)
    return translated(values, {int(structure): structure for structure in Structure}), geometry


def write_image(path: Path, image: Image | npt.NDArray[np.int16], geometry: Geometry) -> None:
    """Write intensities as ``.nii.gz`` or ``.nii``; equal input gives equal bytes.

    Args:
        path: Where to; the suffix decides on compression.
        image: Shape (slices, rows, columns); its type is the stored type.
        geometry: The grid, written as it stands.

    Raises:
        OutputError: The folder cannot be written.
        ValueError: The shape is not the geometry's.
    """
    _write(path, image, geometry)


def write_label(path: Path, label: LabelImage, geometry: Geometry) -> None:
    """Write a label image as :func:`write_image` does; values are stored as they are."""
    _write(path, label, geometry)


def _read_volume(path: Path, frame: int | None, what: str, reading: ReadingParameters | None) -> tuple[Image, Geometry]:
    try:
        data, geometry = parse_file(path, what, reading) if frame is None else parse_frame(path, frame, what, reading)
    except FileNotFoundError:
        raise InvalidScanError("scan", f"the {what} file is missing", "a NIfTI file for every listed scan") from None
    except damage():
        # what the libraries say holds the path
        raise InvalidScanError(
            "scan", f"the {what} file is truncated or damaged", "a whole NIfTI file (.nii or .nii.gz)"
        ) from None
    if data.ndim != 3 or 0 in data.shape or data.dtype.fields is not None:
        raise InvalidScanError("scan", f"the {what} has {data.ndim} dimensions", "3 dimensions, none of them empty")
    # what is too large for 32 bits becomes infinite, and is refused as that
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(data.T, dtype=np.float32), geometry


def _write(path: Path, array: npt.NDArray[Any], geometry: Geometry) -> None:
    if array.shape != geometry.shape:
        raise ValueError(f"array of shape {array.shape} on a grid of shape {geometry.shape}")
    header = header_of(geometry, array.dtype)
    # (slices, rows, columns) in C order is (columns, rows, slices) in NIfTI's Fortran order
    content = header + np.ascontiguousarray(array).tobytes()
    compressed = path.suffix == ".gz"
    write_whole(path, gzip.compress(content, compresslevel=1, mtime=0) if compressed else content)
