"""Columns of a linear model with a level for each group and a slope or levels for each covariate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from faircmr.fairness.adjustment.covariates import Sample
from faircmr.fairness.inference.groups import FloatArray

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
