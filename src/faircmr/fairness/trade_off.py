"""What each strategy gives and takes: the mean, the worst group and the disparity side by side.

No strategy is ranked by a disparity alone: one that makes every group worse can have the best.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.errors import InvalidParameterError, InvalidScoresError
from faircmr.fairness.disparity import disparity_sd, skewed_error_ratio
from faircmr.fairness.equity_scaled import equity_scaled_by_deviations, equity_scaled_by_sd
from faircmr.fairness.inference.groups import FloatArray, Groups


def trade_off(scores: pd.DataFrame, groups: Groups, baseline: str) -> pd.DataFrame:
    """Mean and disparity of every strategy, and what has changed since the baseline.

    Args:
        scores: Subject means in 0..1, one row a subject in the order of ``groups``, one column a strategy.
        groups: Groups of the subjects.
        baseline: Strategy that the others are compared with.

    Returns:
        One row a strategy, DSC in percent and differences in points: ``strategy``; ``mean`` of all subjects, ``Avg``
        (unweighted over groups), ``worst_group`` and its ``worst``; ``SD`` (``ddof=1``) over groups, ``SER``, ``gap``
        (best less worst group), ``ES_SD`` and ``ES_deviations`` (equity-scaled Dice in 0..1); ``mean_change``,
        ``Avg_change``, ``worst_change`` (of whichever group is worst) and ``SD_change`` since the baseline;
        ``groups_worse``, how many have fallen; ``levelling_down``: SD has fallen and the group that the baseline served
        worst has not gained; ``pareto``: no other strategy has a higher ``mean`` and no higher ``SD``, or a lower
        ``SD`` and no lower ``mean``. Point estimates: on small groups all of it moves by chance.

    Raises:
        InvalidScoresError: Scores are missing or outside 0..1, or of other subjects than ``groups``.
        InvalidParameterError: The baseline is no strategy.

    Source:
        Levelling down as in Mittelstadt, Wachter and Russell 2023; ``SD`` and ``SER`` as in Puyol-Antón et al. 2021.
    """
    values, place = _checked(scores, groups, baseline)
    means = groups.means(values)
    table = pd.DataFrame({"strategy": scores.columns, **_measures(means, values.mean(axis=-1), groups.names)})
    for name in ("mean", "Avg", "worst", "SD"):
        table[f"{name}_change"] = table[name] - table[name].iloc[place]
    changes = means - means[place]
    table["groups_worse"] = (changes < 0).sum(axis=-1)
    table["levelling_down"] = (table["SD_change"] < 0) & (changes[:, means[place].argmin()] <= 0)
    table["pareto"] = pareto_front(table["mean"], table["SD"])
    return table


def group_changes(scores: pd.DataFrame, groups: Groups, baseline: str) -> pd.DataFrame:
    """How each group fares under each strategy, and its paired change since the baseline.

    Args:
        scores: As for :func:`trade_off`.
        groups: As there.
        baseline: As there.

    Returns:
        One row a strategy and group, DSC in percent: ``strategy``, ``group``, ``n``, ``mean``, and ``change``, the
        mean over the group's subjects of each one's own change in points (0 for the baseline).

    Raises:
        InvalidScoresError: As there.
        InvalidParameterError: As there.
    """
    values, place = _checked(scores, groups, baseline)
    means = 100 * groups.means(values)
    strategies, names = len(scores.columns), len(groups.names)
    return pd.DataFrame(
        {
            "strategy": np.repeat(scores.columns.to_numpy(), names),
            "group": np.tile(groups.names, strategies),
            "n": np.tile(groups.sizes, strategies),
            "mean": means.ravel(),
            "change": (means - means[place]).ravel(),
        }
    )


def pareto_front(mean: npt.ArrayLike, disparity: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether a strategy is beaten by no other.

    Args:
        mean: Of each strategy, higher is better, shape ``(strategies,)``.
        disparity: Lower is better, same shape.

    Returns:
        Shape ``(strategies,)``; false where another strategy is at least as good in both and better in one. Strategies
        that are equal in both stand or fall together.

    Raises:
        InvalidScoresError: The shapes differ, or a value is missing.
    """
    high, low = np.asarray(mean, dtype=np.float64), np.asarray(disparity, dtype=np.float64)
    if high.shape != low.shape or high.ndim != 1:
        raise InvalidScoresError("disparity", low.shape, f"one value a strategy, {high.shape}")
    if np.isnan(high).any() or np.isnan(low).any():
        raise InvalidScoresError("mean and disparity", "missing for a strategy", "a value for every strategy")
    as_good = (high >= high[:, None]) & (low <= low[:, None])
    better = (high > high[:, None]) | (low < low[:, None])
    return np.asarray(~(as_good & better).any(axis=1))


def _measures(means: FloatArray, overall: FloatArray, names: tuple[str, ...]) -> dict[str, npt.ArrayLike]:
    return {
        "mean": 100 * overall,
        "Avg": 100 * means.mean(axis=-1),
        "worst_group": [names[number] for number in means.argmin(axis=-1)],
        "worst": 100 * means.min(axis=-1),
        "SD": 100 * disparity_sd(means),
        "SER": skewed_error_ratio(means),
        "gap": 100 * np.ptp(means, axis=-1),
        "ES_SD": equity_scaled_by_sd(overall, means),
        "ES_deviations": equity_scaled_by_deviations(overall, means),
    }


def _checked(scores: pd.DataFrame, groups: Groups, baseline: str) -> tuple[FloatArray, int]:
    if baseline not in scores.columns:
        raise InvalidParameterError("baseline", baseline, f"one of {', '.join(map(str, scores.columns))}")
    if len(scores) != len(groups.codes):
        raise InvalidScoresError("scores", f"{len(scores)} subjects", f"the {len(groups.codes)} subjects of the groups")
    values = scores.to_numpy(dtype=np.float64).T
    outside = int((~((values >= 0.0) & (values <= 1.0))).sum())
    if outside:
        found = f"{outside} of {values.size} missing or outside"
        raise InvalidScoresError("scores", found, "Dice in 0..1", "divide percentages by 100")
    return values, list(scores.columns).index(baseline)
