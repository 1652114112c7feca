"""Where formats keep sizes, counts, offsets and types: the fields that a reader believes."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from random import Random

Place = tuple[int, int]
"""Offset and length in bytes."""
_LOCAL = tuple((at, 2) for at in (4, 6, 8, 26, 28)) + tuple((at, 4) for at in (14, 18, 22))
_CENTRAL = tuple((at, 2) for at in (6, 8, 10, 28, 30, 32)) + tuple((at, 4) for at in (16, 20, 24, 38, 42))
_END = ((8, 2), (10, 2), (12, 4), (16, 4), (20, 2))
ZIP = {b"PK\x03\x04": _LOCAL, b"PK\x01\x02": _CENTRAL, b"PK\x05\x06": _END}
"""APPNOTE 4.3.7, 4.3.12 and 4.3.16."""
NIFTI = (
    ((0, 4), (108, 4), (112, 4), (116, 4), (344, 4), (348, 4))
    + tuple((at, 2) for at in (*range(40, 56, 2), 70, 72, 252, 254))
    + tuple((at, 4) for at in range(76, 108, 4))
    + tuple((at, 4) for at in range(256, 328, 4))
)
"""nifti1.h: sizeof_hdr, vox_offset, scaling, magic, extension, dim, datatype, bitpix, forms, pixdim, both matrices."""
NIFTI_SIZE = 348
GZIP = ((2, 1), (3, 1), (4, 4), (-8, 4), (-4, 4))
"""RFC 1952: method, flags, time, CRC, size."""
PARQUET = ((-8, 4),)
"""Length of the footer."""
SHORT_VR = re.compile(rb"(?:AE|AS|AT|CS|DA|DS|DT|FD|FL|IS|LO|PN|SH|SL|SS|TM|UI|UL|US)")
LONG_VR = re.compile(rb"(?:OB|OW|SQ|UN|UT|OF)\0\0")
"""PS3.5, 7.1.2: the length follows, of 2 or of 4 bytes."""


def damage_field(content: bytes, random: Random) -> bytes:
    """One field has another value, such as 0, the largest, one more or not a number."""
    places = [place for place in _places(content) if 0 <= place[0] <= len(content) - place[1]]
    at, size = random.choice(places or [(random.randrange(len(content) + 1), random.choice((1, 2, 4)))])
    value = _value(content[at : at + size], random)
    return content[:at] + value + content[at + len(value) :]


def _value(old: bytes, random: Random) -> bytes:
    size = len(old)
    before, most = int.from_bytes(old, "little"), 256**size
    number = random.choice((0, 1, 2, 3, before + 1, before - 1, before * 2, most // 2, most - 1)) % most
    whole = number.to_bytes(size, random.choice(("little", "little", "big")))
    kinds = [whole, whole, random.randbytes(size)]
    if size == 4:
        kinds.append(struct.pack("<f", random.choice((float("nan"), float("inf"), -1.0, 1e38, 1e-38, 352.5, 1e9))))
    return random.choice(kinds)


def _places(content: bytes) -> Iterator[Place]:
    if content.startswith(b"PK"):
        yield from _of_zip(content)
    elif content.startswith(b"\x1f\x8b"):
        yield from ((at % len(content), size) for at, size in GZIP)
    elif content.endswith(b"PAR1"):
        yield from ((at % len(content), size) for at, size in PARQUET)
    elif content[128:132] == b"DICM":
        yield from ((match.end(), 2) for match in SHORT_VR.finditer(content))
        yield from ((match.end(), 4) for match in LONG_VR.finditer(content))
    elif NIFTI_SIZE in (int.from_bytes(content[:4], "little"), int.from_bytes(content[:4], "big")):
        yield from NIFTI


def _of_zip(content: bytes) -> Iterator[Place]:
    for signature, fields in ZIP.items():
        for match in re.finditer(re.escape(signature), content):
            yield from ((match.start() + at, size) for at, size in fields)
