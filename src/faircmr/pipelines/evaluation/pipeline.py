"""Evaluation over strategies."""

from __future__ import annotations

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.evaluation import nodes


def create_pipeline(strategies: Sequence[str]) -> Pipeline:
    """Scores of every strategy -> Table 2, and beside it what training seeds do to Tables 1 and 2.

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
            )
        ],
        tags=["evaluation", "cpu"],
    )
