"""Bootstrap-t: intervals that ask how far a mean strays in units of its own standard error.

A small group of skewed scores has few of the bad ones or none, and then its mean is too good and its standard error
too small at once. Studentising sees the two together, and puts the length where it is missing; Student's interval
does not (measured: ``docs/decisions/0020-intervals.md``). What no interval can see is a kind of failure that the
group's subjects do not show at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError
from faircmr.fairness.inference.groups import FloatArray, Groups
from faircmr.fairness.inference.interval import Interval
from faircmr.fairness.inference.resampling import Estimates, group_estimates, resampled_estimates

THESE_MODELS = "conditional on these trained models"
NEW_TRAININGS = "over new subjects and new trainings"


@dataclass(frozen=True)
class BootstrapT:
    """Estimates from the data and from every draw.

    Attributes:
        observed: Shape ``(...)``.
        resampled: Shape ``(draws, ...)``.
    """

    observed: Estimates
    resampled: Estimates

    def interval(self, confidence: float = 0.95) -> Interval:
        """Equal-tailed interval of each estimate by itself: ``estimate - t*_(1-a/2) SE`` to ``estimate - t*_(a/2) SE``.

        A standard error that is unknown (a group of one) gives the whole line. A draw of equal numbers has an
        infinite t of the sign of its difference. Of groups of two or three (of four, in a region of six groups) there
        are so many of these that the interval is infinite at one end or both, which is what so few subjects tell.
        Scores that are all equal give a point.

        Args:
            confidence: Above 0 and below 1.

        Raises:
            InvalidParameterError: Another confidence, or one that needs more draws.

        Source:
            Hall 1988, who calls it percentile-t and shows that it is accurate to second order.
        """
        least, greatest = _outer_quantiles(self._studentised(), confidence)
        estimate, error = self.observed.values, self.observed.standard_errors
        with np.errstate(invalid="ignore"):
            # a standard error of 0 makes a point, even where t is infinite
            below, above = (np.where(error == 0, 0.0, end * error) for end in (greatest, least))
        unknown = np.isnan(error)
        low, high = np.where(unknown, -np.inf, estimate - below), np.where(unknown, np.inf, estimate - above)
        return Interval(low, estimate, high)

    def _studentised(self) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (self.resampled.values - self.observed.values) / self.resampled.standard_errors
        return np.nan_to_num(t, copy=False, nan=0.0, posinf=np.inf, neginf=-np.inf)


@dataclass(frozen=True)
class GroupBootstrap:
    """Bootstrap-t of protected groups.

    Attributes:
        groups: Of the mean of each group, shape ``(..., groups)``.
        mean_of_groups: Of their unweighted mean, shape ``(...)``.
        scope: What the intervals speak of: :data:`THESE_MODELS` or :data:`NEW_TRAININGS`.
    """

    groups: BootstrapT
    mean_of_groups: BootstrapT
    scope: str

    def region(self, confidence: float = 0.95) -> Interval:
        """Intervals that hold the means of all groups at once: a box.

        Every group is as likely to lie outside as any other (balanced, as Beran 1988 asks). No subject is in two
        groups, so that the chance that all lie inside is the product of their chances: each interval is at
        ``confidence ** (1 / groups)``. Trainings that are drawn again are common to all groups; the box then holds
        them with at least that chance (Šidák 1967, for normal estimates).

        Args:
            confidence: Of the whole box; above 0 and below 1.

        Raises:
            InvalidParameterError: As for :meth:`BootstrapT.interval`.
        """
        return self.groups.interval(confidence ** (1.0 / self.groups.observed.values.shape[-1]))


def bootstrap_t(values: npt.ArrayLike, groups: Groups, draws: int, seed: int) -> GroupBootstrap:
    """Bootstrap-t of group means, or of paired changes where the values are differences of two strategies.

    Args:
        values: One number a subject, shape ``(..., subjects)``; the leading axes (strategies) share the draws.
        groups: Membership of the subjects, who are drawn again within their group.
        draws: Number of draws. With 10,000, another seed moves an end of a 95 % region of six groups by 1 to 4 % of
            the interval's width (SD); by 9 % in a group of nine of which one subject lies far off.
        seed: Same seed, same subjects drawn, whatever the values.

    Returns:
        Conditional on the trained models.

    Raises:
        InvalidScoresError: NaN or infinite values, or values of other subjects than those of ``groups``.
        InvalidParameterError: No draws.
    """
    observed, resampled = group_estimates(values, groups), resampled_estimates(values, groups, draws, seed)
    means = BootstrapT(_mean_of_groups(observed), _mean_of_groups(resampled))
    return GroupBootstrap(BootstrapT(observed, resampled), means, THESE_MODELS)


def _mean_of_groups(groups: Estimates) -> Estimates:
    variance = (groups.standard_errors**2).mean(axis=-1) / groups.values.shape[-1]
    return Estimates(groups.values.mean(axis=-1), np.sqrt(variance))


def _outer_quantiles(t: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Draws next to the quantiles on the outside; between two draws there may be infinity."""
    if not 0.0 < confidence < 1.0:
        raise InvalidParameterError("confidence", confidence, "above 0 and below 1, e.g. 0.95")
    tail = (1.0 - confidence) / 2.0
    if tail * len(t) < 1.0:
        raise InvalidParameterError(
            "draws", len(t), f"at least {int(np.ceil(1 / tail))} at confidence {confidence:.4g}"
        )
    return np.quantile(t, tail, axis=0, method="lower"), np.quantile(t, 1.0 - tail, axis=0, method="higher")
