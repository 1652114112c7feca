"""Differences between groups before and after adjustment for covariates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.fairness.adjustment.ancova import ancova_table, terms_of
from faircmr.fairness.adjustment.covariates import Covariates, Sample, sample_of
from faircmr.fairness.adjustment.design import Design, design_of
from faircmr.fairness.adjustment.least_squares import LeastSquares
from faircmr.fairness.adjustment.overlap import overlap_table
from faircmr.fairness.adjustment.permutation import Hypotheses, Question, Tests, shuffle_tests
from faircmr.fairness.inference.groups import FloatArray, Groups

UNADJUSTED, CONFOUNDERS, MEDIATORS = "none", "confounders", "confounders and mediators"


class Draws(NamedTuple):
    """Shuffles, the seed that decides them, and one less the confidence of their intervals."""

    shuffles: int
    seed: int
    alpha: float = 0.05


@dataclass(frozen=True)
class Adjusted:
    """What is left of the differences between groups once covariates are held equal.

    Attributes:
        differences: One row an adjustment and group: ``adjustment`` (``none``, ``confounders``, ``confounders and
            mediators``; those that there is something to adjust for), ``group``, ``n``, ``difference`` from the rest
            of the subjects in the unit of the scores, its interval ``low`` and ``high``, and ``p`` (two-sided,
            not corrected for the number of groups). All adjustments are of the same subjects, so that what
            changes is not who they are.
        ancova: One row an adjustment and term (``group`` and each covariate): ``adjustment``, the columns of
            :func:`faircmr.fairness.adjustment.ancova.ancova_table`, and ``p`` of a robust F with shuffled residuals,
            the one to read where small groups spread more.
        overlap: As :func:`faircmr.fairness.adjustment.overlap.overlap_table` makes it.
        exclusions: ``what`` (``subjects``, ``group``, ``covariate``), ``name``, ``reason``, ``subjects`` (how many).
        subjects: How many the analysis is of.
        left_out: How many it is not of, each counted once.
    """

    differences: pd.DataFrame
    ancova: pd.DataFrame
    overlap: pd.DataFrame
    exclusions: pd.DataFrame
    subjects: int
    left_out: int

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each group that barely overlaps with the rest in a covariate."""
        rows = self.overlap[self.overlap["barely"]]
        return tuple(
            f"{group}: {share:.0%} have their like in {covariate} among the rest; adjustment extrapolates"
            for group, covariate, share in zip(rows["group"], rows["covariate"], rows["overlap"], strict=True)
        )


def adjusted_differences(
    scores: pd.Series[float],
    groups: pd.Series[str],
    attributes: pd.DataFrame,
    covariates: Covariates,
    draws: Draws,
    min_group_size: int = 5,
) -> Adjusted:
    """Compare each group with the rest of the subjects, without and with adjustment.

    One linear model an adjustment: a level for each group, a slope for each measurement (the same in every group), a
    level for each category. A group's difference is its level less the mean level of all other subjects.

    Adjusting says what explains a difference and not whether it is fair. Mediators (the size of a structure) are both
    a confounder of Dice and a way in which a group may be worse off: hence two adjustments, without and with them.

    Args:
        scores: Subject means in 0..1, index ``subject_id``.
        groups: Group of each subject, same index; missing where it is not recorded.
        attributes: Has every covariate, same index.
        covariates: What to adjust for.
        draws: Shuffles of intervals and tests.
        min_group_size: Groups with fewer complete subjects are left out and counted; at least 2.

    Returns:
        Differences, tests, overlap and what was left out.

    Raises:
        InvalidScoresError: Scores are missing or outside 0..1, fewer than two groups are large enough, or there are not
            more subjects than coefficients.
        InvalidCohortError: The tables are not of the same subjects, each once.
        InvalidParameterError: A covariate cannot be used as declared, or ``min_group_size`` is below 2.
    """
    return adjusted_models([scores], groups, attributes, covariates, draws, min_group_size)[0]


def adjusted_models(
    scores: Sequence[pd.Series[float]],
    groups: pd.Series[str],
    attributes: pd.DataFrame,
    covariates: Covariates,
    draws: Draws,
    min_group_size: int = 5,
) -> list[Adjusted]:
    """As :func:`adjusted_differences`, of several models on the same subjects, who are shuffled once for all of them.

    Args:
        scores: Of each model, at least one.
        groups: As there, and so what follows.
        attributes: As there.
        covariates: As there.
        draws: As there.
        min_group_size: As there.

    Returns:
        What each model has alone.

    Raises:
        InvalidScoresError: As there.
        InvalidCohortError: As there.
        InvalidParameterError: As there.
    """
    if min_group_size < 2:
        raise InvalidParameterError("min_group_size", min_group_size, "at least 2: one subject has no spread")
    samples = [sample_of(of_model, groups, attributes, covariates, min_group_size) for of_model in scores]
    # subjects and covariates are those of every sample
    first = samples[0]
    designs = {name: design_of(first, names) for name, names in _adjustments(covariates)}
    fits = [_Fit.of(name, sample, design) for sample in samples for name, design in designs.items()]
    tests = shuffle_tests([fit.question for fit in fits], *draws)
    tables = [_tables(fit, of_fit) for fit, of_fit in zip(fits, tests, strict=True)]
    overlap, exclusions = overlap_table(first), _exclusions(first, list(designs.values())[-1])
    return [
        Adjusted(
            *_put_together(tables[start : start + len(designs)]), overlap, exclusions, len(first.scores), first.left_out
        )
        for start in range(0, len(tables), len(designs))
    ]


def against_rest(groups: Groups) -> FloatArray:
    """Contrasts of each group's level with the mean level of all other subjects, shape ``(groups, groups)``."""
    sizes = groups.sizes.astype(np.float64)
    return np.where(np.eye(len(sizes)) > 0, 1.0, -sizes / (sizes.sum() - sizes)[:, None])


def _adjustments(covariates: Covariates) -> Iterator[tuple[str, tuple[str, ...]]]:
    confounders = (*covariates.numeric, *covariates.categorical)
    yield UNADJUSTED, ()
    if confounders:
        yield CONFOUNDERS, confounders
    if covariates.mediators:
        yield MEDIATORS, covariates.names


class _Fit(NamedTuple):
    """One adjustment of one model."""

    adjustment: str
    groups: Groups
    terms: dict[str, FloatArray]
    question: Question

    @classmethod
    def of(cls, adjustment: str, sample: Sample, design: Design) -> _Fit:
        terms = terms_of(design)
        contrasts = np.zeros((design.groups, design.matrix.shape[1]))
        contrasts[:, : design.groups] = against_rest(sample.groups)
        model = LeastSquares.fit(design.matrix, sample.values)
        return cls(adjustment, sample.groups, terms, Question(model, Hypotheses(contrasts, list(terms.values()))))


def _tables(fit: _Fit, tests: Tests) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers = {"difference": tests.value, "low": tests.low, "high": tests.high, "p": tests.p}
    names = {"adjustment": fit.adjustment, "group": fit.groups.names, "n": fit.groups.sizes}
    ancova = ancova_table(fit.question.model, fit.terms)
    ancova.insert(0, "adjustment", fit.adjustment)
    ancova["p"] = [*tests.term_p, np.nan]
    return pd.DataFrame({**names, **numbers}), ancova


def _put_together(tables: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    differences, ancova = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    return differences, ancova


def _exclusions(sample: Sample, design: Design) -> pd.DataFrame:
    dropped = [("covariate", name, reason, 0) for name, reason in design.dropped.items()]
    return pd.concat([sample.exclusions, pd.DataFrame(dropped, columns=sample.exclusions.columns)], ignore_index=True)
