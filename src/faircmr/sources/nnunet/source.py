"""A raw data set of nnU-Net with a table of its subjects, and what its labels mean.

Source: nnU-Net v2, ``documentation/dataset_format.md``, ``ignore_label.md`` and ``region_based_training.md``.

``Dataset<id>_<name>/`` with ``dataset.json``, ``imagesTr/<case>_0000.nii.gz``, ``labelsTr/<case>.nii.gz`` and, if
there are some, ``imagesTs`` and ``labelsTs``; in it ``demographics.csv``, one row a subject: ``subject_id`` as in
the names of the cases, and any attributes.

A case's name says whose it is and at which phase: ``patient001_ED``, or ``patient001_frame01`` where the table's
columns ``ED`` and ``ES`` hold the numbers of the frames, as ACDC's ``Info.cfg`` does.

nnU-Net's own split can be the study's: list the subjects with ``kedro run --env nnunet --pipelines
data_engineering``, write what :func:`faircmr.sources.nnunet.files.study_splits` makes of ``splits_final.json`` and
``01_raw/key.csv`` to ``01_raw/splits.csv``, and run with ``--params split.method=from_file``.

Source: nnU-Net v2, ``documentation/dataset_format.md``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, ClassVar

import pandas as pd
from pydantic import AfterValidator, Field, field_validator

from faircmr.core import InvalidCohortError, InvalidParameterError, Omission, Parameters, Words
from faircmr.core.scans import HIGHEST_VALUE, LabelValues, NoStructure, Phase, ScanFiles, Structure, structure_named
from faircmr.core.user_input import (
    GivenPath,
    MissingWords,
    infer_column_types,
    named,
    read_user_table,
    subject_and_phase,
)
from faircmr.sources import (
    FolderWalk,
    Rejection,
    SourceFiles,
    check_unique,
    frame_numbers,
    index_by_subject,
    no_scans_error,
)
from faircmr.sources.nnunet.files import (
    BACKGROUND,
    DESCRIPTION,
    Description,
    NnunetFiles,
    find_cases,
    find_descriptions,
    read_description,
)

LEFT_OUT, IGNORE = "left_out", "ignore"
NO_STRUCTURES: Mapping[str, NoStructure] = {LEFT_OUT: NoStructure.LEFT_OUT, IGNORE: NoStructure.UNANNOTATED}
"""What ``label_names`` can say of a label that is not a structure of the study."""
KNOWN_NAMES: Mapping[str, Structure] = {
    **dict.fromkeys(
        ("lvbp", "lv", "lvc", "lvcavity", "lvbloodpool", "leftventricle", "leftventricularcavity"), Structure.LVBP
    ),
    **dict.fromkeys(
        ("lvm", "myo", "mlv", "lvmyo", "lvmyocardium", "myocardium", "leftventricularmyocardium"), Structure.LVM
    ),
    **dict.fromkeys(
        ("rvbp", "rv", "rvc", "rvcavity", "rvbloodpool", "rightventricle", "rightventricularcavity"), Structure.RVBP
    ),
}
"""Names of labels, letters alone and in lower case: those of nnU-Net's own conversions of ACDC (``RV``, ``MLV``,
``LVC``) and M&Ms (``LVBP``, ``LVM``, ``RV``), and others in use."""
Labels = Mapping[str, int | list[int]]


@dataclass(frozen=True)
class NnunetLabels:
    """Labels of a data set.

    Attributes:
        values: Meaning of each value but 0.
        left_out: Names of the labels that are left out, in the order of ``dataset.json``.
        total: Labels in ``dataset.json``, without the background.
    """

    values: LabelValues
    left_out: tuple[str, ...]
    total: int

    @classmethod
    def of(cls, labels: Labels, own_names: Mapping[str, str], left_out: Collection[str] = ()) -> NnunetLabels:
        """Read the labels of ``dataset.json``.

        Args:
            labels: Value of each label, or values of a region, by name.
            own_names: Structure, ``left_out`` or ``ignore`` for names of labels that are not in :data:`KNOWN_NAMES`, or
                mean something else.
            left_out: Further names that are left out.

        Raises:
            InvalidCohortError: A label has an unknown name, or the value or the structure of another; no label is a
                structure.
            InvalidParameterError: A name that is given a meaning is not in ``dataset.json``.
        """
        foreground = {
            name: value for name, value in labels.items() if name.lower() != BACKGROUND or value not in (0, [0])
        }
        meanings = _meanings(foreground, {**own_names, **dict.fromkeys(left_out, LEFT_OUT)})
        values: dict[int, Structure | NoStructure] = {}
        for name, meaning in meanings.items():
            if meaning is not NoStructure.LEFT_OUT:
                _check(name, foreground[name], meaning, values)
                values |= dict.fromkeys(_listed(foreground[name]), meaning)
        if not any(isinstance(meaning, Structure) for meaning in values.values()):
            raise InvalidCohortError(
                DESCRIPTION, "no label is a structure", f"at least one of {', '.join(Structure.__members__)}"
            )
        omitted = tuple(name for name, meaning in meanings.items() if meaning is NoStructure.LEFT_OUT)
        for value in (value for name in omitted for value in _listed(foreground[name]) if 0 < value <= HIGHEST_VALUE):
            # a region that is left out may hold values of structures, which stay structures
            values.setdefault(value, NoStructure.LEFT_OUT)
        return cls(values, omitted, len(foreground))

    def omissions(self) -> Sequence[Omission]:
        """Labels that are left out, by name."""
        named = f"{', '.join(self.left_out)} (left out by name)"
        of = Omission("labels", len(self.left_out), self.total, named, outcome="treated as background")
        return [of] if self.left_out else []


def _meanings(labels: Labels, own: Mapping[str, str]) -> dict[str, Structure | NoStructure]:
    """Meaning of each label."""
    if foreign := [name for name in own if name not in labels]:
        raise InvalidParameterError(
            "cohort.parameters.label_names or labels_left_out",
            ", ".join(map(repr, foreign)),
            f"labels of {DESCRIPTION}: {', '.join(map(repr, labels))}",
            "correct the name",
        )
    # nnU-Net knows its ignore label by this very name
    said = {name: own.get(name, IGNORE if name == IGNORE else "") for name in labels}
    found = {name: _meaning(name, word) for name, word in said.items()}
    if unknown := [name for name, meaning in found.items() if meaning is None]:
        raise _unknown(unknown)
    return {name: meaning for name, meaning in found.items() if meaning is not None}


def _meaning(name: str, word: str) -> Structure | NoStructure | None:
    if word:
        return NO_STRUCTURES[word] if word in NO_STRUCTURES else Structure[word]
    return KNOWN_NAMES.get(re.sub(r"[^a-z]", "", name.lower()))


def _unknown(names: Sequence[str]) -> InvalidCohortError:
    shown = ", ".join(map(repr, names))
    example = ", ".join(f"{name}: {LEFT_OUT}" for name in names)
    return InvalidCohortError(
        DESCRIPTION,
        f"label {shown}" if len(names) == 1 else f"labels {shown}",
        f"names such as {', '.join(KNOWN_NAMES)}",
        f"leave out what is no structure of the study (--params labels_left_out={'+'.join(names)}, or in "
        f"conf/<env>/catalog.yml cohort.parameters.label_names: {{{example}}}), or say there which of "
        f"{', '.join(Structure.__members__)} it is",
    )


def _check(
    name: str, value: int | list[int], meaning: Structure | NoStructure, taken: Mapping[int, Structure | NoStructure]
) -> None:
    values = _listed(value)
    if meaning is NoStructure.UNANNOTATED and isinstance(value, list):
        raise InvalidCohortError(DESCRIPTION, f"label {name!r} of values {value}", "one value for voxels to ignore")
    if not values or meaning in taken.values() or any(one in taken or not 0 < one <= HIGHEST_VALUE for one in values):
        raise InvalidCohortError(
            DESCRIPTION,
            f"label {name!r} of value {value}",
            f"each structure and each value in 1..{HIGHEST_VALUE} once",
            f"leave out one that overlaps with others: cohort.parameters.label_names: {{{name}: {LEFT_OUT}}}",
        )


def _listed(value: int | list[int]) -> list[int]:
    return value if isinstance(value, list) else [value]


LAYOUT = f"Dataset<id>_<name>/ with {DESCRIPTION}, imagesTr/<case>_0000.nii.gz and labelsTr/<case>.nii.gz"
PHASES = "names that end in _ED or _ES, or in _frameNN with columns ED and ES in the table of subjects"


def _label_meaning(name: str) -> str:
    if name in NO_STRUCTURES:
        return name
    try:
        return structure_named(name).name
    except ValueError as error:
        raise ValueError(f"{error}, {', '.join(NO_STRUCTURES)}") from None


LabelMeaning = Annotated[str, AfterValidator(_label_meaning)]
"""Name of a structure, ``left_out`` or ``ignore``."""


class NnunetParameters(Parameters):
    """How a raw data set is read.

    Attributes:
        demographics: File name of the table of subjects in the data set's folder, ``.csv`` or ``.parquet``.
        subject_column: Its column of subjects.
        case_pattern: Regular expression of a case's whole name with the groups ``subject`` and ``phase``; the
            latter matches ``ED``, ``ES`` or something with the number of a frame.
        label_names: Structure of labels that have names of their own, e.g. ``{Blutpool: LVBP}``; ``left_out`` where a
            label counts as background, ``ignore`` for voxels that nobody has annotated, if it is not called so.
        labels_left_out: Names of further labels that are left out; on the command line ``LA+RA``.
        phase: Phase of the cases whose names say none, of a data set with one image a subject.
        missing: Further words of the table that mean missing, such as ``unknown`` or ``999``.
        not_missing: Missing-value words that are values of the table, such as a group that is called ``NA``.
    """

    demographics: GivenPath = "demographics.csv"
    subject_column: str = "subject_id"
    case_pattern: str = r"(?P<subject>.+?)(?:_(?P<phase>ED|ES|frame\d+))?"
    label_names: dict[str, LabelMeaning] = Field(default_factory=dict)
    labels_left_out: Words = ()
    phase: Phase | None = None
    missing: Words = ()
    not_missing: Words = ()

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
    def label_values(self) -> LabelValues:
        """Meaning of each value of the labels, by the names in ``dataset.json``."""
        return self._labels.values

    def prepare(self, own: Path) -> None:
        """Check the description, and that there are images and a table of subjects.

        Args:
            own: Not needed: the scans are NIfTI.

        Raises:
            InvalidCohortError: There is no data set, or several; a label's name is unknown, or no label is a structure;
                a file is missing or damaged.
        """
        if not self.label_values or not self._files.cases:
            raise no_scans_error(LAYOUT)
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
                "cases",
                f"none of {len(self._named)} says its phase",
                PHASES,
                "set cohort.parameters.case_pattern or cohort.parameters.phase in conf/<env>/catalog.yml",
            )
        check_unique(f"{subject} {phase}" for (subject, phase), _ in files)
        return dict(files)

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects none of whose cases is at end diastole or end systole."""
        used = {subject for subject, phase in self._named.values() if phase is not None}
        reason = f"no case says its phase: {PHASES}"
        return {name: Rejection(case.image, reason) for case, (name, _) in self._named.items() if name not in used}

    def omissions(self) -> Sequence[Omission]:
        """Labels left out, cases that are neither ED nor ES of subjects who have such cases, and files of no case."""
        used = {subject for subject, phase in self._named.values() if phase is not None}
        others = sum(phase is None and subject in used for subject, phase in self._named.values())
        reason = f"neither ED nor ES: {PHASES}"
        unused = [Omission("cases", others, len(self._named), reason)] if others else []
        return [*self._labels.omissions(), *unused, *self._files.omissions]

    def attribute_files(self) -> Sequence[Path]:
        """Description and table of subjects."""
        return [self._description_path, self._table_path]

    def attributes(self) -> pd.DataFrame:
        """Columns of the table of subjects; those that hold nothing but plain numbers as numbers, all others as text.

        A column such as ``058Y`` is text here, and refused where a study takes it for a covariate.

        Raises:
            InvalidCohortError: A subject stands there twice.
            InvalidParameterError: It cannot be read.
        """
        words = MissingWords.of(self._parameters.missing, self._parameters.not_missing)
        return infer_column_types(self._table.drop(columns=[*Phase], errors="ignore"), words=words)

    @cached_property
    def _description_path(self) -> Path:
        found = find_descriptions(self._root, DESCRIPTION)
        if len(found) > 1:
            raise InvalidCohortError("source_root", f"{len(found)} data sets", "one data set", "set it to one of them")
        if not found:
            raise no_scans_error(LAYOUT)
        return found[0]

    @property
    def _folder(self) -> Path:
        return self._description_path.parent

    @cached_property
    def _labels(self) -> NnunetLabels:
        given = self._parameters
        return NnunetLabels.of(self._description.labels, given.label_names, given.labels_left_out)

    @cached_property
    def _description(self) -> Description:
        return read_description(self._description_path)

    @cached_property
    def _table_path(self) -> Path:
        """The table of subjects; the name that the parameter gives may be there in another case."""
        path = self._folder / self._parameters.demographics
        found = named((name for listing in FolderWalk(path.parent, 0) for name in listing.files), path.name)
        return path.parent / found[0] if len(found) == 1 else path

    @cached_property
    def _table(self) -> pd.DataFrame:
        table = read_user_table(self._table_path, "the table of subjects")
        return index_by_subject(table, self._parameters.subject_column, "the table of subjects")

    @cached_property
    def _files(self) -> NnunetFiles:
        return find_cases(self._folder)

    @cached_property
    def _named(self) -> dict[ScanFiles, tuple[str, Phase | None]]:
        return {files: self._subject_and_phase(case) for case, files in self._files.cases}

    def _subject_and_phase(self, case: str) -> tuple[str, Phase | None]:
        subject, said = subject_and_phase(case, self._parameters.case_pattern, "cohort.parameters.case_pattern")
        if said.upper() in Phase.__members__:
            return subject, Phase(said.upper())
        number = re.sub(r"\D", "", said)
        return subject, self._phases.get((subject, int(number))) if number else self._parameters.phase

    @cached_property
    def _phases(self) -> dict[tuple[str, int], Phase]:
        """Phase of each frame that the table numbers."""
        known = {phase: frame_numbers(self._table, phase).dropna() for phase in Phase}
        return {(str(subject), int(frame)): phase for phase in Phase for subject, frame in known[phase].items()}
