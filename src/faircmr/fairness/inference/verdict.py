"""Verdicts on a group: different, equivalent within a margin, or undecided; and the power behind them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference.groups import FloatArray, Groups, checked_scores
from faircmr.fairness.inference.permutation import Tails, permuted_groups
from faircmr.fairness.inference.resampling import Moments, spread_of, standardised, welch_statistic

MARGIN = 0.01
"""One DSC point."""


@dataclass(frozen=True)
class EquivalenceTests:
    """Two one-sided tests of each group against the rest.

    Attributes:
        margin: Largest difference that does not matter, in the unit of the scores.
        differences: Mean of the group less that of everybody else, shape ``(..., groups)``.
        below: p value against "worse than the rest by the margin or more", same shape.
        above: p value against "better than the rest by the margin or more".
    """

    margin: float
    differences: FloatArray
    below: FloatArray
    above: FloatArray

    @property
    def p_values(self) -> FloatArray:
        """The larger of both: p value against "apart by the margin or more", NaN for a group of one."""
        return np.maximum(self.below, self.above)

    @property
    def all_groups(self) -> FloatArray:
        """The p value against "some group is apart by the margin or more", shape ``(...)``; NaN with a group of one.

        Source:
            Berger 1982: a claim that needs every test needs no correction for their number.
        """
        return np.asarray(self.p_values.max(axis=-1))


def equivalence_tests(
    values: npt.ArrayLike, groups: Groups, draws: int, seed: int, margin: float = MARGIN
) -> EquivalenceTests:
    """Two one-sided studentised permutation tests, each at the border of its null hypothesis.

    The group's scores are moved by the margin, so that under a difference of just the margin all subjects are
    exchangeable again, and permuted there. Exact then, where group and rest differ by a shift only; Welch's and the
    bootstrap's one-sided tests are not (docs/decisions/0021). A difference of exactly the margin is not equivalent.

    Args:
        values: One score a subject, shape ``(..., subjects)``; leading axes are strategies.
        groups: Of the same subjects.
        draws: Permutations, at least 1; the same as those of ``permutation_tests`` with this seed.
        seed: Same seed, same result.
        margin: Positive, in the unit of the scores; declared before the run.

    Raises:
        InvalidScoresError: Another number of subjects, or a score that is not finite.
        InvalidParameterError: No draws, or a margin that is not positive.

    Source:
        Schuirmann 1987 for the two tests; Janssen 1997 for permutation of the studentised difference.
    """
    if not margin > 0.0:
        raise InvalidParameterError("margin", margin, "above 0, in the unit of the scores", "0.01 is one DSC point")
    scores = checked_scores(values, groups)
    flat = scores.reshape(-1, scores.shape[-1])
    table, shift = standardised(flat), margin / spread_of(flat)
    below, above = (_Shifted(table, groups, sign * shift) for sign in (1.0, -1.0))
    for permuted in permuted_groups(groups, draws, len(table), seed):
        drawn, stayed = permuted.moments(table), permuted.stayed(table)
        below.tails.add(below.statistic(drawn, stayed))
        above.tails.add(above.statistic(drawn, stayed))
    shape = (*scores.shape[:-1], -1)
    differences = groups.means(flat) - (flat.sum(axis=-1, keepdims=True) - flat @ groups.membership) / (
        len(groups.codes) - groups.sizes
    )
    return EquivalenceTests(
        margin, differences.reshape(shape), below.tails.upper.reshape(shape), above.tails.lower.reshape(shape)
    )


class _Shifted:
    """Every group in turn moved by the same distance, and tested against the rest."""

    def __init__(self, table: FloatArray, groups: Groups, shift: FloatArray) -> None:
        """Test what was observed; ``shift`` has the shape (tables, 1)."""
        self._shift = shift
        observed = Moments.of(table, groups.membership)
        everybody = np.ones((len(groups.codes), 1))
        self._total = self._moved(Moments.of(table, everybody), observed, shift)
        inside = self._moved(observed, observed, shift)
        self.tails = Tails(welch_statistic(inside, _difference(self._total, inside)))

    def statistic(self, drawn: Moments, stayed: Moments) -> FloatArray:
        """Of permuted groups, shape (tables, draws, groups)."""
        inside = self._moved(drawn, stayed, self._shift[..., np.newaxis])
        total = Moments(self._total.sums[:, np.newaxis], self._total.squares[:, np.newaxis], self._total.sizes)
        return welch_statistic(inside, _difference(total, inside))

    @staticmethod
    def _moved(moments: Moments, members: Moments, shift: FloatArray) -> Moments:
        """Sums after some members were moved."""
        sums = moments.sums + shift * members.sizes
        squares = moments.squares + 2.0 * shift * members.sums + shift**2 * members.sizes
        return Moments(sums, squares, moments.sizes)


def _difference(whole: Moments, part: Moments) -> Moments:
    return Moments(whole.sums - part.sums, whole.squares - part.squares, whole.sizes - part.sizes)


Verdicts = npt.NDArray[np.str_]


class Verdict(StrEnum):
    """The words of the report."""

    DIFFERENT = "different"
    EQUIVALENT = "equivalent"
    DIFFERENT_WITHIN_MARGIN = "different, within the margin"
    INSUFFICIENT_EVIDENCE = "insufficient evidence"


def verdicts(
    difference: npt.ArrayLike,
    equivalence: npt.ArrayLike,
    sizes: npt.ArrayLike,
    min_group_size: int,
    alpha: float = 0.05,
) -> Verdicts:
    """One verdict for each group, from both of its p values.

    Args:
        difference: p values against "no difference", adjusted for their family, shape ``(..., groups)``.
        equivalence: p values against "apart by the margin or more", adjusted for theirs, same shape.
        sizes: Subjects of each group, shape ``(groups,)``.
        min_group_size: Fewer subjects are insufficient evidence, whatever the p values; at least 2.
        alpha: Error permitted in each family, above 0 and below 1.

    Returns:
        Values of :class:`Verdict`, shape ``(..., groups)``. NaN rejects nothing.

    Raises:
        InvalidParameterError: ``min_group_size`` below 2, or ``alpha`` outside 0..1.

    Source:
        Lakens 2017 ("Equivalence tests: a practical primer") for the four outcomes.
    """
    if min_group_size < 2:
        raise InvalidParameterError("min_group_size", min_group_size, "at least 2", "one subject has no spread")
    check_alpha(alpha)
    enough = np.asarray(sizes) >= min_group_size
    different = (np.asarray(difference) <= alpha) & enough
    equivalent = (np.asarray(equivalence) <= alpha) & enough
    return np.select(
        [different & equivalent, different, equivalent],
        [Verdict.DIFFERENT_WITHIN_MARGIN, Verdict.DIFFERENT, Verdict.EQUIVALENT],
        Verdict.INSUFFICIENT_EVIDENCE,
    ).astype(np.str_)


def check_alpha(alpha: float) -> None:
    """Refuse an error rate outside of 0..1, both ends included.

    Raises:
        InvalidParameterError: As above.
    """
    if not 0.0 < alpha < 1.0:
        raise InvalidParameterError("alpha", alpha, "above 0 and below 1")


def power_against_rest(gap: npt.ArrayLike, sizes: npt.ArrayLike, sds: npt.ArrayLike, alpha: float = 0.05) -> FloatArray:
    """Chance that the test of a group against the rest finds a true difference.

    Args:
        gap: True difference of the group's mean from that of everybody else, in the unit of ``sds``; shape
            ``(..., groups)`` or one number. Its sign makes no difference.
        sizes: Subjects of each group, shape ``(groups,)``, at least two groups.
        sds: SD of the scores within each group, shape ``(..., groups)`` or one number for all. The rest is taken to
            vary as its groups do within themselves.
        alpha: Level of the two-sided test, above 0 and below 1; for the first step of Holm over m tests, alpha / m.

    Returns:
        In 0..1, shape ``(..., groups)``; NaN for a group of one.

    Raises:
        InvalidScoresError: Fewer than two groups, an empty group, or an SD that is not positive.
        InvalidParameterError: ``alpha`` outside of its range.

    Source:
        Noncentral t with the degrees of freedom of Satterthwaite 1946 and Welch 1947, for normal scores. What
        permutation reaches with skewed scores is measured in ``benchmarks/test_errors.py``.
    """
    check_alpha(alpha)
    error, freedom = _error_of_difference(sizes, sds)
    return _power(np.abs(np.asarray(gap, dtype=np.float64)) / error, freedom, alpha)


def smallest_detectable_gap(
    sizes: npt.ArrayLike, sds: npt.ArrayLike, alpha: float = 0.05, power: float = 0.8
) -> FloatArray:
    """The true difference of a group from the rest that would be found with the power asked for.

    Args:
        sizes: As for :func:`power_against_rest`.
        sds: As there.
        alpha: As there.
        power: Above ``alpha`` and below 1.

    Returns:
        In the unit of ``sds``, positive, shape ``(..., groups)``; NaN for a group of one.

    Raises:
        InvalidScoresError: As for :func:`power_against_rest`.
        InvalidParameterError: ``alpha`` or ``power`` outside of its range.

    Source:
        As there.
    """
    from scipy.optimize import elementwise

    check_alpha(alpha)
    if not alpha < power < 1.0:
        raise InvalidParameterError("power", power, f"above alpha ({alpha}) and below 1")
    error, freedom = _error_of_difference(sizes, sds)

    def missing(noncentrality: FloatArray, freedom: FloatArray) -> FloatArray:
        return _power(noncentrality, freedom, alpha) - power

    solved = elementwise.find_root(missing, (np.zeros_like(freedom), _enough(freedom, alpha, power)), args=(freedom,))
    return np.asarray(np.where(np.isnan(freedom), np.nan, solved.x * error))


def _power(noncentrality: FloatArray, freedom: FloatArray, alpha: float) -> FloatArray:
    from scipy.stats import nct, t

    critical = t.isf(alpha / 2, freedom)
    return np.asarray(nct.sf(critical, freedom, noncentrality) + nct.sf(critical, freedom, -noncentrality))


def _enough(freedom: FloatArray, alpha: float, power: float) -> FloatArray:
    """A noncentrality with more than the power asked for, to look below.

    Numerator and denominator of t are independent: it suffices that each does its part with the root of the power.
    """
    from scipy.stats import chi2, norm, t

    part = np.sqrt(power)
    return np.asarray(t.isf(alpha / 2, freedom) * np.sqrt(chi2.ppf(part, freedom) / freedom) + norm.ppf(part))


def _error_of_difference(sizes: npt.ArrayLike, sds: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Standard error of each group's difference from the rest, and its degrees of freedom."""
    members = np.asarray(sizes, dtype=np.float64)
    if members.ndim != 1 or len(members) < 2 or not (members >= 1).all():
        raise InvalidScoresError("sizes", sizes, "at least two groups, each with subjects")
    variances = np.broadcast_to(
        np.asarray(sds, dtype=np.float64) ** 2, np.broadcast_shapes(np.shape(sds), members.shape)
    )
    if not (variances > 0.0).all():
        raise InvalidScoresError("sds", sds, "above 0, in the unit of the gap")
    others = members.sum() - members
    sums = (members * variances).sum(axis=-1, keepdims=True) - members * variances
    inside, outside = variances / members, sums / others**2
    # one subject has no degree of freedom
    free, free_outside = (np.where(count > 1, count - 1, np.nan) for count in (members, others))
    return np.sqrt(inside + outside), (inside + outside) ** 2 / (inside**2 / free + outside**2 / free_outside)
