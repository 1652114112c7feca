"""Nodes of estimation: list every fit, measure a few steps, and multiply."""

from __future__ import annotations

import pandas as pd

from faircmr.estimation.listing import PlannedFits
from faircmr.estimation.parameters import EstimateParameters
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.localisation import LocaliserPlans
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.plans import Plans


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
    from faircmr.estimation.listing import plan_fits

    return plan_fits(strategy, subjects, splits, plans, localiser_plans, training, fits)


def measure_steps(estimate: EstimateParameters, **planned: PlannedFits) -> pd.DataFrame:
    """Train for a few steps of each kind, in a process of its own, on this machine."""
    from faircmr.estimation.costs import cost_table
    from faircmr.estimation.estimates import merged_kinds
    from faircmr.estimation.processes import measure_kinds

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
