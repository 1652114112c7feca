"""Nodes of evaluation."""

from __future__ import annotations

import pandas as pd

from faircmr.core.subject_index import AttributeParameters
from faircmr.fairness.audit.parameters import AuditParameters


def compare_strategies(
    subjects: pd.DataFrame, attributes: AttributeParameters, **scores: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Table 2 over training seeds, Table 2 of each seed, and how far seeds spread each cell of Table 1.

    A strategy that has not been scored is absent.
    """
    from faircmr.fairness.comparison import table2
    from faircmr.fairness.seeds import table1_seed_sd, table2_by_seed

    return (
        table2(scores, subjects),
        table2_by_seed(scores, subjects),
        table1_seed_sd(scores, subjects, attributes.reported),
    )


def audit_strategies(
    subjects: pd.DataFrame, attributes: AttributeParameters, audit: AuditParameters, **scores: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, str]:
    """What can be said of people who were not scored: groups, disparity, changes, adjusted, matched, and a page."""
    from faircmr.fairness.audit import audit_strategies as audited
    from faircmr.reporting.audit_report import audit_report

    found = audited(scores, subjects, attributes, audit)
    page = audit_report(found, audit, "Strategies of this study")
    return found.groups, found.disparity, found.changes, found.adjusted, found.matched, page


def repeat_published_tests(
    subjects: pd.DataFrame, attributes: AttributeParameters, **scores: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The asterisks of the paper's Table 1, and Scheffé's test of all pairs of protected groups, of every strategy."""
    from faircmr.fairness.published_tables import asterisks_of, scheffe_of

    return asterisks_of(scores, subjects, attributes.reported), scheffe_of(scores, subjects)


def compare_clinical_errors(subjects: pd.DataFrame, **scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Limits of agreement of volumes, ejection fractions and mass, and who is put into another class, by group."""
    from faircmr.fairness.clinical_errors import clinical_agreement, reclassification

    return clinical_agreement(scores, subjects), reclassification(scores, subjects)
