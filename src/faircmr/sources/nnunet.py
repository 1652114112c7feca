"""A raw data set of nnU-Net, and a table of its subjects.

``Dataset<id>_<name>/`` with ``dataset.json``, ``imagesTr/<case>_0000.nii.gz``, ``labelsTr/<case>.nii.gz`` and, if
there are some, ``imagesTs`` and ``labelsTs``; in it ``demographics.csv``, one row a subject: ``subject_id`` as in
the names of the cases, and any attributes.

A case's name says whose it is and at which phase: ``patient001_ED``, or ``patient001_frame01`` where the table's
columns ``ED`` and ``ES`` hold the numbers of the frames, as ACDC's ``Info.cfg`` does.

nnU-Net's own split can be the study's: list the subjects with ``kedro run --env nnunet --pipelines
data_engineering``, write what :func:`faircmr.sources.nnunet_format.study_splits` makes of ``splits_final.json`` and
``01_raw/key.csv`` to ``01_raw/splits.csv``, and run with ``--params split.method=from_file``.

Source: nnU-Net v2, ``documentation/dataset_format.md``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd
from pydantic import AfterValidator, Field, field_validator

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.case_names import subject_and_phase
from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.parameters import Parameters
from faircmr.core.scan import ScanFiles
from faircmr.core.structures import structure_named
from faircmr.core.user_tables import read_user_table, with_numbers
from faircmr.sources.base import Rejection, SourceFiles, check_unique, no_scans
from faircmr.sources.demographics_table import by_subject, frame_numbers
from faircmr.sources.nnunet_files import case_of, cases_of
from faircmr.sources.nnunet_format import DESCRIPTION, Description, label_values_of, read_description

LAYOUT = f"Dataset<id>_<name>/ with {DESCRIPTION}, imagesTr/<case>_0000.nii.gz and labelsTr/<case>.nii.gz"
PHASES = "names that end in _ED or _ES, or in _frameNN with columns ED and ES in the table of subjects"
StructureName = Annotated[str, AfterValidator(lambda name: structure_named(name).name)]


class NnunetParameters(Parameters):
    """How a raw data set is read.

    Attributes:
        demographics: File name of the table of subjects in the data set's folder, ``.csv`` or ``.parquet``.
        subject_column: Its column of subjects.
        case_pattern: Regular expression of a case's whole name with the groups ``subject`` and ``phase``; the
            latter matches ``ED``, ``ES`` or something with the number of a frame.
        label_names: Structure of labels that have names of their own, e.g. ``{Blutpool: LVBP}``.
        phase: Phase of the cases whose names say none, of a data set with one image a subject.
    """

    demographics: str = "demographics.csv"
    subject_column: str = "subject_id"
    case_pattern: str = r"(?P<subject>.+?)(?:_(?P<phase>ED|ES|frame\d+))?"
    label_names: dict[str, StructureName] = Field(default_factory=dict)
    phase: Phase | None = None

    @field_validator("case_pattern")
    @classmethod
    def _names_subject_and_phase(cls, value: str) -> str:
        try:
            missing = {"subject", "phase"} - re.compile(value).groupindex.keys()
        except re.error as error:
            raise ValueError(f"it is no regular expression: {error}") from None
        if missing:
            raise ValueError(f"it has no group (?P<{min(missing)}>...)")
        return value


class NnunetRaw:
    """A raw data set of nnU-Net; attributes are the columns of its table of subjects."""

    parameters_type: ClassVar[type[Parameters]] = NnunetParameters

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data set lies; nothing is read yet.

        Raises:
            InvalidParameterError: The parameters are of another source.
        """
        if not isinstance(parameters, NnunetParameters):
            raise InvalidParameterError("cohort parameters", type(parameters).__name__, "those of nnU-Net's folders")
        self._root, self._parameters = root, parameters

    @property
    def label_values(self) -> Mapping[int, Structure]:
        """Structure that each value of the labels stands for, by the names in ``dataset.json``."""
        return label_values_of(self._description.labels, self._parameters.label_names)

    def prepare(self, own: Path) -> None:
        """Check the description, and that there are images and a table of subjects.

        Args:
            own: Not needed: the scans are NIfTI.

        Raises:
            InvalidCohortError: There is no data set, or several; a label's name is unknown or stands for a
                region; a file is missing or damaged.
        """
        if not self.label_values or not self._cases:
            raise no_scans(LAYOUT)
        if not self._table_path.is_file():
            raise InvalidCohortError(
                "the table of subjects",
                f"no file {self._parameters.demographics!r}",
                f"one row a subject: {self._parameters.subject_column} and attributes",
                f"write it beside {DESCRIPTION}, or set cohort.parameters.demographics",
            )

    def scan_files(self) -> SourceFiles:
        """Image and label of every case that is at end diastole or end systole.

        Raises:
            InvalidCohortError: A name cannot be read, a scan lies there twice, or no name says its phase.
            InvalidParameterError: The table of subjects cannot be read.
        """
        files = [((subject, phase), case) for case, (subject, phase) in self._named.items() if phase is not None]
        if not files:
            raise InvalidCohortError(
                "cases", f"none of {len(self._named)} says its phase", PHASES, "set case_pattern or phase"
            )
        check_unique(f"{subject} {phase}" for (subject, phase), _ in files)
        return dict(files)

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects none of whose cases is at end diastole or end systole."""
        used = {subject for subject, phase in self._named.values() if phase is not None}
        reason = f"no case says its phase: {PHASES}"
        return {name: Rejection(case.image, reason) for case, (name, _) in self._named.items() if name not in used}

    def attribute_files(self) -> Sequence[Path]:
        """Description and table of subjects."""
        return [self._folder / DESCRIPTION, self._table_path]

    def attributes(self) -> pd.DataFrame:
        """Columns of the table of subjects; those that hold nothing but numbers as numbers.

        Raises:
            InvalidCohortError: A subject stands there twice.
            InvalidParameterError: It cannot be read.
        """
        return with_numbers(self._table.drop(columns=[*Phase], errors="ignore"), text=())

    @cached_property
    def _folder(self) -> Path:
        if (self._root / DESCRIPTION).is_file():
            return self._root
        found = sorted(path.parent for path in self._root.glob(f"Dataset*/{DESCRIPTION}"))
        if len(found) > 1:
            raise InvalidCohortError("source_root", f"{len(found)} data sets", "one data set", "set it to one of them")
        if not found:
            raise no_scans(LAYOUT)
        return found[0]

    @cached_property
    def _description(self) -> Description:
        return read_description(self._folder / DESCRIPTION)

    @property
    def _table_path(self) -> Path:
        return self._folder / self._parameters.demographics

    @cached_property
    def _table(self) -> pd.DataFrame:
        table = read_user_table(self._table_path, "the table of subjects")
        return by_subject(table, self._parameters.subject_column, "the table of subjects")

    @cached_property
    def _cases(self) -> tuple[ScanFiles, ...]:
        return tuple(cases_of(self._folder, self._description.file_ending))

    @cached_property
    def _named(self) -> dict[ScanFiles, tuple[str, Phase | None]]:
        return {case: self._subject_and_phase(case.image.name) for case in self._cases}

    def _subject_and_phase(self, name: str) -> tuple[str, Phase | None]:
        case = case_of(name, self._description.file_ending)
        subject, said = subject_and_phase(case, self._parameters.case_pattern)
        if said.upper() in Phase.__members__:
            return subject, Phase(said.upper())
        number = re.sub(r"\D", "", said)
        return subject, self._phases.get((subject, int(number))) if number else self._parameters.phase

    @cached_property
    def _phases(self) -> dict[tuple[str, int], Phase]:
        """Phase of each frame that the table numbers."""
        known = {phase: frame_numbers(self._table, phase).dropna() for phase in Phase}
        return {(str(subject), int(frame)): phase for phase in Phase for subject, frame in known[phase].items()}
