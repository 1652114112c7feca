"""Who lands in another clinical class when a model measures the ejection fraction."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from faircmr.core.parameters import Parameters
from faircmr.fairness.intervals import wilson
from faircmr.fairness.metrics.by_group import by_group
from faircmr.fairness.metrics.clinical import Measure

UNDEFINED = "undefined"
_UNKNOWN = -1


class Cutoff(Parameters):
    """A border between two classes.

    Attributes:
        percent: Ejection fraction.
        belongs_to: Class of an ejection fraction that is exactly this.
    """

    percent: Annotated[float, Field(gt=0.0, lt=100.0)]
    belongs_to: Literal["lower", "upper"]


class EjectionFractionClasses(Parameters):
    """Clinical classes of an ejection fraction, from the lowest up.

    Attributes:
        measure: Which ejection fraction.
        names: One a class.
        cutoffs: Ascending, one between each two classes.
    """

    measure: Measure
    names: tuple[str, ...]
    cutoffs: tuple[Cutoff, ...]

    @model_validator(mode="after")
    def _are_divided_by_ascending_cutoffs(self) -> Self:
        if self.measure not in {Measure.LVEF, Measure.RVEF}:
            raise ValueError("measure must be an ejection fraction: LVEF or RVEF")
        if not self.cutoffs or len(self.names) != len(self.cutoffs) + 1:
            raise ValueError("names must be one more than cutoffs, and cutoffs one at least")
        if len({*self.names, UNDEFINED}) != len(self.names) + 1:
            raise ValueError(f"names must differ, and none may be {UNDEFINED!r}")
        if any(upper.percent <= lower.percent for lower, upper in pairwise(self.cutoffs)):
            raise ValueError("cutoffs must ascend")
        return self

    def place(self, percent: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Class of each ejection fraction, from 0, or -1 where there is none (NaN); same shape."""
        values = np.asarray(percent, dtype=np.float64)
        above = [
            values > cutoff.percent if cutoff.belongs_to == "lower" else values >= cutoff.percent
            for cutoff in self.cutoffs
        ]
        return np.where(np.isnan(values), _UNKNOWN, np.sum(above, axis=0))


LVEF_CLASSES = EjectionFractionClasses(
    measure=Measure.LVEF,
    names=("reduced", "mildly reduced", "preserved"),
    cutoffs=(Cutoff(percent=40.0, belongs_to="lower"), Cutoff(percent=50.0, belongs_to="upper")),
)
"""At most 40 %, between, and at least 50 %: McDonagh et al. 2021 (ESC guidelines on heart failure), who print 41-49 for
what lies between, of whole percents."""
RVEF_CLASSES = EjectionFractionClasses(
    measure=Measure.RVEF,
    names=("reduced", "preserved"),
    cutoffs=(Cutoff(percent=45.0, belongs_to="upper"),),
)
"""Below 45 % and not, by convention: it is a lower limit of 3-D echocardiography, and those given for MR lie some
points higher. Other cut-offs are other :class:`EjectionFractionClasses`."""


def cross_table(errors: pd.DataFrame, groups: pd.Series[str], classes: EjectionFractionClasses) -> pd.DataFrame:
    """Subjects by the class that the expert's contours give them and that which the model gives them.

    Args:
        errors: Of one model, as :func:`~faircmr.fairness.metrics.clinical.clinical_errors` makes them with the index
            ``subject_id``.
        groups: Group of each subject, index ``subject_id``.
        classes: Which ejection fraction, and its classes.

    Returns:
        One row a group (``all`` subjects last) and class of the reference: ``group``, ``reference``, then a column of
        counts for each predicted class. ``undefined`` is both the last row of a group and the last column: there was
        no ejection fraction.

    Raises:
        InvalidScoresError: A subject has the measure twice.
        InvalidCohortError: Subjects do not join ``groups``.
    """
    parts = by_group(errors[errors["measure"] == classes.measure], groups)
    return pd.concat([_counts(rows, classes).assign(group=group) for group, rows in parts], ignore_index=True)[
        ["group", "reference", *classes.names, UNDEFINED]
    ]


def reclassified(errors: pd.DataFrame, groups: pd.Series[str], classes: EjectionFractionClasses) -> pd.DataFrame:
    """Share of each group that the model puts into another class than the expert.

    Args:
        errors: As for :func:`cross_table`.
        groups: As there.
        classes: As there.

    Returns:
        Four rows a group, ``all`` subjects last: ``group``, ``n`` (subjects whose reference has a class),
        ``without_reference`` (those whose has none, left out), ``outcome``, ``count``, and the ``share`` of ``n`` with
        its 95 % interval ``low`` to ``high`` (Wilson; NaN where ``n`` is 0). Outcomes: ``unchanged``; ``upward`` into
        a class of higher ejection fraction, so that disease is overlooked; ``downward``; ``undefined``, where the
        model left nothing to measure. They add up to ``n``: whom a model failed is never left out.

    Raises:
        InvalidScoresError: As for :func:`cross_table`.
        InvalidCohortError: As there.
    """
    parts = by_group(errors[errors["measure"] == classes.measure], groups)
    return pd.DataFrame([row | {"group": group} for group, rows in parts for row in _shares(rows, classes)])[
        ["group", "n", "without_reference", "outcome", "count", "share", "low", "high"]
    ]


def _counts(rows: pd.DataFrame, classes: EjectionFractionClasses) -> pd.DataFrame:
    names = [*classes.names, UNDEFINED]
    counts = np.zeros((len(names), len(names)), np.int64)
    # -1 is the last place, which is that of the undefined
    np.add.at(counts, (classes.place(rows["reference"]), classes.place(rows["predicted"])), 1)
    table = pd.DataFrame(counts, columns=names)
    table.insert(0, "reference", names)
    return table


def _shares(rows: pd.DataFrame, classes: EjectionFractionClasses) -> list[dict[str, object]]:
    drawn, found = classes.place(rows["reference"]), classes.place(rows["predicted"])
    known, defined = drawn != _UNKNOWN, found != _UNKNOWN
    outcomes = {
        "unchanged": known & (found == drawn),
        "upward": known & (found > drawn),
        "downward": known & defined & (found < drawn),
        UNDEFINED: known & ~defined,
    }
    n = int(known.sum())
    return [
        {"n": n, "without_reference": len(rows) - n, "outcome": outcome, **_share(int(of.sum()), n)}
        for outcome, of in outcomes.items()
    ]


def _share(count: int, n: int) -> dict[str, float]:
    share, (low, high) = (count / n, wilson(count / n, n)) if n else (float("nan"), (float("nan"),) * 2)
    return {"count": count, "share": share, "low": low, "high": high}
