"""Linear models of many tables at once: design columns, least squares, and robust standard errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from faircmr.core import InvalidScoresError
from faircmr.fairness.adjustment.covariates import Sample
from faircmr.fairness.inference import FloatArray, subject_blocks

GROUP = "group"
CONSTANT = "the same for everybody"
IS_THE_GROUP = "cannot be told apart from the groups: their differences are not adjusted for it"
COLLINEAR = "follows from the groups and the covariates before it"


@dataclass(frozen=True)
class Design:
    """Of full rank: every coefficient is determined.

    Attributes:
        matrix: Shape ``(subjects, columns)``; the first columns are the groups, there is no intercept, so that their
            coefficients are group means at equal covariates.
        groups: How many columns are groups.
        terms: Columns of each covariate that is in the model.
        dropped: Reason for each that is not.
    """

    matrix: FloatArray
    groups: int
    terms: dict[str, slice] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)

    def with_term(self, name: str, columns: FloatArray) -> Design:
        """The design with one covariate more, or with the reason why it cannot be."""
        wider = np.column_stack([self.matrix, columns])
        if reason := self._objection(wider, columns):
            return replace(self, dropped={**self.dropped, name: reason})
        place = slice(self.matrix.shape[1], wider.shape[1])
        return replace(self, matrix=wider, terms={**self.terms, name: place})

    def _objection(self, wider: FloatArray, columns: FloatArray) -> str:
        if not columns.size:
            return CONSTANT
        if _is_of_full_rank(wider):
            return ""
        alone = np.column_stack([self.matrix[:, : self.groups], columns])
        return COLLINEAR if _is_of_full_rank(alone) else IS_THE_GROUP


def design_of(sample: Sample, names: Sequence[str]) -> Design:
    """Design of the groups and some covariates, in their order.

    Args:
        sample: Subjects.
        names: Covariates to adjust for.

    Returns:
        The design; a covariate that is constant or collinear with what stands before it is dropped whole.
    """
    design = Design(sample.groups.membership, len(sample.groups.names))
    for name in names:
        design = design.with_term(name, _columns(sample.covariates[name]))
    return design


def indicators(kinds: pd.Series[str]) -> pd.DataFrame:
    """1 where a subject is of a kind and 0 elsewhere, one column a kind, in the order of the alphabet."""
    return pd.DataFrame({kind: (kinds == kind).astype("float64") for kind in sorted(kinds.unique())})


def _columns(covariate: pd.Series[float]) -> FloatArray:
    if not pd.api.types.is_float_dtype(covariate):
        # the first kind is where the others are measured from
        return np.asarray(indicators(covariate.astype(str)), dtype=np.float64)[:, 1:]
    values = np.asarray(covariate, dtype=np.float64)[:, None]
    if np.ptp(values) == 0:
        return values[:, :0]
    # slopes have no say in the difference of groups; in SDs their size has none in what counts as collinear
    return np.asarray((values - values.mean()) / values.std())


def _is_of_full_rank(matrix: FloatArray) -> bool:
    return bool(np.linalg.matrix_rank(matrix) == matrix.shape[1])


FULL_LEVERAGE = 1.0 - 1e-9
ROUNDING = 1e-12
"""Residuals of scores in 0..1 that are smaller are 0: scores that are fitted exactly spread not at all."""


class Coefficients(NamedTuple):
    """Of one linear model and one or more sets of scores.

    Attributes:
        values: Shape ``(..., columns)``.
        covariance: HC3, shape ``(..., columns, columns)``.

    Source:
        Long and Ervin 2000, who recommend HC3 for small samples; it comes near the jackknife of MacKinnon and White
        1985.
    """

    values: FloatArray
    covariance: FloatArray

    def estimates(self, contrasts: FloatArray) -> FloatArray:
        """Weighted sums of coefficients.

        Args:
            contrasts: Weight of each coefficient, shape ``(contrasts, columns)``.

        Returns:
            Shape ``(..., contrasts)``.
        """
        return np.asarray(self.values @ contrasts.T)

    def errors(self, contrasts: FloatArray) -> FloatArray:
        """Standard errors of :meth:`estimates`, shape ``(..., contrasts)``."""
        variances = ((contrasts @ self.covariance) * contrasts).sum(axis=-1)
        return np.asarray(np.sqrt(np.maximum(variances, 0.0)))

    def wald(self, contrasts: FloatArray) -> FloatArray:
        """F statistic of all contrasts being 0 together.

        Args:
            contrasts: Independent rows, shape ``(contrasts, columns)``.

        Returns:
            Shape ``(...)``; NaN where nothing spreads.
        """
        values, covariance = self.estimates(contrasts), contrasts @ self.covariance @ contrasts.T
        try:
            solved = np.linalg.solve(covariance, values[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return np.full(values.shape[:-1], np.nan)
        return np.asarray((values * solved).sum(axis=-1) / len(contrasts))


@dataclass(frozen=True)
class LeastSquares:
    """A linear model fitted to one set of scores.

    Attributes:
        basis: Orthonormal basis of the design's columns, shape ``(subjects, columns)``.
        to_coefficients: Makes them of coordinates in that basis, shape ``(columns, columns)``.
        robust_weights: What each subject's score adds to each coefficient, over how far a residual falls short of its
            error, shape ``(columns, subjects)``.
        residuals: Shape ``(subjects,)``.
        coefficients: Of these scores.
    """

    basis: FloatArray
    to_coefficients: FloatArray
    robust_weights: FloatArray
    residuals: FloatArray
    coefficients: Coefficients

    @classmethod
    def fit(cls, matrix: FloatArray, values: FloatArray) -> Self:
        """Fit scores by the columns of a design.

        Args:
            matrix: Of full column rank, shape ``(subjects, columns)``.
            values: Shape ``(subjects,)``.

        Raises:
            InvalidScoresError: There are not more subjects than columns.
        """
        subjects, columns = matrix.shape
        if subjects <= columns:
            found = f"{subjects} subjects for {columns} coefficients"
            raise InvalidScoresError("scores", found, "more subjects than coefficients", "adjust for fewer covariates")
        basis, triangle = np.linalg.qr(matrix)
        inverse, coordinates = np.linalg.inv(triangle), values @ basis
        residuals = values - basis @ coordinates
        residuals[np.abs(residuals) < ROUNDING] = 0.0
        robust = _robust_weights(basis, inverse)
        covariance = _covariance(residuals[None], np.zeros((1, columns)), basis, robust)[0]
        return cls(basis, inverse, robust, residuals, Coefficients(inverse @ coordinates, covariance))

    def refit(self, values: FloatArray) -> Coefficients:
        """Those of the same design fitted to other scores, shape ``(sets, subjects)``."""
        coordinates = values @ self.basis
        covariance = _covariance(values, coordinates, self.basis, self.robust_weights)
        return Coefficients(coordinates @ self.to_coefficients.T, covariance)

    @property
    def degrees_of_freedom(self) -> int:
        """Subjects less coefficients."""
        subjects, columns = self.basis.shape
        return int(subjects - columns)

    @property
    def squares(self) -> float:
        """Sum of squared residuals."""
        return float((self.residuals**2).sum())


def _covariance(values: FloatArray, coordinates: FloatArray, basis: FloatArray, robust: FloatArray) -> FloatArray:
    """HC3 covariance of coefficients, shape ``(sets, columns, columns)``.

    Args:
        values: Shape ``(sets, subjects)``.
        coordinates: What is fitted to them, in the basis, shape ``(sets, columns)``.
        basis: Shape ``(subjects, columns)``.
        robust: Shape ``(columns, subjects)``.
    """
    one, other = np.triu_indices(len(robust))
    sums = np.zeros((len(values), len(one)))
    for some in subject_blocks(values.shape[1]):
        residuals = values[:, some] - coordinates @ basis[some].T
        # products of weights first: one product of matrices then serves all sets of scores
        sums += residuals**2 @ (robust[one, some] * robust[other, some]).T
    covariance = np.empty((len(values), len(robust), len(robust)))
    covariance[:, one, other] = covariance[:, other, one] = sums
    return covariance


def _robust_weights(basis: FloatArray, to_coefficients: FloatArray) -> FloatArray:
    """Weights over how far a residual falls short of its error; none for a subject that is fitted exactly.

    The only subject of a centre has a leverage of 1 and says nothing about anybody else: as if left out.
    """
    leverage = (basis**2).sum(axis=1)
    free = leverage < FULL_LEVERAGE
    return np.asarray(to_coefficients @ basis.T * np.where(free, 1.0 / np.where(free, 1.0 - leverage, 1.0), 0.0))
