"""A cohort: who is in it, what is known of them, and their scans, read one at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidCohortError, InvalidScanError
from faircmr.core.omissions import Omission
from faircmr.core.quarantine import nobody
from faircmr.core.scan import Scan, ScanFiles

ScanKey = tuple[str, Phase]


@dataclass(frozen=True)
class Cohort:
    """Subjects by study key, and a way to read their scans.

    Attributes:
        subjects: One row a subject, also of those rejected: ``subject_id`` (the study key) and the attributes that the
            source gives (``sex``, ``age``, ``height``, ``pathology``, ...), missing values as NA.
        scans: One row a scan: ``subject_id``, ``phase`` (``ED``/``ES``), ``labelled``,
            ``fingerprint`` (changes when a file of the scan changes).
        files: Paths of every scan; never shown.
        read_files: Reads one scan with labels mapped to ``Structure`` values; raises
            :class:`InvalidScanError` with a placeholder offender that :meth:`read` replaces.
        readers: Scans that may be read at the same time.
        rejected: One row a subject whose files the source could not make a scan of: ``subject_id``,
            ``phase`` (missing), ``reason``.
        omissions: What else the source has found and left out, which has no study key.
        absent_columns: Attributes that are missing for all subjects because the source's table lacks a column, each
            with the name of that column.
    """

    subjects: pd.DataFrame
    scans: pd.DataFrame
    files: Mapping[ScanKey, ScanFiles] = field(repr=False)
    read_files: Callable[[ScanFiles], Scan] = field(repr=False)
    readers: int = 1
    rejected: pd.DataFrame = field(default_factory=nobody)
    omissions: tuple[Omission, ...] = ()
    absent_columns: Mapping[str, str] = field(default_factory=dict)

    def without(self, subject_ids: Collection[str]) -> Cohort:
        """The cohort of everybody else."""
        subjects, scans = (table[~table["subject_id"].isin(subject_ids)] for table in (self.subjects, self.scans))
        return replace(self, subjects=subjects, scans=scans)

    def read(self, subject_id: str, phase: Phase) -> Scan:
        """Read one scan.

        Raises:
            InvalidCohortError: The cohort has no such scan.
            InvalidScanError: The scan cannot be used; names the study key and phase.
        """
        files = self.files.get((subject_id, phase))
        if files is None:
            raise InvalidCohortError(f"{subject_id} {phase}", "no such scan", "a subject and phase of this cohort")
        try:
            return self.read_files(files)
        except InvalidScanError as error:
            raise InvalidScanError(
                f"{subject_id} {phase}", error.value, error.permitted, error.remedy or LOOK_UP
            ) from None


LOOK_UP = "mend or remove the scan that 01_raw/key.csv lists under this key"
