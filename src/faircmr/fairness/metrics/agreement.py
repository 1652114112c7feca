"""Clinical errors by group: limits of agreement, and subjects whose clinical class changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from faircmr.core import PROTECTED_GROUP, InvalidScoresError, Parameters
from faircmr.fairness.inference import Z, wilson
from faircmr.fairness.metrics.clinical import Measure, by_group, clinical_table
from faircmr.fairness.tables import attributes_of, comparable_scores, scores_by_seed

LOW, HIGH = 0.025, 0.975


class Agreement(NamedTuple):
    """Bias and limits of agreement with their 95 % intervals, in the unit of the differences.

    Attributes:
        n: Differences.
        bias: Their mean.
        bias_low: Lower end of its interval.
        bias_high: Upper end.
        sd: Their sample SD (``ddof=1``).
        lower_limit: ``bias - 1.96 sd``.
        lower_limit_low: Lower end of its interval.
        lower_limit_high: Upper end.
        upper_limit: ``bias + 1.96 sd``.
        upper_limit_low: Lower end of its interval.
        upper_limit_high: Upper end.
    """

    n: int
    bias: float
    bias_low: float
    bias_high: float
    sd: float
    lower_limit: float
    lower_limit_low: float
    lower_limit_high: float
    upper_limit: float
    upper_limit_low: float
    upper_limit_high: float


def limits_of_agreement(differences: npt.ArrayLike) -> Agreement:
    """Bland-Altman analysis of differences between two measurements.

    The interval of a limit is exact where the differences are normal: that of a normal quantile, by the noncentral t.
    The approximate one (Bland and Altman 1999) reaches as far inwards as outwards: of 9 subjects it ends short of the
    true limit in 7 % of samples, and beyond it in none, where it should be 2.5 % each.

    Args:
        differences: Predicted less reference, one a subject, shape ``(subjects,)``.

    Returns:
        All NaN but ``n`` and ``bias`` of one difference, and all but ``n`` of none.

    Raises:
        InvalidScoresError: A difference is not a finite number.

    Source:
        Bland and Altman 1986 for the limits; Carkeet 2015 for their intervals, each limit by itself.
    """
    values = np.asarray(differences, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InvalidScoresError("differences", "not finite", "finite numbers", "leave out and count what is undefined")
    n, nan = len(values), float("nan")
    if n < 2:
        return Agreement(n, float(values[0]) if n else nan, *(nan,) * 9)
    bias, sd = float(values.mean()), float(values.std(ddof=1))
    half, inner, outer = (factor * sd for factor in _factors(n))
    return Agreement(
        *(n, bias, bias - half, bias + half, sd),
        *(bias - Z * sd, bias - outer, bias - inner),
        *(bias + Z * sd, bias + inner, bias + outer),
    )


def agreement_table(errors: pd.DataFrame, groups: pd.Series[str]) -> pd.DataFrame:
    """Limits of agreement of every clinical measure, by group.

    Args:
        errors: Of one model, as :func:`~faircmr.fairness.metrics.clinical.clinical_errors` makes them with the index
            ``subject_id``.
        groups: Group of each subject, index ``subject_id``.

    Returns:
        One row a measure and group, ``all`` subjects last: ``measure``, ``unit``, ``group``, the fields of
        :class:`Agreement`, ``undefined`` (subjects without a value, left out of the others) and ``problems``
        (subjects with a structure or phase missing, with a value or without). No rows without clinical measures.

    Raises:
        InvalidScoresError: A subject has a measure twice.
        InvalidCohortError: Subjects do not join ``groups``.
    """
    rows = [
        {"measure": measure, "unit": unit, "group": group, **_summary(part)}
        for (measure, unit), of_measure in errors.groupby(["measure", "unit"], sort=False)
        for group, part in by_group(of_measure, groups)
    ]
    return pd.DataFrame(rows, columns=["measure", "unit", "group", *Agreement._fields, "undefined", "problems"])


def _summary(rows: pd.DataFrame) -> dict[str, float]:
    defined = rows["error"].dropna()
    counts = {"undefined": len(rows) - len(defined), "problems": int((rows["problem"] != "").sum())}
    return limits_of_agreement(defined.to_numpy())._asdict() | counts


def _factors(n: int) -> tuple[float, float, float]:
    """Of the SD: half the width of the bias's interval, and from the bias to both ends of the upper limit's."""
    from scipy import stats

    root = float(np.sqrt(n))
    half = float(stats.t.ppf(HIGH, n - 1)) / root
    inner, outer = (float(stats.nct.ppf(level, n - 1, root * Z)) / root for level in (LOW, HIGH))
    return half, inner, outer


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


def reclassification_rows(
    errors: pd.DataFrame, groups: pd.Series[str], classes: EjectionFractionClasses
) -> pd.DataFrame:
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


Tabulate = Callable[[pd.DataFrame, "pd.Series[str]"], pd.DataFrame]


def clinical_agreement(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Limits of agreement of every clinical measure, by strategy, training seed and protected group.

    Args:
        scores: Long scores of each strategy, with volumes; empty tables are strategies that did not run.
        subjects: Subject index.

    Returns:
        ``strategy`` and ``seed`` (missing where all seeds predicted together), then as
        :func:`agreement_table`.

    Raises:
        InvalidScoresError: No strategy has scores, or scores hold no volumes.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    return _tabulate_each_strategy(scores, subjects, agreement_table)


def reclassification(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Who is put into another class of ejection fraction, of either ventricle; arguments and errors as above.

    Returns:
        ``strategy``, ``seed`` and ``measure``, then as
        :func:`reclassification_rows`.
    """
    tables = [
        _tabulate_each_strategy(scores, subjects, partial(reclassification_rows, classes=classes)).assign(
            measure=str(classes.measure)
        )
        for classes in (LVEF_CLASSES, RVEF_CLASSES)
    ]
    table = pd.concat(tables, ignore_index=True)
    # nobody is counted where the study does not have the ventricle
    counted = table[table["n"] + table["without_reference"] > 0].reset_index(drop=True)
    return _with_leading_columns(["strategy", "seed", "measure"], counted)


def _tabulate_each_strategy(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, tabulate: Tabulate
) -> pd.DataFrame:
    parts = []
    for strategy, of_strategy in comparable_scores(scores, subjects).items():
        groups = attributes_of(pd.Index(of_strategy["subject_id"].unique()), subjects)[PROTECTED_GROUP]
        for seed, of_seed in scores_by_seed(of_strategy):
            table = tabulate(clinical_table(of_seed), groups)
            parts.append(table.assign(strategy=strategy, seed=seed).astype({"seed": "Int64"}))
    return _with_leading_columns(["strategy", "seed"], pd.concat(parts, ignore_index=True))


def _with_leading_columns(names: list[str], table: pd.DataFrame) -> pd.DataFrame:
    return table[[*names, *table.columns.drop(names)]]
