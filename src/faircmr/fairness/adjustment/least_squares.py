"""Least squares of many tables at once, with standard errors that hold where groups spread differently."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from faircmr.core.errors import InvalidScoresError
from faircmr.fairness.inference.groups import FloatArray
from faircmr.fairness.inference.randomisation import subject_blocks

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
