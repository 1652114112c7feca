"""Short-axis cines of UK Biobank's archives, and of loose DICOM files."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path, PurePosixPath

from faircmr.core import InvalidScanError
from faircmr.core.host import check_is_file
from faircmr.sources import Archive
from faircmr.sources.dicom.cine import ShortAxisCine, build_cine
from faircmr.sources.dicom.headers import Elements, Frame, Tag, frame_header, read_header

NUMBERED_SERIES = re.compile(r"CINE_segmented_SAX_b\d*")
"""One slice a series, of base to apex; ``CINE_segmented_SAX_InlineVF`` is the scanner's own result on them."""
MIXED_SERIES = re.compile(r"CINE_segmented_SAX")
"""All slices in one series, which few participants have."""
DICOM_SUFFIX = ".dcm"
AGAIN = "download or copy it again"
Described = tuple[Elements, Callable[[], bytes]]


def read_short_axis(archive: Archive, contoured: Collection[str]) -> ShortAxisCine:
    """Find the short-axis cine in an archive of UK Biobank's field 20209.

    The series are told apart by SeriesDescription; ``manifest.csv``, which has unquoted commas in its dates and
    is missing or called ``manifest.cvs`` in some archives, says nothing more and is not read.

    Args:
        archive: Stays open as long as frames are read.
        contoured: SOPInstanceUIDs that somebody has drawn on; may be empty.

    Returns:
        The cine; of the numbered series where there are some, else of the mixed one, but of the one with contours
        where only one has them.

    Raises:
        InvalidScanError: There is no such series, or :func:`~faircmr.sources.dicom.build_cine` refuses it.

    Source:
        Series and their repeats: ``data/biobank_utils.py`` and ``data/convert_data_ukbb2964.py`` of
        baiwenjia/ukbb_cardiac.
    """
    described = list(_members(archive))
    numbered, mixed = (_of_series(described, pattern) for pattern in (NUMBERED_SERIES, MIXED_SERIES))
    if not numbered and not mixed:
        raise InvalidScanError(
            "scan",
            f"{len(described)} DICOM images, none of a short-axis cine",
            "series CINE_segmented_SAX_b1, _b2, ... (UK Biobank's field 20209)",
            "download field 20209 again, or restore its SeriesDescription",
        )
    # the first of equals
    return build_cine(max((numbered, mixed), key=lambda frames: _preference(frames, contoured)), contoured)


def read_files(paths: Iterable[Path], contoured: Collection[str] = ()) -> ShortAxisCine:
    """Put loose DICOM files in order.

    Args:
        paths: Images of one short-axis cine and of nothing else, in any order.
        contoured: SOPInstanceUIDs that somebody has drawn on.

    Raises:
        InvalidScanError: A file is missing or no DICOM, or
            :func:`~faircmr.sources.dicom.build_cine` refuses the images.
    """
    return build_cine([read_frame(path) for path in paths], contoured)


def _members(archive: Archive) -> Iterator[Described]:
    for name in archive.names:
        elements = read_header(partial(archive.head, name))
        if elements is not None:
            yield elements, partial(archive.read, name)
        elif PurePosixPath(name).suffix.lower() == DICOM_SUFFIX:
            raise _no_dicom()


def _of_series(described: Iterable[Described], pattern: re.Pattern[str]) -> list[Frame]:
    return [
        Frame(frame_header(elements), read)
        for elements, read in described
        if pattern.fullmatch(elements.text(Tag.SeriesDescription))
    ]


def _preference(frames: Collection[Frame], contoured: Collection[str]) -> tuple[bool, bool]:
    return any(frame.header.uid in contoured for frame in frames), bool(frames)


def read_frame(path: Path) -> Frame:
    """Header of one loose DICOM file, and how to read the rest.

    Raises:
        InvalidScanError: The file is missing or no DICOM, or its header is that of no image of a cine.
    """
    try:
        check_is_file(path)
        elements = read_header(partial(_head, path))
    except OSError:
        raise InvalidScanError(
            "scan", "a DICOM file is missing or cannot be read", "every listed file", AGAIN
        ) from None
    if elements is None:
        raise _no_dicom()
    return Frame(frame_header(elements), path.read_bytes)


def _head(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


def _no_dicom() -> InvalidScanError:
    return InvalidScanError("scan", "a file is damaged or no DICOM", "DICOM files as PS3.10 has them", AGAIN)
