"""Estimate the time, memory and disk space of a study before it starts: nodes and pipeline."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from kedro.pipeline import Pipeline, node, pipeline

from faircmr.estimation import EstimateParameters, PlannedFits
from faircmr.mitigation import FitsParameters, StrategyParameters
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import LocaliserPlans
from faircmr.segmentation.network import Plans


def list_fits(
    subjects: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    localiser_plans: LocaliserPlans,
    strategy: StrategyParameters,
    training: TrainingParameters,
    fits: FitsParameters,
) -> PlannedFits:
    """List the fits that the strategy would train, with their sizes."""
    from faircmr.estimation import plan_fits

    return plan_fits(strategy, subjects, splits, plans, localiser_plans, training, fits)


def measure_steps(estimate: EstimateParameters, **planned: PlannedFits) -> pd.DataFrame:
    """Train for a few steps of each kind, in a process of its own, on this machine."""
    from faircmr.estimation import cost_table, measure_kinds, merged_kinds

    return cost_table(measure_kinds(merged_kinds(planned.values()), estimate))


def estimate_fits(
    finished_fits: dict[str, str],
    finished_localisers: dict[str, str],
    step_costs: pd.DataFrame,
    estimate: EstimateParameters,
    **planned: PlannedFits,
) -> pd.DataFrame:
    """Time, memory and disk of every fit, of every strategy and of the study."""
    from faircmr.estimation import estimates

    return estimates.estimate_fits(planned, step_costs, {**finished_fits, **finished_localisers}, estimate.totals)


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
        measure_steps, {"estimate": "params:estimate", **planned}, "step_costs", name="measure_steps", tags="gpu"
    )
    multiplied = node(
        estimate_fits,
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
        list_fits,
        [*PREPARED, "params:strategy", "params:training", "params:fits"],
        "fits",
        name="list_fits",
        tags="cpu",
    )
    return pipeline(
        [listed], namespace=strategy, inputs=set(PREPARED), parameters={"training", "fits"}, tags=[strategy, "estimate"]
    )
