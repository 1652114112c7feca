"""Regression tests whose reference is the same fit to residuals that were shuffled over subjects.

Student's and Fisher's quantiles assume that the error of a group's mean is normal. That of nine subjects with a skewed
Dice is not: at a skew of -4 one in five equal groups of nine is called different. Shuffled residuals have the skew that
there is, and robust errors need no equal spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from faircmr.core.randomness import generator
from faircmr.fairness.adjustment.least_squares import Coefficients, LeastSquares
from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.randomisation import shuffles

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
    return [_judged(question, of_question, alpha) for question, of_question in zip(questions, drawn, strict=True)]


def _judged(question: Question, drawn: FloatArray, alpha: float) -> Tests:
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
