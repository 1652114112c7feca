"""M&Ms and M&Ms-2: the Multi-Centre, Multi-Vendor and Multi-Disease Cardiac Segmentation Challenges, as published.

M&Ms has one folder a subject, ``<id>/<id>_sa.nii.gz`` and ``<id>/<id>_sa_gt.nii.gz`` (labelled at end diastole and end
systole alone), in ``Training/Labeled``, ``Training/Unlabeled``, ``Validation`` and ``Testing`` or directly below the
root; or frames that somebody has split off, ``<id>_sa_ED.nii.gz`` and ``<id>_sa_ED_gt.nii.gz``. One CSV in the root has
a row a subject.

M&Ms-2 has ``dataset/<id>/<id>_SA_ED.nii.gz`` and ``<id>_SA_ED_gt.nii.gz``, the same of ``ES``, and
``dataset_information.csv`` with the columns ``SUBJECT_CODE``, ``DISEASE``, ``VENDOR``, ``SCANNER`` and ``FIELD``. The
codes have no leading zeros there (``7`` is the folder ``007``), and the file ends in empty rows. Its long-axis images
(``_LA_``) and whole cines (``_SA_CINE``) are not read.

The columns ``ED`` and ``ES`` of M&Ms count frames from 0: nnU-Net's own conversion (``Dataset114_MNMs``) takes
``image.dataobj[..., ed]`` with the number as it stands, and the first subject's end diastole is 0. A table that
counts from 1 does not pass unnoticed: the frames that it names have no label.

Source: Campello et al. 2021, "Multi-Centre, Multi-Vendor and Multi-Disease Cardiac Segmentation: The M&Ms
Challenge", IEEE Transactions on Medical Imaging 40(12). Martin-Isla et al. 2023, "Deep Learning Segmentation of the
Right Ventricle in Cardiac MRI: The M&Ms Challenge", IEEE Journal of Biomedical and Health Informatics 27(7).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd

from faircmr.core import InvalidCohortError, Omission, Parameters
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.core.user_input import has_suffix, nifti_by_stem, read_user_table
from faircmr.sources.base import NoParameters, Rejection, SourceFiles, check_unique, no_scans_error
from faircmr.sources.demographics_table import (
    absent_columns,
    age_class,
    bmi_class,
    decoded_column,
    frame_numbers,
    index_by_subject,
    number_column,
    text_column,
)
from faircmr.sources.files import FolderWalk, check_copies

LAYOUT = (
    "files <id>_sa.nii.gz and <id>_sa_gt.nii.gz in folders <id>/ (M&Ms), or <id>_SA_ED.nii.gz, <id>_SA_ED_gt.nii.gz "
    "and the same of ES (M&Ms-2), and one CSV in the root"
)
TABLE = "the CSV of M&Ms"
ID_COLUMN = "External code"
ID_COLUMN_2, ID_WIDTH_2 = "SUBJECT_CODE", 3
"""Of M&Ms-2: the column, and the digits of its folders' names."""
SEXES = {"f": "female", "m": "male"}
COLUMNS = {
    "sex": "Sex",
    "age": "Age",
    "age_class": "Age",
    "vendor": "VendorName",
    "centre": "Centre",
    "pathology": "Pathology",
    "height": "Height",
    "weight": "Weight",
    "bmi_class": "Height",
}
"""Column of each attribute."""
COLUMNS_2 = {"vendor": "VENDOR", "pathology": "DISEASE", "scanner": "SCANNER", "field_strength": "FIELD"}
"""Those of M&Ms-2, whose table has neither sex nor age nor centre."""
DEEPEST = 3
"""Levels of folders below the root: Training/Labeled/<id>."""
_IMAGE = re.compile(r"(?P<id>.+)_sa(?:_(?P<phase>ED|ES))?", re.IGNORECASE)
_LABEL = "_gt"


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


@dataclass(frozen=True)
class _Found:
    """Short-axis images below the root.

    Attributes:
        files: Each of them.
        copies: Images or labels that are there as ``.nii`` and as ``.nii.gz``.
        others: Folders with NIfTI and no short-axis image.
        folders: Folders with NIfTI.
    """

    files: tuple[_File, ...]
    copies: int
    others: int
    folders: int

    def omissions(self) -> list[Omission]:
        """Folders whose images are not read."""
        reason = "no file in them is named <id>_sa.nii.gz, <id>_SA_ED.nii.gz or <id>_SA_ES.nii.gz"
        return [Omission("folders with NIfTI", self.others, self.folders, reason)] if self.others else []


class Mnms:
    """The M&Ms data set, or M&Ms-2.

    Attributes are ``sex`` (``female``/``male``), ``age`` (years), ``age_class``, ``vendor``, ``centre``,
    ``pathology``, ``height`` (cm), ``weight`` (kg) and ``bmi_class``; of M&Ms-2 ``vendor``, ``pathology``, ``scanner``
    and ``field_strength`` (T), and all others are missing.
    """

    parameters_type: ClassVar[type[Parameters]] = NoParameters
    label_values: Mapping[int, Structure] = MappingProxyType({1: Structure.LVBP, 2: Structure.LVM, 3: Structure.RVBP})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data set lies; nothing is read yet."""
        self._root = root
        self._walk = FolderWalk(root, DEEPEST)

    def prepare(self, own: Path) -> None:
        """Check that there are scans and one table.

        Args:
            own: Not needed: the scans are NIfTI.

        Raises:
            InvalidCohortError: There are none, or no table or several.
        """
        if not self._found.files:
            raise no_scans_error(LAYOUT)
        check_copies(self._found.copies, "source_root")
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
        found = self._found.files
        check_unique(f"{file.source_id} {file.phase}" for file in found)
        split = {(file.source_id, file.phase): ScanFiles(file.image, file.label) for file in found if file.phase}
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

    def omissions(self) -> Sequence[Omission]:
        """Cines of which frames that somebody has split off are used, and folders without a short-axis image."""
        split = {file.source_id for file in self._found.files if file.phase is not None}
        both = len(self._cines.keys() & split)
        reason = "frames of the same subjects that are files of their own are used"
        cines = [Omission("cines", both, len(self._cines), reason)] if both else []
        return [*cines, *self._found.omissions(), *self._walk.omissions("source_root")]

    def attribute_files(self) -> Sequence[Path]:
        """The CSV in the root."""
        return sorted(
            listing.path / name
            for listing in FolderWalk(self._root, 0, is_data=_is_table)
            for name in listing.files
            if _is_table(name)
        )

    def attributes(self) -> pd.DataFrame:
        """What the table says of every subject.

        Raises:
            InvalidCohortError: A subject stands there twice.
            InvalidParameterError: It cannot be read.
        """
        table = self._table
        age, height, weight = (number_column(table, name, TABLE) for name in ("Age", "Height", "Weight"))
        return pd.DataFrame(
            {
                "sex": decoded_column(table, "Sex", SEXES, TABLE),
                "age": age,
                "age_class": age_class(age),
                "vendor": text_column(table, self._columns["vendor"]),
                "centre": text_column(table, "Centre"),
                "pathology": text_column(table, self._columns["pathology"]),
                "height": height,
                "weight": weight,
                "bmi_class": bmi_class(height, weight),
                **{name: text_column(table, column) for name, column in self._columns.items() if name not in COLUMNS},
            }
        )

    def absent_columns(self) -> Mapping[str, str]:
        """Attributes that the table does not have: that of the challenge of 2020 has neither sex nor age."""
        return absent_columns(self._table, self._columns)

    @cached_property
    def _table(self) -> pd.DataFrame:
        (path,) = self.attribute_files()
        table = read_user_table(path, TABLE)
        if ID_COLUMN not in table.columns and ID_COLUMN_2 in table.columns:
            codes = table[ID_COLUMN_2].str.strip().str.zfill(ID_WIDTH_2)
            return index_by_subject(table.assign(**{ID_COLUMN_2: codes}), ID_COLUMN_2, TABLE)
        return index_by_subject(table, ID_COLUMN, TABLE)

    @property
    def _columns(self) -> Mapping[str, str]:
        """Column of each attribute in this table."""
        is_second = COLUMNS_2["vendor"] in self._table.columns and COLUMNS["vendor"] not in self._table.columns
        return {**COLUMNS, **COLUMNS_2} if is_second else COLUMNS

    @cached_property
    def _frames(self) -> dict[str, dict[Phase, int]]:
        """Frame of each phase, from 0, of those subjects for whom the table holds two whole numbers."""
        found = pd.DataFrame({phase: frame_numbers(self._table, phase) for phase in Phase}).dropna().astype("int64")
        return {str(source_id): dict(zip(Phase, row, strict=True)) for source_id, *row in found.itertuples()}

    @cached_property
    def _cines(self) -> dict[str, _File]:
        return {file.source_id: file for file in self._found.files if file.phase is None}

    @cached_property
    def _found(self) -> _Found:
        return _short_axis(self._walk)


def _short_axis(walk: FolderWalk) -> _Found:
    """Every short-axis image, with its label, sorted by path."""
    files: list[_File] = []
    others = twice = folders = 0
    for listing in walk:
        named = nifti_by_stem(listing.files)
        images = {stem: match for stem in named if (match := _IMAGE.fullmatch(stem)) is not None}
        labels = {stem.lower(): names for stem, names in named.items() if stem.lower().endswith(_LABEL)}
        folders += bool(named)
        others += bool(named) and not images
        for stem, match in sorted(images.items()):
            label = labels.get(f"{stem}{_LABEL}".lower(), ())
            twice += len(named[stem]) > 1 or len(label) > 1
            phase = Phase(match["phase"].upper()) if match["phase"] else None
            image = listing.path / named[stem][0]
            files.append(_File(match["id"], phase, image, listing.path / label[0] if label else None))
    return _Found(tuple(sorted(files, key=lambda file: file.image)), twice, others, folders)


def _is_table(name: str) -> bool:
    return has_suffix(name, ".csv")
