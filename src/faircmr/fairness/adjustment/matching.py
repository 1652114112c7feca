"""Compare groups with matched subjects, and measure how much groups overlap in their covariates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import InvalidParameterError, generator
from faircmr.fairness.adjustment.covariates import Covariates, Sample, sample_of
from faircmr.fairness.adjustment.linear_models import indicators
from faircmr.fairness.inference import FloatArray, IntArray

BARELY = 0.5
"""Where fewer than this share of a group have their like among the rest, a model and not people compares them."""
CENTRAL = (0.025, 0.975)


def overlap_table(sample: Sample) -> pd.DataFrame:
    """How far each group lies where the rest of the subjects do.

    Args:
        sample: Subjects.

    Returns:
        One row a group and covariate: ``group``, ``covariate``, ``overlap`` (0..1: share of the group within the
        central 95 % of the rest, or in categories that the rest has as well) and ``barely`` (less than half). Each
        covariate is looked at alone: a group may lie within every range and still have nobody like it.
    """
    rows = []
    for number, group in enumerate(sample.groups.names):
        members = sample.groups.codes == number
        for name, values in sample.covariates.items():
            share = _share_among(values[members], values[~members])
            rows.append({"group": group, "covariate": name, "overlap": share, "barely": share < BARELY})
    return pd.DataFrame(rows, columns=["group", "covariate", "overlap", "barely"])


def standardised_differences(members: pd.DataFrame, others: pd.DataFrame, spread: pd.Series[float]) -> pd.Series[float]:
    """Differences of means in SDs.

    Args:
        members: Numbers of one side, see :func:`as_numbers`.
        others: Of the other side, same columns.
        spread: As :func:`pooled_spread` gives it; of the sides before matching, so that before and after are in the
            same unit.

    Returns:
        By column; 0 where both means are equal, infinite where nothing spreads and they are not, NaN without subjects.

    Source:
        Rosenbaum and Rubin 1985; Austin 2009. Below 0.1 in size is commonly called balanced.
    """
    difference = members.mean() - others.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        return (difference / spread).mask(difference == 0, 0.0)


def pooled_spread(members: pd.DataFrame, others: pd.DataFrame) -> pd.Series[float]:
    """Root of the mean of both variances (``ddof=0``, so that a side of one subject has one), by column."""
    return ((members.var(ddof=0) + others.var(ddof=0)) / 2) ** 0.5


def as_numbers(covariates: pd.DataFrame) -> pd.DataFrame:
    """Measurements as they are, and one column of 0 and 1 for each kind, named ``sex F``."""
    columns = []
    for name, values in covariates.items():
        if pd.api.types.is_float_dtype(values):
            columns.append(values.to_frame())
        else:
            columns.append(indicators(values).add_prefix(f"{name} "))
    return pd.concat(columns, axis="columns") if columns else pd.DataFrame(index=covariates.index)


def _share_among(members: pd.Series[float], rest: pd.Series[float]) -> float:
    if pd.api.types.is_float_dtype(members):
        low, high = rest.quantile(CENTRAL)
        return float(members.between(low, high).mean())
    return float(members.isin(rest.unique()).mean())


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


UNKNOWN = float("nan")


class PairedDifference(NamedTuple):
    """Mean of member less other, in the unit of the scores, and how sure it is.

    Attributes:
        difference: NaN without pairs.
        low: Lower end of its interval (paired Student t); NaN with fewer than two pairs, or if all differ alike.
        high: Upper end.
        p: Two-sided.
    """

    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Matched:
    """A group against as many others who are like them.

    Attributes:
        group: Who was matched.
        pairs: ``member``, ``other`` (subject ids) and ``distance`` (root mean square of the differences of
            measurements, in SDs; 0 without measurements), one row a pair.
        unmatched: Members with nobody like them among the rest; what follows says nothing about them.
        balance: As in :class:`Pairs`.
        difference: Mean of member less other, in the unit of the scores; NaN without pairs.
        low: Lower end of its 95 % interval (paired Student t); NaN with fewer than two pairs.
        high: Upper end.
        p: Two-sided, not corrected for the number of groups.
        exclusions: As in :class:`faircmr.fairness.adjustment.Sample`.
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
    caliper: float = CALIPER,
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
    """
    sample = sample_of(scores, groups, attributes, covariates, fewest=1)
    found = pairs_of(sample, covariates, group, seed, caliper)
    ids, values = sample.scores.index, sample.values
    table = {"member": ids[found.member], "other": ids[found.other], "distance": found.distance}
    return Matched(
        group,
        pd.DataFrame(table),
        found.unmatched,
        found.balance,
        *paired_difference(values[found.member] - values[found.other]),
        sample.exclusions,
        sample.left_out,
    )


def paired_difference(differences: FloatArray, confidence: float = 0.95) -> PairedDifference:
    """Mean of differences within pairs, with the interval and p value of the paired Student t test.

    Args:
        differences: Member less other, shape ``(pairs,)``.
        confidence: Of the interval, above 0 and below 1.
    """
    from scipy.stats import ttest_1samp

    if len(differences) < 2 or np.ptp(differences) == 0:
        return PairedDifference(float(differences.mean()) if len(differences) else UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
    tested = ttest_1samp(differences, 0.0)
    low, high = tested.confidence_interval(confidence)
    return PairedDifference(float(differences.mean()), float(low), float(high), float(tested.pvalue))
