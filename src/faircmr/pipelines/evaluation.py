"""Compare all strategies that have scores: nodes and pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.core.study import AttributeParameters
from faircmr.fairness.audit import AuditParameters


def compare_strategies(
    subjects: pd.DataFrame, attributes: AttributeParameters, **scores: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Table 2 over training seeds, Table 2 of each seed, and how far seeds spread each cell of Table 1.

    A strategy that has not been scored is absent.
    """
    from faircmr.fairness.tables import table1_seed_sd, table2, table2_by_seed

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
    from faircmr.reporting import audit_report

    found = audited(scores, subjects, attributes, audit)
    page = audit_report(found, audit, "Strategies of this study")
    return found.groups, found.disparity, found.changes, found.adjusted, found.matched, page


def repeat_published_tests(
    subjects: pd.DataFrame, attributes: AttributeParameters, **scores: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The asterisks of the paper's Table 1, and Scheffé's test of all pairs of protected groups, of every strategy."""
    from faircmr.fairness.tables import asterisks_of, scheffe_of

    return asterisks_of(scores, subjects, attributes.reported), scheffe_of(scores, subjects)


def compare_clinical_errors(subjects: pd.DataFrame, **scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Limits of agreement of volumes, ejection fractions and mass, and who is put into another class, by group."""
    from faircmr.fairness.metrics import clinical_agreement, reclassification

    return clinical_agreement(scores, subjects), reclassification(scores, subjects)


AUDITED = ("groups", "disparity", "changes", "adjusted", "matched")
"""Tables of the audit, in the node's order."""


def create_pipeline(strategies: Sequence[str]) -> Pipeline:
    """Scores of every strategy -> Table 2 and what training seeds do to it, the audit, and clinical errors.

    Args:
        strategies: Rows of Table 2, in order.
    """
    scores = {strategy: f"{strategy}.scores" for strategy in strategies}
    return pipeline(
        [
            node(
                compare_strategies,
                {"subjects": "subjects", "attributes": "params:attributes", **scores},
                ["table2", "table2_by_seed", "table1_seed_sd"],
                name="compare_strategies",
            ),
            node(
                audit_strategies,
                {"subjects": "subjects", "attributes": "params:attributes", "audit": "params:audit", **scores},
                [*(f"audit_{table}" for table in AUDITED), "audit_report"],
                name="audit_strategies",
            ),
            node(
                repeat_published_tests,
                {"subjects": "subjects", "attributes": "params:attributes", **scores},
                ["published_asterisks", "published_scheffe"],
                name="repeat_published_tests",
            ),
            node(
                compare_clinical_errors,
                {"subjects": "subjects", **scores},
                ["clinical_agreement", "ef_reclassification"],
                name="compare_clinical_errors",
            ),
        ],
        tags=["evaluation", "cpu"],
    )
