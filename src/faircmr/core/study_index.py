"""Who takes part in a study and with which scans, and who cannot."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.quarantine import QuarantineParameters, quarantined
from faircmr.core.scan_index import index_scans
from faircmr.core.subject_index import AttributeParameters, index_subjects


class StudyIndex(NamedTuple):
    """The three tables that a study begins with.

    Attributes:
        scans: As :class:`~faircmr.core.scan_index.ScanIndex` has them, of the subjects of the study.
        subjects: As of :func:`~faircmr.core.subject_index.index_subjects`.
        quarantine: Everything that cannot be used: ``subject_id``, ``phase``, ``reason``.
    """

    scans: pd.DataFrame
    subjects: pd.DataFrame
    quarantine: pd.DataFrame


def index_study(cohort: Cohort, attributes: AttributeParameters, quarantine: QuarantineParameters) -> StudyIndex:
    """Read and check every scan of a cohort, and list who takes part.

    Args:
        cohort: Any cohort.
        attributes: What is to be known of the subjects.
        quarantine: What becomes of scans that cannot be used.

    Raises:
        InvalidScanError: A scan cannot be used, and the policy is ``error``.
        InvalidCohortError: Too many cannot be used, or subjects lack the protected attribute.
        InvalidParameterError: The cohort has no such attribute.
    """
    indexed = index_scans(cohort)
    problems = pd.concat([cohort.rejected, indexed.problems], ignore_index=True)
    left = quarantined(problems, len(cohort.subjects), quarantine)
    subjects = index_subjects(cohort.without(left), attributes)
    scans = indexed.scans[indexed.scans["subject_id"].isin(subjects["subject_id"])].reset_index(drop=True)
    return StudyIndex(scans, subjects, problems)
