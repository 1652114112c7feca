"""Differences between groups before and after adjustment for covariates.

Student's and Fisher's quantiles assume that the error of a group's mean is normal. That of nine subjects with a skewed
Dice is not: at a skew of -4 one in five equal groups of nine is called different. Shuffled residuals have the skew that
there is, and robust errors need no equal spread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from faircmr.core import InvalidParameterError, generator
from faircmr.fairness.adjustment.covariates import Covariates, Sample, sample_of
from faircmr.fairness.adjustment.linear_models import GROUP, Coefficients, Design, LeastSquares, design_of
from faircmr.fairness.adjustment.matching import overlap_table
from faircmr.fairness.inference import FloatArray, Groups, shuffles

RESIDUAL = "residual"


def ancova_table(model: LeastSquares, terms: dict[str, FloatArray]) -> pd.DataFrame:
    """Type II table of a model without interactions, as textbooks and other programs have it.

    Args:
        model: Fitted to one set of scores.
        terms: As :func:`terms_of` gives them.

    Returns:
        One row a term, ``residual`` last: ``term``, ``squares`` that it explains beyond all others, ``df``, ``F`` and
        ``p_equal_spread`` (which holds where all groups spread alike), and ``partial_eta_squared`` (0..1: ``squares /
        (squares + residual squares)``); NaN where scores are fitted exactly.

    Source:
        Type II sums of squares as in R's ``car::Anova``; Cohen 1973 for partial eta squared.
    """
    from scipy.stats import f as fisher

    residual, freedom = model.squares, model.degrees_of_freedom
    table = pd.DataFrame(
        [(name, _squares_of(model, contrasts), len(contrasts)) for name, contrasts in terms.items()],
        columns=["term", "squares", "df"],
    )
    table["F"] = table["squares"] / table["df"] / (residual / freedom or np.nan)
    table["p_equal_spread"] = fisher.sf(table["F"], table["df"], freedom)
    table["partial_eta_squared"] = table["squares"] / (table["squares"] + (residual or np.nan))
    last = pd.DataFrame({"term": [RESIDUAL], "squares": [residual], "df": [freedom]})
    return pd.concat([table, last], ignore_index=True)


def terms_of(design: Design) -> dict[str, FloatArray]:
    """Contrasts that are all 0 where a term explains nothing: group levels are equal, slopes are 0."""
    identity = np.eye(design.matrix.shape[1])
    levels = identity[: design.groups]
    return {GROUP: levels[1:] - levels[0], **{name: identity[columns] for name, columns in design.terms.items()}}


def _squares_of(model: LeastSquares, contrasts: FloatArray) -> float:
    """By how much the residual squares grow if the contrasts are held at 0."""
    values, weights = model.coefficients.estimates(contrasts), contrasts @ model.to_coefficients
    return float(values @ np.linalg.solve(weights @ weights.T, values))


SHUFFLES_AT_ONCE = 32
"""Part of the work is one for all of them. Another number rounds the last digit of an interval otherwise."""


class Hypotheses(NamedTuple):
    """What of a model is asked.

    Attributes:
        contrasts: Weighted sums of coefficients, each tested alone, shape ``(contrasts, columns)``.
        terms: Contrasts that are tested together, each of shape ``(contrasts of the term, columns)``.
    """

    contrasts: FloatArray
    terms: Sequence[FloatArray]


class Tests(NamedTuple):
    """Answers; NaN where nothing spreads.

    Attributes:
        value: Contrasts in the unit of the scores, shape ``(contrasts,)``.
        low: Lower end of the interval, same shape.
        high: Upper end, same shape.
        p: Two-sided p, same shape; below ``alpha`` where the interval leaves 0 out.
        term_p: p of each term, shape ``(terms,)``.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    term_p: FloatArray


class Question(NamedTuple):
    """A model, fitted to one set of scores, and what of it is asked."""

    model: LeastSquares
    asked: Hypotheses


def shuffle_tests(questions: Sequence[Question], draws: int, seed: int, alpha: float = 0.05) -> list[Tests]:
    """Intervals and tests of contrasts, and tests of terms, from the same shuffles.

    Args:
        questions: Of the same subjects in the same order, at least one; each shuffle serves all of them.
        draws: Shuffles; p of a contrast is at least ``2 / (draws + 1)``, of a term half of that.
        seed: The same seed gives the same result, whatever else is asked beside it.
        alpha: One less the confidence of intervals, above 0 and below 1.

    Returns:
        One for each question. An interval ends where the studentised statistic of shuffled residuals has its outer
        ``alpha / 2``; p is twice the smaller tail.

    Source:
        ter Braak 1992 for shuffling residuals of the whole model; DiCiccio and Romano 2017 for studentising by
        robust errors.
    """
    drawn = _shuffled(questions, draws, seed)
    return [_run_tests(question, of_question, alpha) for question, of_question in zip(questions, drawn, strict=True)]


def _run_tests(question: Question, drawn: FloatArray, alpha: float) -> Tests:
    (model, asked), draws = question, len(drawn)
    count, own = len(asked.contrasts), _statistics(model.coefficients, asked)
    above = 1 + (drawn >= own).sum(axis=0)
    below = 1 + (drawn <= own).sum(axis=0)
    p = np.minimum(1.0, 2.0 * np.minimum(above, below)[:count] / (1 + draws))
    lower, upper = np.quantile(drawn[:, :count], (alpha / 2.0, 1.0 - alpha / 2.0), axis=0)
    value, error = model.coefficients.estimates(asked.contrasts), model.coefficients.errors(asked.contrasts)
    unknown = np.where(error > 0, 0.0, np.nan)
    term_p = np.where(np.isnan(own[count:]), np.nan, above[count:] / (1 + draws))
    return Tests(value, value - upper * error + unknown, value - lower * error + unknown, p + unknown, term_p)


def _shuffled(questions: Sequence[Question], draws: int, seed: int) -> list[FloatArray]:
    """Statistics of each question in each draw, shape ``(draws, contrasts + terms)``."""
    rng = generator(seed, "shuffled residuals")
    subjects = np.arange(len(questions[0].model.residuals))
    parts: list[list[FloatArray]] = [[] for _ in questions]
    for start in range(0, draws, SHUFFLES_AT_ONCE):
        orders = shuffles(subjects, min(SHUFFLES_AT_ONCE, draws - start), rng)
        for part, (model, asked) in zip(parts, questions, strict=True):
            part.append(_statistics(model.refit(model.residuals[orders]), asked))
    return [np.concatenate(part) for part in parts]


def _statistics(coefficients: Coefficients, asked: Hypotheses) -> FloatArray:
    """Studentised contrasts, then the robust F of each term, shape ``(..., contrasts + terms)``."""
    error = coefficients.errors(asked.contrasts)
    studentised = coefficients.estimates(asked.contrasts) / np.where(error > 0, error, np.inf)
    terms = [coefficients.wald(term)[..., None] for term in asked.terms]
    return np.concatenate([studentised, *terms], axis=-1)


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
            :func:`ancova_table`, and ``p`` of a robust F with shuffled residuals,
            the one to read where small groups spread more.
        overlap: As :func:`faircmr.fairness.adjustment.matching.overlap_table` makes it.
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
            *_concat_tables(tables[start : start + len(designs)]),
            overlap,
            exclusions,
            len(first.scores),
            first.left_out,
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


def _concat_tables(tables: Sequence[tuple[pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    differences, ancova = (pd.concat(parts, ignore_index=True) for parts in zip(*tables, strict=True))
    return differences, ancova


def _exclusions(sample: Sample, design: Design) -> pd.DataFrame:
    dropped = [("covariate", name, reason, 0) for name, reason in design.dropped.items()]
    return pd.concat([sample.exclusions, pd.DataFrame(dropped, columns=sample.exclusions.columns)], ignore_index=True)
