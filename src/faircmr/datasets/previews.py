"""Previews of data sets for Kedro-Viz.

A preview shows a few rows, a figure, or a slice of an image, and never an id of a subject. By default only data of
synthetic subjects are shown: every subject in the study's table of keys must have been written by the embedded cohort.
So previews of real data are off unless a user permits them.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from functools import singledispatch
from html import escape
from inspect import getdoc
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from faircmr.core import FaircmrError, InvalidParameterError
from faircmr.core.scans import Structure
from faircmr.core.study import LEFT_OUT_FILE, STUDY, UNLABELLED
from faircmr.datasets.cohort import CohortDataset
from faircmr.datasets.documents import BytesDataset, JsonModelDataset, TextDataset
from faircmr.datasets.key_table import read_keys
from faircmr.datasets.predictions import PredictionsDataset
from faircmr.datasets.tables import TableDataset
from faircmr.datasets.tensors import TensorsDataset

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


AnyDataset = AbstractDataset[Any, Any]
ROWS = 8
CHARACTERS = 3000
STUDY_KEYS = Path("01_raw", "key.csv")
GENERATED = Path("01_raw", "scans")
"""Where the embedded cohort lies in its study."""
IMAGE_TYPES = {".png": "image/png", ".svg": "image/svg+xml"}
NAMING_COLUMNS = ["subject_id", "other_subject_id", "key"]
_ROLE = re.compile(r":\w+:`~?(?:\w+\.)*(\w+)`")
"""A reference in a docstring."""
_STUDY_KEY = re.compile(rf"(?:{STUDY}|{UNLABELLED}|{LEFT_OUT_FILE})-[0-9a-f]{{4}}")


def preview_of(dataset: AnyDataset, about: str, show: str) -> str:
    """HTML that describes a data set, and looks into it where that is permitted.

    Args:
        dataset: Any of the project's.
        about: What it is; without it the first line of the class's description.
        show: Whose data may be looked into: ``synthetic``, ``everybody`` or ``nobody``.

    Returns:
        HTML without scripts, paths, and names of subjects.

    Raises:
        InvalidParameterError: ``show`` is none of these.
    """
    if show not in PERMITTED:
        raise InvalidParameterError("previews", repr(show), f"one of: {', '.join(PERMITTED)}")
    sentence = about or _ROLE.sub(r"\1", (getdoc(type(dataset)) or "").partition("\n")[0])
    look = _safe_preview(dataset) if PERMITTED[show](dataset) else ""
    return f"<p>{escape(_plain(sentence))}</p>{look}"


def is_synthetic(dataset: AnyDataset) -> bool:
    """Whether all people of the study that a data set lies in were generated into it."""
    from faircmr.sources.synthetic import MANIFEST, subject_files

    study = _study_of(dataset)
    if study is None:
        return False
    try:
        written = json.loads((study / GENERATED / MANIFEST).read_bytes())
        people = read_keys(study / STUDY_KEYS)["source_id"]
    except (OSError, ValueError, FaircmrError):
        return False
    files = [file.image.name for person in people for file in subject_files(Path(), person).values()]
    return bool(files) and isinstance(written, dict) and written.keys() >= set(files)


PERMITTED: Mapping[str, Callable[[AnyDataset], bool]] = {
    "synthetic": is_synthetic,
    "everybody": lambda _: True,
    "nobody": lambda _: False,
}


def _study_of(dataset: AnyDataset) -> Path | None:
    """The ``data_root`` that a data set lies in: the nearest folder above it with a table of keys."""
    files = dataset.files() if hasattr(dataset, "files") else []
    above = [folder for file in files[:1] for folder in Path(file).absolute().parents]
    return next((folder for folder in above if (folder / STUDY_KEYS).is_file()), None)


def _safe_preview(dataset: AnyDataset) -> str:
    try:
        look = preview_content(dataset) if dataset.exists() else ""
    except (DatasetError, FaircmrError):
        # what is damaged is described all the same; a run says what is wrong with it
        return ""
    return "" if _STUDY_KEY.search(look) else look


@singledispatch
def preview_content(dataset: AnyDataset) -> str:  # noqa: ARG001 - used by the registered functions
    """HTML of the first rows, characters or slice of a data set; empty for kinds without a preview."""
    return ""


@preview_content.register
def _(dataset: TableDataset) -> str:
    table: pd.DataFrame = dataset.load().drop(columns=NAMING_COLUMNS, errors="ignore")
    rows = _plain(table.head(ROWS).to_html(index=False, border=0, na_rep="", float_format="{:.4g}".format))
    return f"<p>{len(table)} rows, {len(table.columns)} columns; the first rows:</p>{' '.join(rows.split())}"


@preview_content.register
def _(dataset: JsonModelDataset) -> str:
    text = _plain(dataset.load().model_dump_json(indent=1))
    return f"<pre>{escape(text if len(text) <= CHARACTERS else f'{text[:CHARACTERS]} ...')}</pre>"


@preview_content.register(BytesDataset)
@preview_content.register(TextDataset)
def _(dataset: BytesDataset | TextDataset) -> str:
    kind = IMAGE_TYPES.get(dataset.files()[0].suffix)
    if kind is None:
        return ""
    content = dataset.load()
    return _image(content if isinstance(content, bytes) else content.encode(), kind)


@preview_content.register
def _(dataset: CohortDataset) -> str:
    from faircmr.core.scans import ScanFiles
    from faircmr.sources import read_scan

    # not its load(): that would write what is missing of the embedded cohort
    first = read_keys(dataset.files()[0])["path"].iloc[0]
    return _picture(grey(mid_slice(read_scan(ScanFiles(dataset.root / first, None), {}).image)))


@preview_content.register
def _(dataset: PredictionsDataset) -> str:
    predictions = dataset.load()
    return "".join(_picture(coloured(mid_slice(predictions[key].label))) for key in list(predictions)[:1])


@preview_content.register
def _(dataset: TensorsDataset) -> str:
    from faircmr.segmentation.data import image_name

    subject = next(iter(dataset.load()))
    return _picture(grey(mid_slice(subject.arrays[image_name(subject.phases[0])])))


def _plain(text: str) -> str:
    # Kedro-Viz takes underscores and asterisks, and line ends outside <pre>, for Markdown
    return text.translate({ord("_"): " ", ord("*"): "\u2217"})


def _picture(pixels: npt.NDArray[np.uint8]) -> str:
    return _image(png(pixels), IMAGE_TYPES[".png"])


def _image(content: bytes, kind: str) -> str:
    return f'<img alt="Preview" style="width: 100%" src="data:{kind};base64,{b64encode(content).decode()}">'
