"""Analysis of covariance: what each term of a model explains beyond all others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from faircmr.fairness.adjustment.design import GROUP, Design
from faircmr.fairness.adjustment.least_squares import LeastSquares
from faircmr.fairness.inference.groups import FloatArray

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
