"""A biobank of people who do not exist: bulk archives, contours and a table, as participants' data come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.sources.dicom.written import frame, write_zip
from tests.sources.ukbb.workspaces import contour, ellipse, image, workspace
from tests.zips import zipped

ROWS, COLUMNS, SLICES, PHASES = 40, 36, 3, 3
ES = 2
LEFT, RIGHT = (20.0, 18.0), (8.0, 18.0)
"""Centres of the ventricles, x and y in pixels."""
WALL = 3.0
IDS = tuple(str(number) for number in range(7_234_501, 7_234_521))
BACKGROUNDS = ("1001", "4001")
"""British and Caribbean, in turn."""


def radius(phase: int) -> float:
    """Of the left ventricle's blood pool."""
    return 7.0 - phase


def pixels(phase: int, seed: int) -> np.ndarray:
    """Bright blood, dark wall, noise; 16 bits."""
    y, x = np.meshgrid(np.arange(ROWS), np.arange(COLUMNS), indexing="ij")
    left, right = (np.hypot(x - centre[0], y - centre[1]) for centre in (LEFT, RIGHT))
    brightness = np.where(right < 4, 180.0, 40.0)
    brightness = np.where(left < radius(phase) + WALL, 70.0, brightness)
    brightness = np.where(left < radius(phase), 220.0, brightness)
    return (brightness + np.random.default_rng(seed).normal(0, 8, brightness.shape)).clip(0).astype("<u2")


def uid(eid: str, place: int, phase: int) -> str:
    return f"1.2.{eid}.{place + 1}.{phase + 1}"


def images_of(eid: str, **changes: object) -> list[object]:
    """Every image of a participant's cine."""
    own = {"Rows": ROWS, "Columns": COLUMNS, "PatientID": eid, "PatientName": f"Name^{eid}", **changes}
    return [
        frame(
            place,
            phase,
            SOPInstanceUID=uid(eid, place, phase),
            PixelData=pixels(phase, int(eid) + 10 * place + phase).tobytes(),
            **own,
        )
        for place in range(SLICES)
        for phase in range(PHASES)
    ]


def contours_of(eid: str, phases: Sequence[int] = (0, ES), missing: Sequence[str] = ()) -> bytes:
    """Contours of some phases in all slices."""
    images = []
    for place in range(SLICES):
        for phase in phases:
            outlines = {
                "sarvendocardialContour": ellipse(RIGHT, (4, 4)),
                "saepicardialContour": ellipse(LEFT, (radius(phase) + WALL,) * 2),
                "saendocardialContour": ellipse(LEFT, (radius(phase),) * 2),
            }
            drawn = [contour(name, points) for name, points in outlines.items() if name not in missing]
            images.append(image(uid(eid, place, phase), *drawn))
    return workspace(*images)


def write_contours(folder: Path, eid: str, content: bytes) -> Path:
    path = folder / f"{eid}_cvi42.zip"
    path.write_bytes(zipped({f"{eid}_2_0.cvi42wsx": content}))
    return path


def write_participant(folder: Path, eid: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_zip(folder / f"{eid}_20209_2_0.zip", images_of(eid))
    write_contours(folder, eid, contours_of(eid))


def write_table(path: Path, rows: Mapping[str, Mapping[str, str]]) -> None:
    """A table in the form of the Research Analysis Platform."""
    fields = {"p31": "", "p21000_i0": "", "p21003_i2": "", "p21001_i2": "", "p50_i2": "", "p21002_i2": "", "p54_i2": ""}
    lines = [",".join(["eid", *fields])]
    lines += [",".join([eid, *(row.get(name, "") for name in fields)]) for eid, row in rows.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def demographics(ids: Sequence[str] = IDS) -> dict[str, dict[str, str]]:
    """What the table says of everybody."""
    return {
        eid: {
            "p31": str(number // 2 % 2),
            "p21000_i0": BACKGROUNDS[number % 2],
            "p21003_i2": str(50 + number),
            "p21001_i2": f"{22 + number / 4}",
            "p50_i2": str(165 + number),
            "p21002_i2": str(60 + number),
            "p54_i2": "11025",
        }
        for number, eid in enumerate(ids)
    }


def write_biobank(root: Path, ids: Sequence[str] = IDS) -> Path:
    """Archives in numbered folders, as bulk downloads are, and the table beside them."""
    for eid in ids:
        write_participant(root / "bulk" / eid[-2:], eid)
    write_table(root / "participant.csv", demographics(ids))
    return root
