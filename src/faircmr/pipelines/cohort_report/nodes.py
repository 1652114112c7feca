"""Nodes of the cohort's report."""

from __future__ import annotations

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.division import DivisionProblem
from faircmr.core.subject_index import AttributeParameters
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.cohort_checks.parameters import CohortCheckParameters
from faircmr.mitigation.parameters import FitsParameters


def survey_images(cohort: Cohort, scans: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """See every image once: its quality, and what it looks like."""
    from faircmr.core.image_survey import survey_images as surveyed

    survey = surveyed(cohort, scans)
    return survey.quality, survey.descriptors


def count_cohort(
    cohort: Cohort,
    subjects: pd.DataFrame,
    scans: pd.DataFrame,
    splits: pd.DataFrame,
    quarantine: pd.DataFrame,
    attributes: AttributeParameters,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Count subjects by group and split, missing values, who cannot be used, and scans by what their headers say."""
    from faircmr.fairness.cohort_checks import geometry_counts
    from faircmr.fairness.cohort_checks.counts import missing_values, quarantined_by_group, split_counts

    return (
        split_counts(subjects, splits, attributes),
        missing_values(subjects, scans),
        quarantined_by_group(quarantine, cohort.subjects, attributes.protected_attribute),
        geometry_counts(scans),
    )


def compare_cohort(
    subjects: pd.DataFrame, scans: pd.DataFrame, quality: pd.DataFrame, audit: AuditParameters
) -> pd.DataFrame:
    """Compare people, grids and images of the groups."""
    from faircmr.fairness.cohort_checks.measures import compare_measures

    return compare_measures(subjects, scans, quality, audit)


def find_cohort_pairs(
    descriptors: pd.DataFrame, cohort: Cohort, splits: pd.DataFrame, limits: CohortCheckParameters
) -> pd.DataFrame:
    """Find scans and people that stand in the study twice."""
    from faircmr.fairness.cohort_checks.pairs import find_pairs

    return find_pairs(descriptors, cohort.subjects, splits, limits.duplicate_distance)


def find_detectable_gaps(
    counts: pd.DataFrame, fits: FitsParameters, audit: AuditParameters, limits: CohortCheckParameters
) -> pd.DataFrame:
    """Tell which gaps the test set could show, of the folds that will be run."""
    from faircmr.fairness.cohort_checks.power import detectable_gaps

    return detectable_gaps(counts, fits.folds, audit, limits)


def report_cohort(
    splits: pd.DataFrame,
    problem: DivisionProblem,
    audit: AuditParameters,
    limits: CohortCheckParameters,
    **tables: pd.DataFrame,
) -> tuple[pd.DataFrame, str]:
    """Hold the cohort against its limits, and lay everything out on a page."""
    from faircmr.fairness.cohort_checks import CohortTables, check_cohort
    from faircmr.reporting.cohort_report import cohort_report

    found = CohortTables(**tables, audit=audit, limits=limits, problem=problem)
    checks = check_cohort(found, splits)
    return checks, cohort_report(found, checks)
