"""All checks of a cohort, the worst first."""

from __future__ import annotations

import pandas as pd

from faircmr.core.splits import UNUSED
from faircmr.fairness.cohort_checks.findings import CohortTables, Finding, Status
from faircmr.fairness.cohort_checks.geometry import GEOMETRY_CHECKS
from faircmr.fairness.cohort_checks.image_checks import IMAGE_CHECKS
from faircmr.fairness.cohort_checks.people_checks import PEOPLE_CHECKS

CHECK_COLUMNS = list(Finding._fields)
WORST_FIRST = tuple(reversed(Status))


def check_cohort(tables: CohortTables, splits: pd.DataFrame) -> pd.DataFrame:
    """Hold a cohort against its limits.

    Args:
        tables: What is known of it.
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.

    Returns:
        One row a check, failures first: ``check``, ``status`` (of
        :class:`~faircmr.fairness.cohort_checks.findings.Status`), ``found``, ``remedy``.
    """
    findings = [
        check_division(tables, splits),
        *(check(tables) for check in (*PEOPLE_CHECKS, *GEOMETRY_CHECKS, *IMAGE_CHECKS)),
    ]
    ordered = [finding for status in WORST_FIRST for finding in findings if finding.status == status]
    return pd.DataFrame(ordered, columns=CHECK_COLUMNS).astype("str")


def check_division(tables: CohortTables, splits: pd.DataFrame) -> Finding:
    """Subjects are divided, and no subject is in two parts of the study.

    Args:
        tables: As for :func:`check_cohort`.
        splits: As for :func:`check_cohort`.
    """
    check = "training, validation and test"
    if tables.problem.exists:
        return Finding(check, Status.FAIL, f"the subjects cannot be divided: {tables.problem}", tables.problem.remedy)
    used = splits[splits["split"] != UNUSED]
    key = ["subject_id", "fold"] if "fold" in used else ["subject_id"]
    twice = used.loc[used.duplicated(key), "subject_id"].nunique()
    if twice:
        return Finding(check, Status.FAIL, f"{twice} subjects are in two parts", "make the splits anew")
    return Finding(
        check,
        Status.PASS,
        f"{used['subject_id'].nunique()} subjects, each in one part" + (" of a fold" if len(key) > 1 else ""),
    )
