"""Groups of scored subjects as arrays that can be resampled in bulk, and intervals of estimates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScoresError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Groups:
    """Membership of subjects; a subject is one member of one group.

    Attributes:
        names: Groups in the order of every result, at least two.
        codes: Position in ``names`` of each subject's group, shape ``(subjects,)``; each group has a member.
    """

    names: tuple[str, ...]
    codes: IntArray

    def __post_init__(self) -> None:
        if len(self.names) < 2:
            raise InvalidScoresError("groups", ", ".join(self.names) or "none", "at least two groups to compare")
        if set(np.unique(self.codes)) != set(range(len(self.names))):
            raise InvalidScoresError("groups", "a group without subjects", "groups that have scored subjects")

    @classmethod
    def of(cls, labels: Sequence[str], order: Sequence[str] | None = None) -> Self:
        """Groups of subjects by their labels.

        Args:
            labels: Group of each subject.
            order: All groups in the order wanted; of the alphabet by default.

        Raises:
            InvalidScoresError: Fewer than two groups, a group of ``order`` without subjects, or a label
                that ``order`` lacks.
        """
        names = tuple(sorted(set(labels)) if order is None else order)
        if unknown := sorted(set(labels) - set(names)):
            raise InvalidScoresError("groups", unknown[0], f"one of {', '.join(names)}")
        place = {name: number for number, name in enumerate(names)}
        return cls(names, np.array([place[label] for label in labels], dtype=np.int64))

    @property
    def sizes(self) -> IntArray:
        """Subjects of each group, shape ``(groups,)``."""
        return np.bincount(self.codes, minlength=len(self.names))

    @property
    def membership(self) -> FloatArray:
        """1 where a subject is of a group and 0 elsewhere, shape ``(subjects, groups)``."""
        return np.eye(len(self.names))[self.codes]

    def means(self, values: npt.ArrayLike) -> FloatArray:
        """Mean of each group.

        Args:
            values: One number a subject, shape ``(..., subjects)``; leading axes are strategies or seeds.

        Returns:
            Shape ``(..., groups)``.
        """
        return np.asarray(np.asarray(values, dtype=np.float64) @ self.membership / self.sizes)

    def variances(self, values: npt.ArrayLike) -> FloatArray:
        """Sample variance of each group (``ddof=1``), shape ``(..., groups)``; NaN for a group of one."""
        scores = np.asarray(values, dtype=np.float64)
        deviations = scores - self.means(scores)[..., self.codes]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(deviations**2 @ self.membership / np.where(self.sizes > 1, self.sizes - 1, np.nan))


def checked_scores(values: npt.ArrayLike, groups: Groups) -> FloatArray:
    """Scores as an array of one finite number a subject.

    Args:
        values: Shape ``(..., subjects)``.
        groups: Of the same subjects.

    Raises:
        InvalidScoresError: Another number of subjects, NaN or infinite.
    """
    scores = np.asarray(values, dtype=np.float64)
    subjects = len(groups.codes)
    if scores.ndim == 0 or scores.shape[-1] != subjects:
        raise InvalidScoresError("scores", scores.shape, f"one number for each of {subjects} subjects on the last axis")
    if not np.isfinite(scores).all():
        missing = int((~np.isfinite(scores)).sum())
        raise InvalidScoresError("scores", f"{missing} not finite", "numbers", "score a missed structure by a rule")
    return scores


@dataclass(frozen=True)
class Interval:
    """Confidence intervals, as many as the arrays have elements.

    Attributes:
        low: Lower ends; ``-inf`` where the data bound nothing.
        estimate: Estimates, of the same shape.
        high: Upper ends; ``inf`` where the data bound nothing.
    """

    low: FloatArray
    estimate: FloatArray
    high: FloatArray

    def within(self, least: float, greatest: float) -> Self:
        """The same intervals, cut off at what is possible at all (0 and 1 of a Dice, -1 and 1 of its change)."""
        return type(self)(np.clip(self.low, least, greatest), self.estimate, np.clip(self.high, least, greatest))

    def holds(self, value: float | FloatArray) -> npt.NDArray[np.bool_]:
        """Whether each interval holds a value."""
        return np.asarray((self.low <= value) & (value <= self.high))
