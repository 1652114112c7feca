"""The audit of a study's own strategies."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from faircmr.core.columns import HEART_SIZE, PROTECTED_GROUP
from faircmr.core.subject_index import AttributeParameters
from faircmr.fairness.audit.audit import Audit, audit_models
from faircmr.fairness.audit.failures import failures
from faircmr.fairness.audit.parameters import AuditColumns, AuditParameters
from faircmr.fairness.audit.score_table import scores_by_model
from faircmr.fairness.comparable import comparable
from faircmr.fairness.metrics.scan import Metric
from faircmr.fairness.subject_scores import attributes_of


def audit_strategies(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, study: AttributeParameters, parameters: AuditParameters
) -> Audit:
    """Audit the strategies that have scores, as anybody's models are.

    Args:
        scores: Long scores of each strategy; empty tables are strategies that did not run.
        subjects: Subject index.
        study: Its attributes and covariates, which are those of the audit; the size of the heart is a mediator.
        parameters: What else is asked.

    Raises:
        InvalidScoresError: As for :func:`~faircmr.fairness.audit.audit.audit_models`, or no strategy has scores.
        InvalidCohortError: Scored subjects do not join the subject index.
        StudyMismatchError: Strategies are not of one study.
    """
    ran = comparable(scores, subjects).values()
    columns = AuditColumns(model="strategy")
    by_model = {name: of for one in ran for name, of in scores_by_model(one, columns, parameters.metric).items()}
    scored = pd.Index(next(iter(by_model.values())).index, name="subject_id")
    volumes = pd.concat([one.loc[one["metric"] == Metric.REFERENCE_VOLUME, ["subject_id", "value"]] for one in ran])
    sizes = volumes.groupby("subject_id")["value"].mean()
    protected = study.protected_attribute
    known = attributes_of(scored, subjects)
    # the protected attribute may itself be called protected_group
    attributes = known.drop(columns=PROTECTED_GROUP).assign(**{protected: known[PROTECTED_GROUP], HEART_SIZE: sizes})
    asked = {
        "attributes": (protected, *study.reported),
        "covariates": study.covariates,
        "categorical": study.categorical,
        "mediators": (HEART_SIZE,) if len(sizes) else (),
    }
    failed = [note for one in ran for note in failures(one, columns)]
    return audit_models(by_model, attributes, parameters.model_copy(update=asked), failed)
