"""The paper's tests of every strategy that ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.fairness.comparable import comparable
from faircmr.fairness.inference.groups import Groups
from faircmr.fairness.published_tests import scheffe_matrix, table1_asterisks
from faircmr.fairness.subject_scores import AVERAGE, attributes_of, subject_scores


def asterisks_of(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, audit_attributes: Sequence[str]
) -> pd.DataFrame:
    """Whom the paper would have marked, by strategy.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index.
        audit_attributes: Attributes to test beside the protected one.

    Returns:
        ``strategy``, then as :func:`~faircmr.fairness.published_tests.table1_asterisks`. How often this test errs
        stands in docs/paper_fidelity.md.

    Raises:
        InvalidScoresError: No strategy has scores.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    parts = {
        strategy: table1_asterisks(table, subjects, audit_attributes)
        for strategy, table in comparable(scores, subjects).items()
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
    for strategy, table in comparable(scores, subjects).items():
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
