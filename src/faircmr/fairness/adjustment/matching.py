"""A group beside others who are like them, subject by subject."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.core.randomness import generator
from faircmr.fairness.adjustment.covariates import Covariates, Sample, sample_of
from faircmr.fairness.adjustment.overlap import as_numbers, pooled_spread, standardised_differences
from faircmr.fairness.inference.groups import FloatArray, IntArray

BoolArray = npt.NDArray[np.bool_]
FORBIDDEN = np.inf
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Matched:
    """A group against as many others who are like them.

    Attributes:
        group: Who was matched.
        pairs: ``member``, ``other`` (subject ids) and ``distance`` (root mean square of the differences of
            measurements, in SDs; 0 without measurements), one row a pair.
        unmatched: Members with nobody like them among the rest; what follows says nothing about them.
        balance: ``covariate`` (``sex F`` for a kind), ``before`` and ``after``: difference of means in SDs before and
            after matching, in the same SDs; below 0.1 in size is commonly called balanced.
        difference: Mean of member less other, in the unit of the scores; NaN without pairs.
        low: Lower end of its 95 % interval (paired Student t); NaN with fewer than two pairs.
        high: Upper end.
        p: Two-sided, not corrected for the number of groups.
        exclusions: As in :class:`faircmr.fairness.adjustment.covariates.Sample`.
        left_out: Subjects left out before matching, each counted once.
    """

    group: str
    pairs: pd.DataFrame
    unmatched: int
    balance: pd.DataFrame
    difference: float
    low: float
    high: float
    p: float
    exclusions: pd.DataFrame
    left_out: int


def matched_difference(
    scores: pd.Series[float],
    groups: pd.Series[str],
    attributes: pd.DataFrame,
    covariates: Covariates,
    group: str,
    seed: int,
    caliper: float = 0.5,
) -> Matched:
    """Match each member of a group with one subject of the rest, without replacement.

    Optimal: of all ways to make the most pairs, the one of least total distance. Pairs are equal in every categorical
    covariate and differ by at most ``caliper`` SDs in every measurement, mediators included. Who is equally near is
    chosen by the seed.

    Args:
        scores: Subject means in 0..1, index ``subject_id``.
        groups: Group of each subject, same index; missing where it is not recorded.
        attributes: Has every covariate, same index.
        covariates: What to match on, at least one.
        group: Whom to match.
        seed: The same seed gives the same pairs, whatever the order of rows.
        caliper: In SDs of all subjects; above 0.

    Returns:
        Pairs, balance and the paired difference. The mean is over members who could be matched: where the rest are
        fewer, or differ, that is another and smaller population than the group.

    Raises:
        InvalidScoresError: Scores are missing or outside 0..1.
        InvalidCohortError: The tables are not of the same subjects, each once.
        InvalidParameterError: A covariate cannot be used as declared, there is none, the group has no complete
            subjects, or ``caliper`` is not above 0.

    Source:
        Rosenbaum 1989 for optimal matching; Cochran and Rubin 1973 for calipers; Stuart 2010 for an overview. The
        assignment is :func:`scipy.optimize.linear_sum_assignment`; its table of members by others within a stratum
        of categories takes 8 bytes a pair (5,000 by 5,000: 200 MB).
    """
    sample = sample_of(scores, groups, attributes, covariates, fewest=1)
    _check(sample, covariates, group, caliper)
    members = sample.groups.codes == sample.groups.names.index(group)
    cost = _costs(sample, covariates, members, caliper)
    row, column = _assign(cost, seed)
    mine, theirs = np.flatnonzero(members)[row], np.flatnonzero(~members)[column]
    ids, values = sample.scores.index, sample.values
    table = {"member": ids[mine], "other": ids[theirs], "distance": cost[row, column]}
    return Matched(
        group,
        pd.DataFrame(table),
        int(members.sum()) - len(mine),
        _balance(sample, members, mine, theirs),
        *_paired(values[mine] - values[theirs]),
        sample.exclusions,
        sample.left_out,
    )


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


def _paired(differences: FloatArray) -> tuple[float, float, float, float]:
    from scipy.stats import ttest_1samp

    if len(differences) < 2 or np.ptp(differences) == 0:
        return (float(differences.mean()) if len(differences) else UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    tested = ttest_1samp(differences, 0.0)
    low, high = tested.confidence_interval()
    return float(differences.mean()), float(low), float(high), float(tested.pvalue)
