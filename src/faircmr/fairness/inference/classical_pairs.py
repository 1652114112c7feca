"""Classical tests of all pairs of groups, by those who keep them well."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.fairness.inference.classical import ClassicalTest, quiet, samples_of, varies
from faircmr.fairness.inference.groups import FloatArray, Groups, checked_scores


def games_howell(values: npt.ArrayLike, groups: Groups) -> ClassicalTest:
    """Games and Howell's test of all pairs of groups; arguments and errors as of ``classical.welch_t``.

    Returns:
        Differences of means as statistics; p values of the family of all pairs. A group of one makes NaN of its
        pairs, and is not counted in the family; NaN where neither of a pair has any spread.

    Source:
        Games and Howell 1976, by ``scipy.stats.tukey_hsd``.
    """
    from scipy.stats import tukey_hsd

    scores = checked_scores(values, groups)
    several = np.flatnonzero(groups.sizes > 1)

    def compare(row: FloatArray) -> FloatArray:
        compared = np.full((2, len(groups.names), len(groups.names)), np.nan)
        if len(several) > 1:
            samples = samples_of(row, groups, at_least=2)
            with quiet():
                found = tukey_hsd(*samples, equal_var=False)
            spread = np.array([varies(sample) for sample in samples])
            told = np.where(spread[:, np.newaxis] | spread, [found.statistic, found.pvalue], np.nan)
            compared[:, several[:, np.newaxis], several] = told
        return compared

    return _of_pairs("games_howell", scores, groups, compare)


def dunn(values: npt.ArrayLike, groups: Groups) -> ClassicalTest:
    """Dunn's test of the ranks of all pairs of groups, not adjusted; arguments and errors as of ``classical.welch_t``.

    Returns:
        NaN as statistics: the library gives p values alone.

    Source:
        Dunn 1964, by ``scikit_posthocs.posthoc_dunn``.
    """
    from scikit_posthocs import posthoc_dunn

    scores = checked_scores(values, groups)

    def compare(row: FloatArray) -> FloatArray:
        with quiet():
            p_values = posthoc_dunn(pd.DataFrame({"score": row, "group": groups.codes}), "score", "group").to_numpy()
        return np.stack([np.full(p_values.shape, np.nan), p_values])

    return _of_pairs("dunn", scores, groups, compare)


def _of_pairs(
    test: str, scores: FloatArray, groups: Groups, compare: Callable[[FloatArray], FloatArray]
) -> ClassicalTest:
    """The pairs above the diagonal of each strategy's squares of statistics and p values."""
    first, second = np.triu_indices(len(groups.names), k=1)
    rows = scores.reshape(-1, scores.shape[-1])
    compared = np.stack([compare(row)[:, first, second] for row in rows], axis=1)
    statistics, p_values = compared.reshape(2, *scores.shape[:-1], len(first))
    pairs = tuple((groups.names[a], groups.names[b]) for a, b in zip(first, second, strict=True))
    return ClassicalTest(test, pairs, statistics, p_values)
