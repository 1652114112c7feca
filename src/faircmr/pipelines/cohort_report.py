"""Report on the cohort before any training: nodes and pipeline."""

from __future__ import annotations

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.scans import Cohort
from faircmr.core.study import AttributeParameters, DivisionProblem
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.cohort_checks import CohortCheckParameters
from faircmr.mitigation import FitsParameters


def survey_images(cohort: Cohort, scans: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """See every image once: its quality, and what it looks like."""
    from faircmr.core.scans import survey_images as surveyed

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
    from faircmr.fairness.cohort_checks import geometry_counts, missing_values, quarantined_by_group, split_counts

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
    from faircmr.fairness.cohort_checks import compare_measures

    return compare_measures(subjects, scans, quality, audit)


def find_cohort_pairs(
    descriptors: pd.DataFrame, cohort: Cohort, splits: pd.DataFrame, limits: CohortCheckParameters
) -> pd.DataFrame:
    """Find scans and people that stand in the study twice."""
    from faircmr.fairness.cohort_checks import find_pairs

    return find_pairs(descriptors, cohort.subjects, splits, limits.duplicate_distance)


def find_detectable_gaps(
    counts: pd.DataFrame, fits: FitsParameters, audit: AuditParameters, limits: CohortCheckParameters
) -> pd.DataFrame:
    """Tell which gaps the test set could show, of the folds that will be run."""
    from faircmr.fairness.cohort_checks import detectable_gaps

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
    from faircmr.reporting import cohort_report

    found = CohortTables(**tables, audit=audit, limits=limits, problem=problem)
    checks = check_cohort(found, splits)
    return checks, cohort_report(found, checks)


OMISSIONS = ("omissions", "split_omissions")
DIVISION = ("division", "division_problem")
NEEDED = ("scans", "subjects", "quarantine", *DIVISION, *OMISSIONS)
"""What it needs of data engineering; not the splits, which a cohort that is too small does not have."""
AUDIT, LIMITS = "params:audit", "params:cohort_report"
COUNTED = ("counts", "missing", "quarantined", "geometry")
TABLES = {name: f"cohort_{name}" for name in (*COUNTED, "measures", "pairs", "power")}


def create_pipeline() -> Pipeline:
    """Cohort, subjects and division -> image quality, counts, comparisons, pairs, power -> checks and a page."""
    surveyed = ["image_quality", "image_descriptors"]
    counted = [TABLES[name] for name in COUNTED]
    listed = ["cohort", "subjects", "scans", "division", "quarantine", "params:attributes"]
    measured = ["subjects", "scans", "image_quality", AUDIT]
    paired = ["image_descriptors", "cohort", "division", LIMITS]
    counted_out = {name: name for name in OMISSIONS}
    divided = {"splits": "division", "problem": "division_problem"}
    reported = {**divided, "audit": AUDIT, "limits": LIMITS, **counted_out, **TABLES}
    return pipeline(
        [
            node(survey_images, ["cohort", "scans"], surveyed, name="survey_images"),
            node(count_cohort, listed, counted, name="count_cohort"),
            node(compare_cohort, measured, TABLES["measures"], name="compare_cohort"),
            node(find_cohort_pairs, paired, TABLES["pairs"], name="find_cohort_pairs"),
            node(
                find_detectable_gaps,
                [TABLES["counts"], "params:fits", AUDIT, LIMITS],
                TABLES["power"],
                name="find_detectable_gaps",
            ),
            node(report_cohort, reported, ["cohort_checks", "cohort_report"], name="report_cohort"),
        ],
        tags=["cohort_report", "cpu"],
    )
