"""What may be said of a group. That a difference was not found says nothing: it is never called fair."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import numpy.typing as npt

from faircmr.core.errors import InvalidParameterError

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
