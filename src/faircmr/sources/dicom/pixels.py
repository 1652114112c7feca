"""Pixels of one image."""

from __future__ import annotations

from typing import Any

import numpy as np

from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import Image
from faircmr.sources.dicom.elements import BIG_ENDIAN
from faircmr.sources.dicom.headers import SUPPORTED_BITS, FrameHeader, PixelFormat
from faircmr.sources.dicom.parsing import read_pixel_bytes

WHOLE_NUMBERS = np.dtype(np.int16)


def read_pixels(content: bytes, header: FrameHeader) -> Image:
    """Intensities of one image.

    Args:
        content: The whole DICOM file.
        header: Its header.

    Returns:
        Rescaled intensities, shape (rows, columns); finite, because headers hold no slope that is not.

    Raises:
        InvalidScanError: The pixels are damaged, or fewer than rows x columns.

    Source:
        PS3.5, section 8: a pixel is the lower ``BitsStored`` bits of its cell; the others may hold anything.
    """
    raw, (rows, columns) = read_pixel_bytes(content), (header.plane.rows, header.plane.columns)
    stored = _stored_type(header.pixels)
    if len(raw) < rows * columns * stored.itemsize:
        found = f"an image has {len(raw)} bytes of pixels"
        raise InvalidScanError("scan", found, f"{rows} x {columns} x {stored.itemsize}", "download it again")
    cells = np.frombuffer(raw, stored, rows * columns).astype(stored.newbyteorder("="))
    unused = SUPPORTED_BITS - header.pixels.bits
    image: Image = ((cells << unused) >> unused).reshape(rows, columns).astype(np.float32)
    return _rescaled(image, header.pixels)


def output_type(formats: frozenset[PixelFormat]) -> np.dtype[Any]:
    """The smallest type that holds the intensities of all images: 16-bit integers, or 32-bit floats.

    Args:
        formats: How the pixels of each image are stored.
    """
    whole = all(
        (form.slope, form.intercept) == (1.0, 0.0) and (form.signed or form.bits < SUPPORTED_BITS) for form in formats
    )
    return WHOLE_NUMBERS if whole else np.dtype(np.float32)


def _stored_type(pixels: PixelFormat) -> np.dtype[Any]:
    order = ">" if pixels.syntax == BIG_ENDIAN else "<"
    return np.dtype(f"{order}{'i' if pixels.signed else 'u'}2")


def _rescaled(image: Image, pixels: PixelFormat) -> Image:
    if (pixels.slope, pixels.intercept) == (1.0, 0.0):
        return image
    return image * np.float32(pixels.slope) + np.float32(pixels.intercept)
