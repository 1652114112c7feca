"""What a page of the documentation prints: files to write and commands to run, in their order; and a small clinic."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import numpy.typing as npt

BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<content>.*?)^```$", re.MULTILINE | re.DOTALL)
PLACE = re.compile(r"^# (?P<path>[\w./-]+)$", re.MULTILINE)
SITES = {"north": 15, "south": 14}
"""Subjects of each site: ten are tested, one or two validate."""
SIDE, SLICES = 64, 3
SPACING_MM = (1.8, 1.8, 8.0)


@dataclass(frozen=True)
class File:
    """A block that begins with the path of a file."""

    path: str
    content: str


@dataclass(frozen=True)
class Command:
    """A line of a block without a language."""

    words: tuple[str, ...]


def printed(page: str) -> Iterator[File | Command]:
    """Files and commands of a page in their order.

    Raises:
        ValueError: A block is neither: nobody could follow it.
    """
    for block in BLOCK.finditer(page):
        content = block["content"]
        place = PLACE.match(content)
        if place is not None:
            yield File(place["path"], content)
        elif not block["language"]:
            yield from (Command(tuple(shlex.split(line, comments=True))) for line in content.splitlines() if line)
        else:
            raise ValueError(f"a block of {block['language']} that does not begin with the path of a file")


def write_clinic(root: Path) -> None:
    """Invented subjects of two sites, in the layout that the page describes."""
    rows = ["id,site,gender,birth_year"]
    sites = [site for site, count in SITES.items() for _ in range(count)]
    for number, site in enumerate(sites):
        rows.append(f"{number:03d},{site},{'fm'[number % 2]},{1940 + number}")
        for name, radius in {"diastole": 11.0, "systole": 8.0}.items():
            drawn = _drawn(radius + number % 3)
            rng = np.random.default_rng([number, int(radius)])
            bright = np.select([drawn == 255, drawn == 170, drawn == 85], [200, 70, 190], 40)
            folder = root / "scans" / f"{number:03d}"
            _write(folder / f"{name}.nii.gz", rng.normal(bright, 12).astype(np.int16))
            _write(folder / f"{name}_drawn.nii.gz", drawn)
    (root / "people.csv").write_text("\n".join(rows) + "\n")


def _drawn(radius: float) -> npt.NDArray[np.int16]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    left, right = np.hypot(rows - 32, columns - 36), np.hypot(rows - 32, columns - 18)
    plane = np.select([left < radius, left < radius + 4, right < radius], [255, 170, 85], 0)
    return np.broadcast_to(plane[..., np.newaxis], (SIDE, SIDE, SLICES)).astype(np.int16)


def _write(path: Path, array: npt.NDArray[np.int16]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(array, np.diag([*SPACING_MM, 1.0])), path)
