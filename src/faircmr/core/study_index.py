"""Who takes part in a study and with which scans, and who cannot."""

from __future__ import annotations

import logging
from typing import NamedTuple

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.omissions import log_omissions, omission_table
from faircmr.core.quarantine import QuarantineParameters, quarantine_omissions, quarantined
from faircmr.core.scan_index import index_scans
from faircmr.core.subject_index import (
    AttributeParameters,
    check_attributes,
    index_subjects,
    missing_attributes,
    without_protected_group,
)

READING, CHECKING = "Reading the data set", "Checking the scans"
GROUPING, RECORDING = "Protected groups", "Other attributes"
"""Steps of the table of omissions."""
logger = logging.getLogger(__name__)


class StudyIndex(NamedTuple):
    """The tables that a study begins with.

    Attributes:
        scans: As :class:`~faircmr.core.scan_index.ScanIndex` has them, of the subjects of the study.
        subjects: As of :func:`~faircmr.core.subject_index.index_subjects`.
        quarantine: Everything that cannot be used: ``subject_id``, ``phase``, ``reason``.
        omissions: How much is left out and why, and which attributes are missing of how many subjects; as
            :func:`~faircmr.core.omissions.omission_table` makes it.
    """

    scans: pd.DataFrame
    subjects: pd.DataFrame
    quarantine: pd.DataFrame
    omissions: pd.DataFrame


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
    log_omissions(logger, cohort.omissions)
    # before an hour is spent on scans
    check_attributes(cohort, attributes)
    indexed = index_scans(cohort)
    problems = pd.concat([cohort.rejected, indexed.problems], ignore_index=True)
    left = quarantined(problems, len(cohort.subjects), quarantine)
    usable = cohort.without(left)
    subjects = index_subjects(usable, attributes)
    scans = indexed.scans[indexed.scans["subject_id"].isin(subjects["subject_id"])].reset_index(drop=True)
    omissions = {
        READING: cohort.omissions,
        CHECKING: quarantine_omissions(problems, len(cohort.subjects)),
        GROUPING: without_protected_group(len(usable.subjects) - len(subjects), len(usable.subjects), attributes),
        RECORDING: missing_attributes(subjects),
    }
    return StudyIndex(scans, subjects, problems, omission_table(omissions))
