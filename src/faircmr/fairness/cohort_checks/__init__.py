"""What a cohort can and cannot show, before anything is trained: counts, confounders, duplicates, power."""

from faircmr.fairness.cohort_checks.checks import check_cohort
from faircmr.fairness.cohort_checks.counts import missing_values, quarantined_by_group, split_counts
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status
from faircmr.fairness.cohort_checks.geometry import geometry_counts
from faircmr.fairness.cohort_checks.measures import compare_measures
from faircmr.fairness.cohort_checks.pairs import find_pairs
from faircmr.fairness.cohort_checks.parameters import CohortCheckParameters
from faircmr.fairness.cohort_checks.power import detectable_gaps

__all__ = [
    "CohortCheckParameters",
    "CohortTables",
    "Finding",
    "Status",
    "check_cohort",
    "compare_measures",
    "detectable_gaps",
    "find_pairs",
    "geometry_counts",
    "missing_values",
    "quarantined_by_group",
    "split_counts",
]
