"""Evaluation over strategies."""

from __future__ import annotations

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.evaluation import nodes

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
                nodes.compare_strategies,
                {"subjects": "subjects", "attributes": "params:attributes", **scores},
                ["table2", "table2_by_seed", "table1_seed_sd"],
                name="compare_strategies",
            ),
            node(
                nodes.audit_strategies,
                {"subjects": "subjects", "attributes": "params:attributes", "audit": "params:audit", **scores},
                [*(f"audit_{table}" for table in AUDITED), "audit_report"],
                name="audit_strategies",
            ),
            node(
                nodes.repeat_published_tests,
                {"subjects": "subjects", "attributes": "params:attributes", **scores},
                ["published_asterisks", "published_scheffe"],
                name="repeat_published_tests",
            ),
            node(
                nodes.compare_clinical_errors,
                {"subjects": "subjects", **scores},
                ["clinical_agreement", "ef_reclassification"],
                name="compare_clinical_errors",
            ),
        ],
        tags=["evaluation", "cpu"],
    )
