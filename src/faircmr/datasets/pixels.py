"""Slices as PNG, by the standard library alone: previews are no reason for an image library."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from faircmr.core.anatomy import Structure

Pixels = npt.NDArray[np.uint8]
# colours that colour-blind people tell apart (Okabe and Ito)
COLOURS = {Structure.LVBP: (213, 94, 0), Structure.LVM: (0, 158, 115), Structure.RVBP: (86, 180, 233)}
SCALE = 4
"""Pixels of a preview on a side of one of the image: short-axis images are small."""
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BITS_RGB = (8, 2, 0, 0, 0)


def mid_slice(volume: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The middle slice, shape (rows, columns), of a volume of shape (slices, rows, columns)."""
    middle: npt.NDArray[Any] = volume[len(volume) // 2]
    return middle


def grey(image: npt.NDArray[Any]) -> Pixels:
    """RGB of intensities from black (1st percentile) to white (99th), shape (rows, columns, 3)."""
    dark, bright = np.percentile(image, (1.0, 99.0))
    shade = np.clip((image.astype(np.float64) - dark) / max(bright - dark, 1e-6), 0.0, 1.0)
    return np.repeat((255 * shade).astype(np.uint8)[..., None], 3, axis=2)


def coloured(label: npt.NDArray[Any]) -> Pixels:
    """RGB of structures on black, shape (rows, columns, 3)."""
    palette = np.zeros((256, 3), np.uint8)
    palette[[int(structure) for structure in COLOURS]] = list(COLOURS.values())
    pixels: Pixels = palette[label]
    return pixels


def png(pixels: Pixels) -> bytes:
    """RGB pixels, shape (rows, columns, 3), as a PNG file, enlarged.

    Source:
        Portable Network Graphics (PNG) Specification, ISO/IEC 15948.
    """
    large = pixels.repeat(SCALE, axis=0).repeat(SCALE, axis=1)
    rows, columns, _ = large.shape
    # every row begins with the number of its filter: 0, none
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), large.reshape(rows, -1)], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, *_EIGHT_BITS_RGB)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(lines.tobytes())) + _chunk(b"IEND", b"")


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
