"""Unlabelled scans: cines read one frame at a time, predictions for them, and what was left out."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidScanError, InvalidScoresError, Omission, Parameters, log_omissions
from faircmr.core.scans.anatomy import Phase
from faircmr.core.scans.cohort import Geometry, LabelImage, Scan
from faircmr.core.scans.structures import FrameVolumes


class PredictParameters(Parameters):
    """The parameters ``predict``.

    Attributes:
        keep: Which label images of a cine are written; volumes are tabulated of every frame in any case.
    """

    keep: Literal["ed_es", "all_frames"] = "ed_es"


class SubjectRecord(Parameters):
    """Every frame of one subject, or why there is none.

    Attributes:
        subject_id: Study key.
        frames: In the order of the cycle; empty where the subject could not be predicted.
        saved: Positions in ``frames`` whose label image is kept.
        problem: Why the subject could not be predicted; empty where it was.
    """

    subject_id: str
    frames: tuple[FrameVolumes, ...] = ()
    saved: tuple[int, ...] = ()
    problem: str = ""

    @property
    def without_phases(self) -> bool:
        """Whether this is a cine in which ED and ES could not be told."""
        return len(self.frames) > 1 and all(one.phase is None for one in self.frames)


class SavedFrame(NamedTuple):
    """Names one label image: ``("sub-0001", "ED")``; see :attr:`FrameVolumes.name`."""

    subject_id: str
    name: str


class FrameLabel(NamedTuple):
    """A label image, shape (slices, rows, columns), and the source's own grid."""

    label: LabelImage
    geometry: Geometry


@dataclass(frozen=True)
class SegmentedSubject:
    """A subject that has been predicted.

    Attributes:
        record: What was found.
        labels: Label images of the frames in ``record.saved``, in that order.
    """

    record: SubjectRecord
    labels: tuple[FrameLabel, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class PendingSubject:
    """A subject that is segmented when it is asked for, and not at all where nothing has changed.

    Attributes:
        subject_id: Study key.
        fingerprint: Changes when the scan, the models or the way to predict change.
        segment: Does it.
    """

    subject_id: str
    fingerprint: str
    segment: Callable[[], SegmentedSubject] = field(repr=False)


class CinePredictions(Protocol):
    """Predictions of a folder: records of all subjects, and label images read one at a time."""

    @property
    def records(self) -> Mapping[str, SubjectRecord]:
        """By study key."""

    def __getitem__(self, key: SavedFrame, /) -> FrameLabel: ...

    def __iter__(self) -> Iterator[SavedFrame]: ...

    def __len__(self) -> int: ...


LEFT_OUT_TYPES: dict[str, str] = {"key": "str", "what": "str", "count": "int64", "reason": "str"}
"""One row a file or subject that was left out, or a count of things that have no key."""
FILES, SUBJECTS = "files", "subjects"
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LeftOut:
    """A file that was left out, or several things that are counted together.

    Attributes:
        what: Which things, in the plural: ``files``, ``symbolic links``.
        reason: Why, without the name of a file.
        key: Key of the file in ``01_raw/predict_key.csv``; ``None`` where things are only counted.
        count: How many; 1 where there is a key.
    """

    what: str
    reason: str
    key: str | None = None
    count: int = 1


def tabulate_left_out(left_out: Iterable[LeftOut], records: Mapping[str, SubjectRecord], files: int) -> pd.DataFrame:
    """Everything of a folder that was left out; files are counted in the log by reason.

    Args:
        left_out: Files that were not taken, and what was only counted.
        records: Predictions by study key; a subject with a problem is left out too.
        files: NIfTI files in the folder, those among them.

    Returns:
        ``key`` (``file-0001`` of a file, ``new-0001`` of a subject; missing for a count), ``what`` (``files``,
        ``subjects``, ...), ``count`` and ``reason``.
    """
    found = list(left_out)
    log_omissions(logger, _omissions(found, files))
    subjects = [LeftOut(SUBJECTS, one.problem, one.subject_id) for one in records.values() if one.problem]
    rows = [(one.key, one.what, one.count, one.reason) for one in (*found, *subjects)]
    return pd.DataFrame(rows, columns=list(LEFT_OUT_TYPES)).astype(LEFT_OUT_TYPES)


def validate_left_out(left_out: pd.DataFrame) -> pd.DataFrame:
    """Check the list of what was left out.

    Args:
        left_out: Columns of :data:`LEFT_OUT_TYPES`.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidCohortError: Names the column, what was expected and in how many rows it fails.
    """
    # pandera takes half a second to import, which a run that finds nothing to do does not have
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    tested = {"what": checks.FILLED, "reason": checks.FILLED, "count": checks.NOT_NEGATIVE}
    columns = {
        **checks.required_columns(LEFT_OUT_TYPES, tested),
        "key": Column("str", coerce=True, nullable=True),
    }
    return checks.check_table("left_out", left_out, checks.table_schema(columns, []), InvalidCohortError)


def _omissions(left_out: Iterable[LeftOut], files: int) -> list[Omission]:
    counts: Counter[tuple[str, str, bool]] = Counter()
    for one in left_out:
        counts[one.what, one.reason, one.key is not None] += one.count
    return [
        Omission(what, count, files if is_nifti else None, reason) for (what, reason, is_nifti), count in counts.items()
    ]


LOOK_UP_CINE = "mend or remove the scan that 01_raw/predict_key.csv lists under this key"


@dataclass(frozen=True)
class Frame:
    """One frame of a subject.

    Attributes:
        index: Place in the cardiac cycle, from 0; ``None`` for a frame that stands alone.
        phase: Phase that the file's name states, or ``None``.
        scan: Image and grid, without a label.
    """

    index: int | None
    phase: Phase | None
    scan: Scan = field(repr=False)


@dataclass(frozen=True)
class UnlabelledScans:
    """Scans of a folder by study key.

    Attributes:
        fingerprints: Of each subject; changes when a file of the subject changes.
        readers: Reads the frames of each subject, one in memory at a time; never shown.
        left_out: Files that are of no subject, and what else the folder holds.
        files: NIfTI files in the folder, those that are left out among them.
    """

    fingerprints: Mapping[str, str]
    readers: Mapping[str, Callable[[], Iterator[Frame]]] = field(repr=False)
    left_out: tuple[LeftOut, ...] = ()
    files: int = 0

    def frames(self, subject_id: str) -> Iterator[Frame]:
        """Frames of one subject in the order of the cycle; each is read when it is asked for.

        Raises:
            InvalidCohortError: There is no such subject.
            InvalidScanError: A file cannot be used; names the study key. Damage at the end of a
                compressed file shows only there, after its frames.
        """
        if subject_id not in self.readers:
            raise InvalidCohortError(subject_id, "no such scan", "a subject of this folder")
        try:
            yield from self.readers[subject_id]()
        except InvalidScanError as error:
            raise InvalidScanError(subject_id, error.value, error.permitted, error.remedy or LOOK_UP_CINE) from None


VOLUME_TYPES: dict[str, str] = {
    "subject_id": "str",
    "frame": "Int64",
    "phase": "str",
    "lvbp_ml": "float64",
    "lvm_ml": "float64",
    "rvbp_ml": "float64",
    "problem": "str",
}
"""One row a frame, or one a subject that could not be predicted; all but ``subject_id`` may be missing."""
WHICH_FILES = "01_raw/predict_key.csv says which files"


def tabulate_volumes(records: Mapping[str, SubjectRecord]) -> pd.DataFrame:
    """Volumes of every frame of every subject, and the subjects that could not be predicted.

    Args:
        records: By study key.

    Returns:
        One row a frame: ``subject_id``, ``frame`` (from 0; missing for a frame that stands alone),
        ``phase`` (``ED``, ``ES`` or missing), ``lvbp_ml``, ``lvm_ml``, ``rvbp_ml`` (missing where the study
        does not have the structure), ``problem`` (missing). A subject that could not be predicted has one
        row with nothing but its ``problem``.

    Raises:
        InvalidCohortError: Not one subject could be predicted.
    """
    problems = {one.subject_id: one.problem for one in records.values() if one.problem}
    _log_problems(records, problems)
    rows = [
        {"subject_id": one.subject_id, **frame, "problem": one.problem or None}
        for one in records.values()
        for frame in [frame.model_dump(mode="json") for frame in one.frames] or [{}]
    ]
    return pd.DataFrame(rows, columns=list(VOLUME_TYPES)).astype(VOLUME_TYPES)


def _log_problems(records: Mapping[str, SubjectRecord], problems: Mapping[str, str]) -> None:
    if problems and len(problems) == len(records):
        first, problem = next(iter(problems.items()))
        raise InvalidCohortError(
            "predict_root", f"none of {len(records)} subjects can be predicted", f"{first}: {problem}", WHICH_FILES
        )
    for subject_id, problem in problems.items():
        logger.warning("%s is left out: %s", subject_id, problem)
    if problems:
        logger.warning("%d of %d subjects are left out; %s", len(problems), len(records), WHICH_FILES)
    unclear = [one.subject_id for one in records.values() if one.without_phases]
    if unclear:
        logger.warning(
            "%d of %d subjects have no ED and ES, because no two frames show a left ventricle of different size: %s",
            len(unclear),
            len(records),
            ", ".join(unclear),
        )


def validate_volumes(volumes: pd.DataFrame) -> pd.DataFrame:
    """Check a table of volumes.

    Args:
        volumes: Columns of :data:`VOLUME_TYPES`; volumes in millilitres.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidScoresError: Names the column, what was expected and in how many rows it fails.
    """
    # pandera takes half a second to import, which a run that finds nothing to do does not have
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    numbers = {name: checks.NOT_NEGATIVE for name, kind in VOLUME_TYPES.items() if kind in {"Int64", "float64"}}
    tested = {**numbers, "phase": checks.one_of(Phase)}
    columns = {
        name: Column(kind, tested.get(name), coerce=True, nullable=name != "subject_id")
        for name, kind in VOLUME_TYPES.items()
    }
    unique = ["subject_id", "frame", "phase"]
    return checks.check_table("volumes", volumes, checks.table_schema(columns, unique), InvalidScoresError)
