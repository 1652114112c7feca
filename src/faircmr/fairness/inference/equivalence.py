"""Is a group scored as the rest are, to within a margin that was declared before anybody looked?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError
from faircmr.fairness.inference.groups import FloatArray, Groups, checked_scores
from faircmr.fairness.inference.randomisation import Tails, permuted_groups
from faircmr.fairness.inference.studentised import Moments, spread_of, standardised, welch_statistic

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
