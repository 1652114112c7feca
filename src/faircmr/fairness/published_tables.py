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
        One row a strategy and group: ``strategy``, ``group``, and a column for each group; NaN where every group has
        one subject.
    """
    parts = {}
    for strategy, table in comparable(scores, subjects).items():
        averages = subject_scores(table)[AVERAGE]
        groups = Groups.of(attributes_of(averages.index, subjects)[PROTECTED_GROUP].astype(str).tolist())
        parts[strategy] = _pairs(averages.to_numpy(), groups)
    return pd.concat(parts, names=["strategy", "group"]).reset_index()


def _pairs(values: npt.NDArray[np.float64], groups: Groups) -> pd.DataFrame:
    if (groups.sizes > 1).any():
        return scheffe_matrix(values, groups)
    names = pd.Index(groups.names)
    return pd.DataFrame(np.nan, index=names, columns=names)
