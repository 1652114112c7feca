"""M&Ms: the Multi-Centre, Multi-Vendor and Multi-Disease Cardiac Segmentation Challenge, as it is published.

One folder a subject, ``<id>/<id>_sa.nii.gz`` and ``<id>/<id>_sa_gt.nii.gz`` (labelled at end diastole and end
systole alone), in ``Training/Labeled``, ``Training/Unlabeled``, ``Validation`` and ``Testing`` or directly below
the root; or frames that somebody has split off, ``<id>_sa_ED.nii.gz`` and ``<id>_sa_ED_gt.nii.gz``. One CSV in
the root has a row a subject.

Its columns ``ED`` and ``ES`` count frames from 0: nnU-Net's own conversion (``Dataset114_MNMs``) takes
``image.dataobj[..., ed]`` with the number as it stands, and the first subject's end diastole is 0. A table that
counts from 1 does not pass unnoticed: the frames that it names have no label.

Source: Campello et al. 2021, "Multi-Centre, Multi-Vendor and Multi-Disease Cardiac Segmentation: The M&Ms
Challenge", IEEE Transactions on Medical Imaging 40(12).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidCohortError
from faircmr.core.parameters import Parameters
from faircmr.core.scan import ScanFiles
from faircmr.core.user_tables import read_user_table
from faircmr.sources.base import NoParameters, Rejection, SourceFiles, check_unique, no_scans
from faircmr.sources.demographics_table import age_class, bmi_class, by_subject, frame_numbers, numbers, text

LAYOUT = "files <id>_sa.nii.gz and <id>_sa_gt.nii.gz in folders <id>/, and one CSV in the root"
TABLE = "the CSV of M&Ms"
ID_COLUMN = "External code"
SEXES = {"F": "female", "M": "male"}
DEEPEST = 4
"""Levels below the root: Training/Labeled/<id>/<file>."""
_IMAGE = re.compile(r"(?P<id>[^.].*)_sa(?:_(?P<phase>ED|ES))?\.nii(?:\.gz)?", re.IGNORECASE)


@dataclass(frozen=True)
class _File:
    """A short-axis image, and its label if there is one.

    Attributes:
        source_id: The subject.
        phase: Of a frame that was split off; ``None`` for a cine.
    """

    source_id: str
    phase: Phase | None
    image: Path
    label: Path | None


class Mnms:
    """The M&Ms data set.

    Attributes are ``sex`` (``female``/``male``), ``age`` (years), ``age_class``, ``vendor``, ``centre``,
    ``pathology``, ``height`` (cm), ``weight`` (kg) and ``bmi_class``.
    """

    parameters_type: ClassVar[type[Parameters]] = NoParameters
    label_values: Mapping[int, Structure] = MappingProxyType({1: Structure.LVBP, 2: Structure.LVM, 3: Structure.RVBP})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data set lies; nothing is read yet."""
        self._root = root

    def prepare(self, own: Path) -> None:
        """Check that there are scans and one table.

        Args:
            own: Not needed: the scans are NIfTI.

        Raises:
            InvalidCohortError: There are none, or no table or several.
        """
        if not self._files:
            raise no_scans(LAYOUT)
        tables = len(self.attribute_files())
        if tables != 1:
            raise InvalidCohortError(
                "source_root", f"{tables} CSV files", "the one with the information of M&Ms", "put it there alone"
            )

    def scan_files(self) -> SourceFiles:
        """Image and label of both phases; of a cine the frames that the table names.

        Raises:
            InvalidCohortError: A subject lies in two folders, or the table is unusable.
            InvalidParameterError: The table cannot be read.
        """
        check_unique(f"{file.source_id} {file.phase}" for file in self._files)
        split = {(file.source_id, file.phase): ScanFiles(file.image, file.label) for file in self._files if file.phase}
        framed = {
            (source_id, phase): ScanFiles(self._cines[source_id].image, self._cines[source_id].label, frame)
            for source_id in self._cines.keys() & self._frames.keys()
            for phase, frame in self._frames[source_id].items()
        }
        return framed | split

    def rejected(self) -> Mapping[str, Rejection]:
        """Cines of which the table does not name both frames."""
        used = {source_id for source_id, _ in self.scan_files()}
        reason = f"a cine without a frame of ED and of ES in {TABLE}"
        return {name: Rejection(cine.image, reason) for name, cine in self._cines.items() if name not in used}

    def attribute_files(self) -> Sequence[Path]:
        """The CSV in the root."""
        return sorted(self._root.glob("[!.]*.csv"))

    def attributes(self) -> pd.DataFrame:
        """What the table says of every subject.

        Raises:
            InvalidCohortError: A subject stands there twice.
            InvalidParameterError: It cannot be read.
        """
        table = self._table
        age, height, weight = (numbers(table, name) for name in ("Age", "Height", "Weight"))
        return pd.DataFrame(
            {
                "sex": text(table, "Sex").str.upper().map(SEXES).astype("str"),
                "age": age,
                "age_class": age_class(age),
                "vendor": text(table, "VendorName"),
                "centre": text(table, "Centre"),
                "pathology": text(table, "Pathology"),
                "height": height,
                "weight": weight,
                "bmi_class": bmi_class(height, weight),
            }
        )

    @cached_property
    def _table(self) -> pd.DataFrame:
        (path,) = self.attribute_files()
        return by_subject(read_user_table(path, TABLE), ID_COLUMN, TABLE)

    @cached_property
    def _frames(self) -> dict[str, dict[Phase, int]]:
        """Frame of each phase, from 0, of those subjects for whom the table holds two whole numbers."""
        found = pd.DataFrame({phase: frame_numbers(self._table, phase) for phase in Phase}).dropna().astype("int64")
        return {str(source_id): dict(zip(Phase, row, strict=True)) for source_id, *row in found.itertuples()}

    @cached_property
    def _cines(self) -> dict[str, _File]:
        return {file.source_id: file for file in self._files if file.phase is None}

    @cached_property
    def _files(self) -> tuple[_File, ...]:
        return tuple(_images(self._root))


def _images(root: Path) -> Iterator[_File]:
    """Every short-axis image, with its label; folders may be links."""
    paths = {path for depth in range(DEEPEST) for path in root.glob("*/" * depth + "*_sa*.nii*")}
    for path in sorted(paths):
        match = _IMAGE.fullmatch(path.name)
        if match is not None:
            stem, dot, suffix = path.name.partition(".nii")
            label = path.with_name(f"{stem}_gt{dot}{suffix}")
            phase = Phase(match["phase"].upper()) if match["phase"] else None
            yield _File(match["id"], phase, path, label if label in paths else None)
