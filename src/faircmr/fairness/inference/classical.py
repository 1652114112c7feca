"""Classical tests of groups and of all pairs of groups, by the libraries that maintain them.

They are offered because readers ask for them. With skewed scores and small groups most of them err more often than
they say; the tests to rely on are in :mod:`faircmr.fairness.inference.permutation`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.fairness.inference.groups import FloatArray, Groups, checked_scores

REST, ALL = "rest", "all"


@dataclass(frozen=True)
class ClassicalTest:
    """Comparisons of groups by one test.

    Attributes:
        test: Its name.
        comparisons: Who is compared with whom: names of groups, or ``all`` with ``all``, or a group with ``rest``.
        statistics: Shape ``(..., comparisons)``; NaN where untestable, or where the library does not tell.
        p_values: In 0..1, two-sided, same shape; NaN where untestable.
    """

    test: str
    comparisons: tuple[tuple[str, str], ...]
    statistics: FloatArray
    p_values: FloatArray

    @property
    def family_wise(self) -> bool:
        """Whether the p values are those of the family of all pairs, so that Holm must not follow."""
        return self.test == "games_howell"

    def table(self, strategies: Sequence[str]) -> pd.DataFrame:
        """One row a strategy and comparison.

        Args:
            strategies: Names of the one leading axis.

        Returns:
            Columns ``strategy``, ``test``, ``group``, ``against``, ``statistic``, ``p_value``, ``family_wise``.
        """
        index = pd.MultiIndex.from_tuples(
            [(strategy, *pair) for strategy in strategies for pair in self.comparisons],
            names=["strategy", "group", "against"],
        )
        columns = {"statistic": self.statistics.ravel(), "p_value": self.p_values.ravel()}
        table = pd.DataFrame(columns, index=index).reset_index()
        table.insert(1, "test", self.test)
        return table.assign(family_wise=self.family_wise)


def welch_t(values: npt.ArrayLike, groups: Groups) -> ClassicalTest:
    """Welch's t test of each group against everybody else.

    Args:
        values: One score a subject, shape ``(..., subjects)``.
        groups: Of the same subjects.

    Returns:
        NaN for a group of one, and where neither side has any spread.

    Raises:
        InvalidScoresError: Another number of subjects, or a score that is not finite.

    Source:
        Welch 1938, by ``scipy.stats.ttest_ind``.
    """
    from scipy.stats import ttest_ind

    scores = checked_scores(values, groups)

    def compare(inside: npt.NDArray[np.bool_]) -> FloatArray:
        sides = scores[..., inside], scores[..., ~inside]
        with quiet():
            found = ttest_ind(*sides, axis=-1, equal_var=False)
        return np.where(varies(sides[0]) | varies(sides[1]), [found.statistic, found.pvalue], np.nan)

    compared = [compare(groups.codes == group) for group in range(len(groups.names))]
    return ClassicalTest("welch_t", tuple((name, REST) for name in groups.names), *np.stack(compared, axis=-1))


def welch_anova(values: npt.ArrayLike, groups: Groups) -> ClassicalTest:
    """Welch's analysis of variance of all groups of two subjects at least; arguments and errors as :func:`welch_t`.

    Returns:
        NaN where fewer than two groups have two subjects, or one has no spread.

    Source:
        Welch 1951, by ``scipy.stats.f_oneway``.
    """
    from scipy.stats import f_oneway

    scores = checked_scores(values, groups)
    several = samples_of(scores, groups, at_least=2)
    if len(several) < 2:
        missing = np.full((*scores.shape[:-1], 1), np.nan)
        return ClassicalTest("welch_anova", ((ALL, ALL),), missing, missing)
    with quiet():
        found = f_oneway(*several, axis=-1, equal_var=False)
    all_vary = np.all([varies(sample) for sample in several], axis=0)
    return _of_all("welch_anova", *np.where(all_vary, [found.statistic, found.pvalue], np.nan))


def kruskal_wallis(values: npt.ArrayLike, groups: Groups) -> ClassicalTest:
    """Kruskal and Wallis's test of the ranks of all groups; arguments and errors as :func:`welch_t`.

    It asks whether scores of some group tend to be higher, not whether its mean is.

    Returns:
        NaN where all scores are equal.

    Source:
        Kruskal and Wallis 1952, by ``scipy.stats.kruskal``.
    """
    from scipy.stats import kruskal

    scores = checked_scores(values, groups)
    with quiet():
        found = kruskal(*samples_of(scores, groups, at_least=1), axis=-1)
    return _of_all("kruskal_wallis", found.statistic, found.pvalue)


@contextmanager
def quiet() -> Iterator[None]:
    """Without the warnings of libraries where there is no spread: NaN says it."""
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def varies(sample: FloatArray) -> npt.NDArray[np.bool_]:
    """Whether scores differ at all: a variance of rounding errors looks like certainty to the libraries."""
    return np.asarray(np.ptp(sample, axis=-1) > 0.0)


def samples_of(scores: FloatArray, groups: Groups, at_least: int) -> list[FloatArray]:
    """Scores of each group of at least so many subjects, shapes ``(..., members)``."""
    return [scores[..., groups.codes == group] for group in np.flatnonzero(groups.sizes >= at_least)]


def _of_all(test: str, statistic: FloatArray, p_value: FloatArray) -> ClassicalTest:
    return ClassicalTest(
        test, ((ALL, ALL),), np.asarray(statistic)[..., np.newaxis], np.asarray(p_value)[..., np.newaxis]
    )


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
