"""What each strategy of the registry chooses on each axis, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from faircmr.mitigation.choices import (
    BalancedCohort,
    FairMetaLearning,
    SizeMatchedCohort,
    SmallestShareCohort,
    StratifiedBatchSampling,
    TwoStages,
)
from faircmr.mitigation.parameters import StrategyParameters

AXES = ("cohort", "sampler", "objective", "stages", "input", "output")
COLUMNS = ["strategy", "control", *AXES]


def strategy_choices(strategies: Mapping[str, StrategyParameters]) -> pd.DataFrame:
    """One row a strategy.

    Args:
        strategies: By name, in the order of Table 2.

    Returns:
        ``strategy``, ``control`` (what the strategy is a control of; empty where it is none) and a column an axis, in
        words.
    """
    rows = [(name, control_of(one), *(_words(one, axis) for axis in AXES)) for name, one in strategies.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def control_of(strategy: StrategyParameters) -> str:
    """What a strategy holds equal to another one without its idea; empty where it is no control."""
    if isinstance(strategy.cohort, SmallestShareCohort):
        return "balance by dose"
    if isinstance(strategy.cohort, SizeMatchedCohort):
        return "size of the balanced cohort"
    if isinstance(strategy.stages, TwoStages):
        return "second half of the schedule"
    if isinstance(strategy.objective, FairMetaLearning) and strategy.objective.weight == 0.0:
        return "joint half of the schedule"
    return ""


def _words(strategy: StrategyParameters, axis: str) -> str:
    chosen = getattr(strategy, axis)
    return {"full": "full image", "roi": "heart region"}[chosen] if isinstance(chosen, str) else _with_details(chosen)


def _with_details(chosen: Any) -> str:
    name = str(chosen.kind).replace("_", " ")
    detail = _detail(chosen)
    return f"{name}, {detail}" if detail else name


def _detail(chosen: Any) -> str:
    match chosen:
        case BalancedCohort(within=within) | StratifiedBatchSampling(within=within) if within:
            return f"by {' x '.join(within)} too"
        case SmallestShareCohort(share=share):
            return f"{100 * share:.3g} % a group"
        case FairMetaLearning(weight=weight):
            return f"lambda {weight:g}"
    return ""
