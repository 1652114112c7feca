"""Who stands beside whom: members of a group and others who are like them, whatever their scores are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.core.randomness import generator
from faircmr.fairness.adjustment.covariates import Covariates, Sample
from faircmr.fairness.adjustment.overlap import as_numbers, pooled_spread, standardised_differences
from faircmr.fairness.inference.groups import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
FORBIDDEN = np.inf
CALIPER = 0.5
"""SDs of all subjects by which a pair may differ in a measurement."""


@dataclass(frozen=True)
class Pairs:
    """Who is beside whom; positions among the subjects of a sample.

    Attributes:
        member: Subjects of the group, shape ``(pairs,)``, ascending.
        other: Of the rest, same shape, each once.
        distance: Root mean square of the differences of measurements, in SDs; 0 without measurements.
        unmatched: Members with nobody like them among the rest.
        balance: ``covariate`` (``sex F`` for a kind), ``before`` and ``after``: difference of means in SDs before and
            after matching, in the same SDs; below 0.1 in size is commonly called balanced.
    """

    member: IntArray
    other: IntArray
    distance: FloatArray
    unmatched: int
    balance: pd.DataFrame


def pairs_of(sample: Sample, covariates: Covariates, group: str, seed: int, caliper: float = CALIPER) -> Pairs:
    """Who stands beside whom, whatever their scores are.

    Optimal: of all ways to make the most pairs, the one of least total distance. Pairs are equal in every categorical
    covariate and differ by at most ``caliper`` SDs in every measurement, mediators included.

    Args:
        sample: Members and everybody else.
        covariates: What to match on, at least one.
        group: Whom to match.
        seed: Chooses among those who are equally near.
        caliper: In SDs of all subjects; above 0.

    Raises:
        InvalidParameterError: There are no covariates, no such group, or ``caliper`` is not above 0.

    Source:
        Rosenbaum 1989 for optimal matching; Cochran and Rubin 1973 for calipers; Stuart 2010 for an overview. The
        assignment is :func:`scipy.optimize.linear_sum_assignment`; its table of members by others takes 8 bytes a
        pair (5,000 by 5,000: 200 MB).
    """
    _check(sample, covariates, group, caliper)
    members = sample.groups.codes == sample.groups.names.index(group)
    cost = _costs(sample, covariates, members, caliper)
    row, column = _assign(cost, seed)
    mine, theirs = np.flatnonzero(members)[row], np.flatnonzero(~members)[column]
    unmatched = int(members.sum()) - len(mine)
    return Pairs(mine, theirs, cost[row, column], unmatched, _balance(sample, members, mine, theirs))


def _check(sample: Sample, covariates: Covariates, group: str, caliper: float) -> None:
    if not covariates.names:
        raise InvalidParameterError("covariates", "none", "at least one to match on")
    if group not in sample.groups.names:
        raise InvalidParameterError("group", group, f"one of {', '.join(sample.groups.names)}")
    if not caliper > 0:
        raise InvalidParameterError("caliper", caliper, "above 0, in SDs")


def _costs(sample: Sample, covariates: Covariates, members: BoolArray, caliper: float) -> FloatArray:
    """Distance of each member from each other subject, infinite where they must not be a pair."""
    kinds = sample.covariates[list(covariates.categorical)]
    stratum = kinds.groupby(list(kinds), sort=True).ngroup().to_numpy() if len(kinds.columns) else np.zeros(len(kinds))
    allowed = stratum[members][:, None] == stratum[~members]
    squares = np.zeros(allowed.shape)
    for name in covariates.measurements:
        values = sample.covariates[name].to_numpy()
        apart = np.abs(values[members][:, None] - values[~members]) / (values.std() or 1.0)
        allowed &= apart <= caliper
        squares += apart**2 / len(covariates.measurements)
    return np.where(allowed, np.sqrt(squares), FORBIDDEN)


def _assign(cost: FloatArray, seed: int) -> tuple[IntArray, IntArray]:
    from scipy.optimize import linear_sum_assignment

    rng = generator(seed, "ties of matching")
    rows, columns = (rng.permutation(size) for size in cost.shape)
    shuffled = cost[np.ix_(rows, columns)]
    finite = np.isfinite(shuffled)
    # so dear that one pair more is always worth any detour of the others
    dear = 1.0 + 2.0 * min(cost.shape) * float(shuffled[finite].max(initial=1.0))
    chosen = np.stack(linear_sum_assignment(np.where(finite, shuffled, dear)))
    row, column = chosen[:, finite[tuple(chosen)]]
    order = np.argsort(rows[row])
    return rows[row][order], columns[column][order]


def _balance(sample: Sample, members: BoolArray, mine: IntArray, theirs: IntArray) -> pd.DataFrame:
    numbers = as_numbers(sample.covariates)
    spread = pooled_spread(numbers[members], numbers[~members])
    before = standardised_differences(numbers[members], numbers[~members], spread)
    after = standardised_differences(numbers.iloc[mine], numbers.iloc[theirs], spread)
    return pd.DataFrame({"covariate": numbers.columns, "before": before.to_numpy(), "after": after.to_numpy()})
