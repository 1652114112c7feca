"""From a source and its study keys to a cohort."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.cohort import Cohort, ScanKey
from faircmr.core.errors import InvalidCohortError
from faircmr.core.omissions import Omission, log_omissions
from faircmr.core.quarantine import COLUMNS
from faircmr.core.reading import DEFAULT_READING, ReadingParameters
from faircmr.core.scan import ScanFiles
from faircmr.core.shown_names import shown_table
from faircmr.core.table_values import lost_zeros
from faircmr.sources.base import NamesAbsentColumns, Rejection, Source, SourceFiles, no_scans
from faircmr.sources.fingerprints import located, scan_fingerprint
from faircmr.sources.nifti import read_scan

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
        columns=list(COLUMNS),
        dtype="str",
    )
    if not files:
        log_omissions(logger, source.omissions())
        raise _nobody_left(rejected)
    attributes, present = source.attributes(), {*(subject_id for subject_id, _ in files), *rejected["subject_id"]}
    _check_zeros(attributes, key)
    ordered = {scan: files[scan] for scan in sorted(files)}
    return Cohort(
        subjects=_subjects(attributes, keys, present),
        scans=_scans(ordered),
        files=ordered,
        read_files=partial(read_scan, label_values=source.label_values, reading=reading),
        readers=readers,
        rejected=rejected,
        omissions=(*source.omissions(), *_without_scan(attributes, keys, present)),
        absent_columns=source.absent_columns() if isinstance(source, NamesAbsentColumns) else {},
    )


def first_paths(files: SourceFiles, rejected: Mapping[str, Rejection], root: Path) -> dict[str, str]:
    """Path of each subject's first file below the source root, by source id; of the rejected too."""
    paths = {source_id: located(one.path, root) for source_id, one in rejected.items()}
    # the last that is set stands: the first phase
    for phase in reversed(Phase):
        paths |= {source_id: located(scan.image, root) for (source_id, of), scan in files.items() if of is phase}
    return paths


def _nobody_left(rejected: pd.DataFrame) -> InvalidCohortError:
    if rejected.empty:
        return no_scans("at least one scan")
    first = rejected.iloc[0]
    found = f"none of {len(rejected)} subjects can be used (first: {first['subject_id']}: {first['reason']})"
    return InvalidCohortError("source_root", found, "at least one scan", "01_raw/key.csv says where they lie")


def _subjects(attributes: pd.DataFrame, keys: Mapping[str, str], present: set[str]) -> pd.DataFrame:
    study_keys = attributes.index.map(keys)
    subjects = attributes.set_axis(study_keys)[study_keys.isin(present)].reindex(sorted(present))
    subjects.index.name = "subject_id"
    return shown_table(subjects).reset_index()


def _check_zeros(attributes: pd.DataFrame, key: pd.DataFrame) -> None:
    """Refuse a table of subjects whose ids have lost zeros: its subjects would have scans and no attributes."""
    if zeros := lost_zeros(key["source_id"], attributes.index):
        raise InvalidCohortError(
            "the table of subjects",
            f"{zeros} of {len(key)} subjects with scans are in it with more or fewer zeros in front of their ids",
            "the same ids in the table and in the names of files and folders",
            "restore the zeros that a spreadsheet has removed: export the column of ids as text",
        )


def _without_scan(attributes: pd.DataFrame, keys: Mapping[str, str], present: set[str]) -> list[Omission]:
    others = int((~attributes.index.map(keys).isin(present)).sum())
    return [Omission("subjects with attributes", others, len(attributes), "no scan")] if others else []


def _scans(files: Mapping[ScanKey, ScanFiles]) -> pd.DataFrame:
    rows = [
        (subject_id, str(phase), scan.label is not None, scan_fingerprint(scan))
        for (subject_id, phase), scan in files.items()
    ]
    return pd.DataFrame(rows, columns=["subject_id", "phase", "labelled", "fingerprint"])
