"""The protocol ``Source`` of a data set, and ``build_cohort``, which makes a cohort of a source."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import pandas as pd

from faircmr.core import InvalidCohortError, Omission, Parameters, json_digest, log_omissions, with_display_names
from faircmr.core.scans import Cohort, LabelValues, Phase, ScanFiles, ScanKey
from faircmr.core.study import DEFAULT_READING, QUARANTINE_COLUMNS, ReadingParameters
from faircmr.core.user_input import count_lost_zeros
from faircmr.sources.nifti import read_scan

FileState = tuple[int, int] | None


def scan_fingerprint(files: ScanFiles) -> str:
    """Digest of size and modification time of the files of one scan.

    Paths stay out of it: with them a short source id could be found by trying all.
    """
    label = file_state(files.label) if files.label is not None else "unlabelled"
    return json_digest([file_state(files.image), label, files.frame])


def file_state(path: Path) -> FileState:
    """Size and modification time in nanoseconds; ``None`` for a file that is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def file_states_below(paths: Iterable[Path], root: Path) -> list[tuple[str, FileState]]:
    """State of each file with its path below ``root``, in a fixed order."""
    return sorted((path_below(path, root), file_state(path)) for path in set(paths))


def path_below(path: Path, root: Path) -> str:
    """Path below ``root`` with forward slashes; the whole path of a file that lies elsewhere."""
    # as text: pathlib's own way takes a third of the time of listing a large cohort
    return path.as_posix().removeprefix(f"{root.as_posix()}/")


SourceFiles = Mapping[tuple[str, Phase], ScanFiles]
"""Files of every scan, by source id and phase."""


class NoParameters(Parameters):
    """Parameters of a source that has none."""


@dataclass(frozen=True)
class Rejection:
    """A subject whose files no scan could be made of.

    Attributes:
        path: The first of them; never shown.
        reason: What is wrong with them, what is permitted and what to do, without any name.
    """

    path: Path
    reason: str


class Source(Protocol):
    """One data set on disk.

    Listing opens no image: a source says where scans lie, and ``sources.nifti`` reads them.

    Attributes:
        parameters_type: Model of the source's own parameters.
    """

    parameters_type: ClassVar[type[Parameters]]

    def __init__(self, root: Path, parameters: Parameters) -> None: ...

    @property
    def label_values(self) -> LabelValues:
        """Meaning of each value of the source's label images: a structure, or why it is none; 0 is background."""

    def prepare(self, own: Path) -> None:
        """Make the data ready to be listed.

        Args:
            own: Folder of the study in which a source keeps what it must make of the raw files, which
                themselves are never touched.

        Raises:
            InvalidCohortError: The folder is empty or holds another layout.
        """

    def scan_files(self) -> SourceFiles:
        """Where every scan lies.

        Raises:
            InvalidCohortError: A subject is listed twice, or incompletely.
        """

    def rejected(self) -> Mapping[str, Rejection]:
        """Subjects that are there and have no scans, by source id; none of :meth:`scan_files` is among them."""

    def omissions(self) -> Sequence[Omission]:
        """What the source has found and left out, besides those of :meth:`rejected`: files, rows, values, subjects.

        No reason names a person or a file. Read after :meth:`scan_files` and :meth:`attributes`; a source need not log
        them.
        """

    def attribute_files(self) -> Sequence[Path]:
        """Files from which :meth:`attributes` is read."""

    def attributes(self) -> pd.DataFrame:
        """What is known of the subjects: one row a subject, index ``source_id``, missing as NA.

        Raises:
            InvalidCohortError: A subject is listed twice.
        """


@runtime_checkable
class NamesAbsentColumns(Protocol):
    """A source that may also say which columns its table of subjects lacks."""

    def absent_columns(self) -> Mapping[str, str]:
        """Attributes that are missing for all subjects, each with the column that the table lacks."""


def check_unique(source_ids: Iterable[str]) -> None:
    """Refuse a list of subjects in which an id stands twice.

    Raises:
        InvalidCohortError: Says how many ids stand twice, never which.
    """
    repeated = sum(count > 1 for count in Counter(source_ids).values())
    if repeated:
        raise InvalidCohortError(
            "subject ids", f"{repeated} duplicated", "each subject once", "remove the duplicates from source_root"
        )


def no_scans_error(expected: str) -> InvalidCohortError:
    """The error of a source folder that holds no scan of the expected layout."""
    return InvalidCohortError(
        "source_root", "no scans found there", expected, "set source_root to the data set's folder"
    )


logger = logging.getLogger(__name__)


def build_cohort(
    source: Source, key: pd.DataFrame, readers: int = 1, reading: ReadingParameters = DEFAULT_READING
) -> Cohort:
    """Name every subject by its study key and forget the source ids.

    Args:
        source: A prepared source.
        key: Columns ``subject_id`` and ``source_id``; holds every subject of the source, also the rejected.
        readers: Scans that may be read at the same time.
        reading: What is believed of the headers of scans.

    Returns:
        The cohort, whose attributes of text are names as they are shown; its images are read later.

    Raises:
        InvalidCohortError: There are no scans, or a subject is listed twice.
    """
    keys = dict(zip(key["source_id"], key["subject_id"], strict=True))
    files = {(keys[source_id], phase): scan for (source_id, phase), scan in source.scan_files().items()}
    rejected = pd.DataFrame(
        [(keys[source_id], pd.NA, one.reason) for source_id, one in sorted(source.rejected().items())],
        columns=list(QUARANTINE_COLUMNS),
        dtype="str",
    )
    if not files:
        log_omissions(logger, source.omissions())
        raise _no_subject_left(rejected)
    attributes, present = source.attributes(), {*(subject_id for subject_id, _ in files), *rejected["subject_id"]}
    _check_leading_zeros(attributes, key)
    ordered = {scan: files[scan] for scan in sorted(files)}
    return Cohort(
        subjects=_subject_table(attributes, keys, present),
        scans=_scan_table(ordered),
        files=ordered,
        read_files=partial(read_scan, label_values=source.label_values, reading=reading),
        readers=readers,
        rejected=rejected,
        omissions=(*source.omissions(), *_without_scan_omissions(attributes, keys, present)),
        absent_columns=source.absent_columns() if isinstance(source, NamesAbsentColumns) else {},
    )


def first_paths(files: SourceFiles, rejected: Mapping[str, Rejection], root: Path) -> dict[str, str]:
    """Path of each subject's first file below the source root, by source id; of the rejected too."""
    paths = {source_id: path_below(one.path, root) for source_id, one in rejected.items()}
    # the last that is set stands: the first phase
    for phase in reversed(Phase):
        paths |= {source_id: path_below(scan.image, root) for (source_id, of), scan in files.items() if of is phase}
    return paths


def _no_subject_left(rejected: pd.DataFrame) -> InvalidCohortError:
    if rejected.empty:
        return no_scans_error("at least one scan")
    first = rejected.iloc[0]
    found = f"none of {len(rejected)} subjects can be used (first: {first['subject_id']}: {first['reason']})"
    return InvalidCohortError("source_root", found, "at least one scan", "01_raw/key.csv says where they lie")


def _subject_table(attributes: pd.DataFrame, keys: Mapping[str, str], present: set[str]) -> pd.DataFrame:
    study_keys = attributes.index.map(keys)
    subjects = attributes.set_axis(study_keys)[study_keys.isin(present)].reindex(sorted(present))
    subjects.index.name = "subject_id"
    return with_display_names(subjects).reset_index()


def _check_leading_zeros(attributes: pd.DataFrame, key: pd.DataFrame) -> None:
    """Refuse a table of subjects whose ids have lost zeros: its subjects would have scans and no attributes."""
    if zeros := count_lost_zeros(key["source_id"], attributes.index):
        raise InvalidCohortError(
            "the table of subjects",
            f"{zeros} of {len(key)} subjects with scans are in it with more or fewer zeros in front of their ids",
            "the same ids in the table and in the names of files and folders",
            "restore the zeros that a spreadsheet has removed: export the column of ids as text",
        )


def _without_scan_omissions(attributes: pd.DataFrame, keys: Mapping[str, str], present: set[str]) -> list[Omission]:
    others = int((~attributes.index.map(keys).isin(present)).sum())
    return [Omission("subjects with attributes", others, len(attributes), "no scan")] if others else []


def _scan_table(files: Mapping[ScanKey, ScanFiles]) -> pd.DataFrame:
    rows = [
        (subject_id, str(phase), scan.label is not None, scan_fingerprint(scan))
        for (subject_id, phase), scan in files.items()
    ]
    return pd.DataFrame(rows, columns=["subject_id", "phase", "labelled", "fingerprint"])
