"""The audit of a study's own strategies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.fairness.audit.audit import Audit, audit_models
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters
from faircmr.fairness.audit.score_table import scores_by_model
from faircmr.fairness.comparable import comparable
from faircmr.fairness.subject_scores import attributes_of


def audit_strategies(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, attributes: Sequence[str], parameters: AuditParameters
) -> Audit:
    """Audit the strategies that have scores, as anybody's models are.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index.
        attributes: Audit attributes beside the protected one.
        parameters: What is asked; its attributes are those of the study.

    Raises:
        InvalidScoresError: As for :func:`~faircmr.fairness.audit.audit.audit_models`, or no strategy has scores.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    table = pd.concat(comparable(scores, subjects).values(), ignore_index=True)
    by_model = scores_by_model(table, AuditColumns(model="strategy"), parameters.metric)
    scored = pd.Index(table["subject_id"].unique(), name="subject_id")
    asked = parameters.model_copy(update={"attributes": (PROTECTED_GROUP, *attributes)})
    return audit_models(by_model, attributes_of(scored, subjects), asked)
