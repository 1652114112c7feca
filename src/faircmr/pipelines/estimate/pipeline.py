"""Planned fits of all strategies, and a few measured steps -> what the study will take."""

from __future__ import annotations

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from faircmr.pipelines.estimate import nodes

PREPARED = ("subjects", "splits", "plans", "localiser_plans")
"""What it needs of the study's other pipelines; scans are read once for it, no tensors are made."""


def create_pipeline(strategies: Sequence[str]) -> Pipeline:
    """Subjects, splits and plans -> fits of every strategy; kinds of their steps -> costs; both -> estimates.

    Costs are made anew where the fits change, or on another machine. On the same one they are measured again with
    ``--from-nodes measure_steps``. A fit that is finished in the meantime measures nothing anew.

    Args:
        strategies: Rows of the estimate, in order.
    """
    planned = {strategy: f"{strategy}.fits" for strategy in strategies}
    measured = node(
        nodes.measure_steps, {"estimate": "params:estimate", **planned}, "step_costs", name="measure_steps", tags="gpu"
    )
    multiplied = node(
        nodes.estimate_fits,
        {
            "finished_fits": "finished_fits",
            "finished_localisers": "finished_localisers",
            "step_costs": "step_costs",
            "estimate": "params:estimate",
            **planned,
        },
        "fit_estimates",
        name="estimate_fits",
        tags="cpu",
    )
    listed = sum((_listing(strategy) for strategy in strategies), Pipeline([]))
    return listed + pipeline([measured, multiplied], tags="estimate")


def _listing(strategy: str) -> Pipeline:
    listed = node(
        nodes.list_fits,
        [*PREPARED, "params:strategy", "params:training", "params:fits"],
        "fits",
        name="list_fits",
        tags="cpu",
    )
    return pipeline(
        [listed], namespace=strategy, inputs=set(PREPARED), parameters={"training", "fits"}, tags=[strategy, "estimate"]
    )
