"""Which differences these group sizes could show: what a test that finds nothing is worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError, InvalidScoresError
from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.verdict import check_alpha


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
