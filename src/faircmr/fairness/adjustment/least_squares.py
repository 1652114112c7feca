"""Least squares of many tables at once, with standard errors that hold where groups spread differently."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from faircmr.core.errors import InvalidScoresError
from faircmr.fairness.inference.groups import FloatArray

FULL_LEVERAGE = 1.0 - 1e-9
ROUNDING = 1e-12
"""Residuals of scores in 0..1 that are smaller are 0: scores that are fitted exactly spread not at all."""


@dataclass(frozen=True)
class LeastSquares:
    """Linear models of one design, fitted to one or more sets of scores.

    Attributes:
        basis: Orthonormal basis of the design's columns, shape ``(subjects, columns)``.
        weights: What each subject's score adds to each coefficient, shape ``(columns, subjects)``.
        coefficients: Shape ``(..., columns)``.
        residuals: Shape ``(..., subjects)``.
        robust_weights: ``weights`` over how far a residual falls short of its error, same shape.
    """

    basis: FloatArray
    weights: FloatArray
    coefficients: FloatArray
    residuals: FloatArray
    robust_weights: FloatArray

    @classmethod
    def fit(cls, matrix: FloatArray, values: FloatArray) -> Self:
        """Fit scores by the columns of a design.

        Args:
            matrix: Of full column rank, shape ``(subjects, columns)``.
            values: Shape ``(..., subjects)``.

        Raises:
            InvalidScoresError: There are not more subjects than columns.
        """
        subjects, columns = matrix.shape
        if subjects <= columns:
            found = f"{subjects} subjects for {columns} coefficients"
            raise InvalidScoresError("scores", found, "more subjects than coefficients", "adjust for fewer covariates")
        basis, triangle = np.linalg.qr(matrix)
        weights = np.linalg.solve(triangle, basis.T)
        residuals = values - values @ basis @ basis.T
        exact = np.where(np.abs(residuals) < ROUNDING, 0.0, residuals)
        return cls(basis, weights, values @ weights.T, exact, _robust_weights(basis, weights))

    def refit(self, values: FloatArray) -> Self:
        """The same design fitted to other scores, shape ``(..., subjects)``."""
        fitted = values @ self.basis @ self.basis.T
        # in the same place: of thousands of shuffles a new array costs as much as the difference
        residuals = np.subtract(values, fitted, out=fitted)
        return replace(self, coefficients=values @ self.weights.T, residuals=residuals)

    @property
    def degrees_of_freedom(self) -> int:
        """Subjects less coefficients."""
        subjects, columns = self.basis.shape
        return int(subjects - columns)

    @cached_property
    def squared_residuals(self) -> FloatArray:
        """Shape ``(..., subjects)``."""
        return np.asarray(self.residuals**2)

    def squares(self) -> FloatArray:
        """Sum of squared residuals, shape ``(...)``."""
        return np.asarray(self.squared_residuals.sum(axis=-1))

    def estimates(self, contrasts: FloatArray) -> FloatArray:
        """Weighted sums of coefficients.

        Args:
            contrasts: Weight of each coefficient, shape ``(contrasts, columns)``.

        Returns:
            Shape ``(..., contrasts)``.
        """
        return np.asarray(self.coefficients @ contrasts.T)

    def errors(self, contrasts: FloatArray) -> FloatArray:
        """HC3 standard errors of :meth:`estimates`, shape ``(..., contrasts)``.

        Source:
            Long and Ervin 2000, who recommend it for small samples; it comes near the jackknife of MacKinnon and
            White 1985.
        """
        return np.asarray(np.sqrt(self.squared_residuals @ (contrasts @ self.robust_weights).T ** 2))

    def wald(self, contrasts: FloatArray) -> FloatArray:
        """F statistic, with the HC3 covariance, of all contrasts being 0 together.

        Args:
            contrasts: Independent rows, shape ``(contrasts, columns)``.

        Returns:
            Shape ``(...)``; NaN where nothing spreads.
        """
        values, rows = self.estimates(contrasts), contrasts @ self.robust_weights
        # products of rows first: one product of matrices then serves all sets of scores
        products = (rows[:, None] * rows).reshape(-1, rows.shape[-1])
        covariance = (self.squared_residuals @ products.T).reshape(*values.shape, len(contrasts))
        try:
            solved = np.linalg.solve(covariance, values[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return np.full(values.shape[:-1], np.nan)
        return np.asarray((values * solved).sum(axis=-1) / len(contrasts))


def _robust_weights(basis: FloatArray, weights: FloatArray) -> FloatArray:
    """Weights over how far a residual falls short of its error; none for a subject that is fitted exactly.

    The only subject of a centre has a leverage of 1 and says nothing about anybody else: as if left out.
    """
    leverage = (basis**2).sum(axis=1)
    free = leverage < FULL_LEVERAGE
    return np.asarray(weights * np.where(free, 1.0 / np.where(free, 1.0 - leverage, 1.0), 0.0))
