"""Least squares of many tables at once, with standard errors that hold where groups spread differently."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    """

    basis: FloatArray
    weights: FloatArray
    coefficients: FloatArray
    residuals: FloatArray

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
        return cls(basis, weights, values @ weights.T, np.where(np.abs(residuals) < ROUNDING, 0.0, residuals))

    def refit(self, values: FloatArray) -> Self:
        """The same design fitted to other scores, shape ``(..., subjects)``."""
        residuals = values - values @ self.basis @ self.basis.T
        return replace(self, coefficients=values @ self.weights.T, residuals=residuals)

    @property
    def degrees_of_freedom(self) -> int:
        """Subjects less coefficients."""
        subjects, columns = self.basis.shape
        return int(subjects - columns)

    def squares(self) -> FloatArray:
        """Sum of squared residuals, shape ``(...)``."""
        return np.asarray((self.residuals**2).sum(axis=-1))

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
            MacKinnon and White 1985; Long and Ervin 2000 for small samples.
        """
        return np.asarray(np.sqrt(self.residuals**2 @ (contrasts @ self._robust_weights()).T ** 2))

    def wald(self, contrasts: FloatArray) -> FloatArray:
        """F statistic, with the HC3 covariance, of all contrasts being 0 together.

        Args:
            contrasts: Independent rows, shape ``(contrasts, columns)``.

        Returns:
            Shape ``(...)``; NaN where nothing spreads.
        """
        values, rows = self.estimates(contrasts), contrasts @ self._robust_weights()
        covariance = np.einsum("...s,is,js->...ij", self.residuals**2, rows, rows, optimize=True)
        try:
            solved = np.linalg.solve(covariance, values[..., None])[..., 0]
        except np.linalg.LinAlgError:
            return np.full(values.shape[:-1], np.nan)
        return np.asarray((values * solved).sum(axis=-1) / len(contrasts))

    def _robust_weights(self) -> FloatArray:
        """Weights over how far a residual falls short of its error; none for a subject that is fitted exactly.

        The only subject of a centre has a leverage of 1 and says nothing about anybody else: as if left out.
        """
        leverage = (self.basis**2).sum(axis=1)
        free = leverage < FULL_LEVERAGE
        return np.asarray(self.weights * np.where(free, 1.0 / np.where(free, 1.0 - leverage, 1.0), 0.0))
