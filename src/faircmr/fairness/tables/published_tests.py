"""The tests of the paper's Table 1 as they were made: each group against a full set that contains it.

The two samples of such a test share subjects, so that its error is not the one it names; how large it is stands in
``docs/paper_fidelity.md``. What is sound is in :mod:`faircmr.fairness.inference`. Nothing here is corrected for
the number of groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import PROTECTED_GROUP, InvalidParameterError, InvalidScoresError, listed_names
from faircmr.core.user_input import code_text
from faircmr.fairness.inference import FloatArray, Groups, checked_scores
from faircmr.fairness.tables.by_subject import AVERAGE, attributes_of, subject_scores
from faircmr.fairness.tables.paper import NOT_RECORDED, comparable_scores

SIGNIFICANT = 0.01
"""The paper's level: a p-value below it is an asterisk."""


def literal_t_test(values: npt.ArrayLike, groups: Groups) -> tuple[FloatArray, FloatArray]:
    """Unpaired Student t-test of each group against all subjects, the group's own among them.

    Args:
        values: One number a subject, any unit, shape ``(..., subjects)``; leading axes are strategies or resamples.
        groups: Group of each subject.

    Returns:
        t and the two-sided p-value, each of shape ``(..., groups)``. A group of one is judged by the spread of the
        full set alone; NaN where that is zero too.

    Raises:
        InvalidScoresError: A value is not finite, or there is not one a subject.

    Source:
        Puyol-Antón et al. 2021, section 4: "Unpaired Student's t-tests [...] for comparison between the full test set
        and each of the protected groups for the average DSC". Computed by ``scipy.stats.ttest_ind_from_stats``.
    """
    # a second to import, which a run that finds nothing to do does not have
    from scipy.stats import ttest_ind_from_stats

    scores = _above_the_first(values, groups)
    everybody = scores.mean(axis=-1, keepdims=True), scores.std(axis=-1, ddof=1, keepdims=True), scores.shape[-1]
    group = groups.means(scores), np.sqrt(groups.variances(scores)), groups.sizes
    result = ttest_ind_from_stats(*group, *everybody, equal_var=True)
    return np.asarray(result.statistic), np.asarray(result.pvalue)


def asterisks(values: npt.ArrayLike, groups: Groups) -> pd.DataFrame:
    """Which groups the paper would have marked as different from the full set.

    Args:
        values: One number a subject, shape ``(subjects,)``.
        groups: Group of each subject.

    Returns:
        One row a group: ``group``, ``n`` (subjects), ``mean`` in the unit of the values, ``t`` (positive where the
        group lies above the full set), ``p``, and ``significant``: p < 0.01.

    Raises:
        InvalidScoresError: As for :func:`literal_t_test`.

    Source:
        Puyol-Antón et al. 2021, Table 1: "Asterisks indicate statistically significant differences between the full
        population and each protected group for the average DSC."
    """
    t, p = literal_t_test(values, groups)
    columns = {"group": groups.names, "n": groups.sizes, "mean": groups.means(values), "t": t, "p": p}
    return pd.DataFrame({**columns, "significant": p < SIGNIFICANT})


def scheffe_matrix(values: npt.ArrayLike, groups: Groups) -> pd.DataFrame:
    """Scheffé's p-value of every pair of groups, simultaneous over all contrasts of their means.

    The paper names Scheffé's post hoc test and does not say what it compared; this is the test as it is usually
    meant. It supposes normal scores of equal variance.

    Args:
        values: One number a subject, shape ``(subjects,)``.
        groups: Group of each subject.

    Returns:
        p-values, index and columns the names of the groups; 1 on the diagonal, NaN where no score varies.

    Raises:
        InvalidScoresError: A value is not finite, there is not one a subject, or every group has one subject.

    Source:
        Scheffé 1953; ``scikit_posthocs.posthoc_scheffe``.
    """
    # more than a second to import
    from scikit_posthocs import posthoc_scheffe

    scores = _above_the_first(values, groups)
    if len(scores) == len(groups.names):
        raise InvalidScoresError("groups", "one subject each", "more subjects than groups to estimate a variance from")
    table = pd.DataFrame({"value": scores, "group": groups.codes})
    with np.errstate(divide="ignore", invalid="ignore"):
        p = posthoc_scheffe(table, val_col="value", group_col="group", sort=True)
    return pd.DataFrame(p.to_numpy(), index=pd.Index(groups.names), columns=pd.Index(groups.names))


def table1_asterisks(
    scores: pd.DataFrame, subjects: pd.DataFrame, audit_attributes: Sequence[str] = ()
) -> pd.DataFrame:
    """The asterisks of one strategy's Table 1.

    Args:
        scores: Long scores of one strategy, metric ``dsc`` in 0..1; those of several seeds are averaged within a
            subject first.
        subjects: Subject index: ``subject_id``, ``protected_group`` and the audit attributes.
        audit_attributes: Attributes to test beside the protected one.

    Returns:
        ``attribute``, then the columns of :func:`asterisks` with ``mean`` in 0..1; rows of the audit attributes,
        then of the protected groups. An attribute with one value has no rows: its only group is the full set.

    Raises:
        InvalidScoresError: The scores cannot be used.
        InvalidCohortError: Scored subjects do not join the subject index.
        InvalidParameterError: An audit attribute is unknown.
        StudyMismatchError: Scores of more than one strategy or study.
    """
    averages = subject_scores(scores)[AVERAGE]
    attributes = attributes_of(averages.index, subjects)
    parts = [pd.DataFrame(columns=["attribute", "group", "n", "mean", "t", "p", "significant"])]
    for name in (*audit_attributes, PROTECTED_GROUP):
        labels = _labels(name, attributes)
        if len(set(labels)) > 1:
            rows = asterisks(averages.to_numpy(), Groups.of(labels))
            rows.insert(0, "attribute", name)
            parts.append(rows)
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _labels(name: str, attributes: pd.DataFrame) -> list[str]:
    if name not in attributes.columns:
        permitted = f"one of {listed_names(attributes.columns)}"
        raise InvalidParameterError("audit_attributes", name, permitted, "correct its spelling, or add the attribute")
    return code_text(attributes[name]).fillna(NOT_RECORDED).tolist()


def _above_the_first(values: npt.ArrayLike, groups: Groups) -> FloatArray:
    """Values less that of the first subject: no test sees the shift, and equal values are exactly equal after it."""
    scores = checked_scores(values, groups)
    return scores - scores[..., :1]


def asterisks_of(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, audit_attributes: Sequence[str]
) -> pd.DataFrame:
    """Whom the paper would have marked, by strategy.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index.
        audit_attributes: Attributes to test beside the protected one.

    Returns:
        ``strategy``, then as :func:`table1_asterisks`. How often this test errs
        stands in docs/paper_fidelity.md.

    Raises:
        InvalidScoresError: No strategy has scores.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    parts = {
        strategy: table1_asterisks(table, subjects, audit_attributes)
        for strategy, table in comparable_scores(scores, subjects).items()
    }
    return pd.concat(parts, names=["strategy"]).reset_index("strategy").reset_index(drop=True)


def scheffe_of(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame) -> pd.DataFrame:
    """Scheffé's p value of every pair of protected groups, by strategy; errors as above.

    Args:
        scores: As for :func:`asterisks_of`.
        subjects: As there.

    Returns:
        One row a strategy and pair of groups: ``strategy``, ``group``, ``against`` and ``p``; NaN where every group has
        one subject.
    """
    parts = []
    for strategy, table in comparable_scores(scores, subjects).items():
        averages = subject_scores(table)[AVERAGE]
        groups = Groups.of(attributes_of(averages.index, subjects)[PROTECTED_GROUP].astype(str).tolist())
        parts.append(_pairs(averages.to_numpy(), groups).assign(strategy=strategy))
    return pd.concat(parts, ignore_index=True)[["strategy", "group", "against", "p"]]


def _pairs(values: npt.NDArray[np.float64], groups: Groups) -> pd.DataFrame:
    first, second = np.triu_indices(len(groups.names), k=1)
    names = np.array(groups.names)
    p = np.full(len(first), np.nan)
    if (groups.sizes > 1).any():
        p = scheffe_matrix(values, groups).to_numpy()[first, second]
    return pd.DataFrame({"group": names[first], "against": names[second], "p": p})
