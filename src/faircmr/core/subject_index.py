"""Who takes part in a study, and to which protected group each subject belongs."""

from __future__ import annotations

import logging
from difflib import get_close_matches
from typing import Literal

import pandas as pd
from pydantic import Field

from faircmr.core.cohort import Cohort
from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.omissions import Omission, log_omissions
from faircmr.core.parameters import Parameters

logger = logging.getLogger(__name__)


class AttributeParameters(Parameters):
    """Which attributes of the cohort the study acts on, reports, and keeps as covariates.

    Attributes:
        protected_attribute: What mitigation strategies act on; its values are the protected groups.
        audit_attributes: What evaluation reports besides, each disaggregated on its own.
        covariates: What later analyses may adjust for; values may be missing.
        missing_protected_attribute: A subject without the protected attribute ends the run
            (``error``) or leaves the study and is counted in the log (``drop``).
    """

    protected_attribute: str
    audit_attributes: tuple[str, ...] = ()
    covariates: tuple[str, ...] = ()
    missing_protected_attribute: Literal["error", "drop"] = Field(default="error")

    @property
    def reported(self) -> tuple[str, ...]:
        """Audit attributes other than the protected one, which is always reported."""
        return tuple(name for name in self.audit_attributes if name != self.protected_attribute)


def index_subjects(cohort: Cohort, attributes: AttributeParameters) -> pd.DataFrame:
    """One row a subject of the study.

    Args:
        cohort: The cohort with all attributes that its source gives.
        attributes: Which of them to keep, and what to do where the protected one is missing.

    Returns:
        ``subject_id``, ``protected_group`` (text), the audit attributes and the covariates, sorted
        by ``subject_id``.

    Raises:
        InvalidParameterError: The cohort has no such attribute; the nearest one is named.
        InvalidCohortError: Subjects lack the protected attribute and the policy is ``error``.
    """
    wanted = dict.fromkeys((*attributes.audit_attributes, *attributes.covariates))
    for name in (attributes.protected_attribute, *wanted):
        _check_known(name, cohort.subjects)
    subjects = cohort.subjects[["subject_id", *wanted]].copy()
    protected = cohort.subjects[attributes.protected_attribute]
    # as text, whatever the source's type: 1 and "1" are the same group in every table and file
    subjects.insert(1, "protected_group", protected.map(str, na_action="ignore").astype("string"))
    return _with_known_group(subjects, attributes).sort_values("subject_id", ignore_index=True)


def _check_known(name: str, subjects: pd.DataFrame) -> None:
    known = [str(column) for column in subjects.columns if column != "subject_id"]
    if name not in known:
        nearest = get_close_matches(name, known, n=1, cutoff=0)
        raise InvalidParameterError(
            "attributes",
            repr(name),
            f"one of the attributes of this cohort: {', '.join(known)}",
            f"did you mean {nearest[0]!r}?" if nearest else "give the cohort a table of attributes",
        )


def _with_known_group(subjects: pd.DataFrame, attributes: AttributeParameters) -> pd.DataFrame:
    missing = subjects["protected_group"].isna()
    if not missing.any():
        return subjects
    if attributes.missing_protected_attribute == "error":
        first = subjects.loc[missing, "subject_id"].iloc[0]
        raise InvalidCohortError(
            f"protected attribute {attributes.protected_attribute!r}",
            f"missing for {int(missing.sum())} of {len(subjects)} subjects (first: {first})",
            "a value for every subject",
            "complete the attribute, or set attributes.missing_protected_attribute to 'drop' to leave them out",
        )
    log_omissions(logger, without_protected_group(int(missing.sum()), len(subjects), attributes))
    return subjects[~missing]


def without_protected_group(missing: int, subjects: int, attributes: AttributeParameters) -> list[Omission]:
    """Subjects that leave the study because the protected attribute is missing; none where it is not."""
    reason = f"no {attributes.protected_attribute} (attributes.missing_protected_attribute: drop)"
    return [Omission("subjects", missing, subjects, reason)] if missing else []


def missing_attributes(subjects: pd.DataFrame) -> list[Omission]:
    """Subjects of the study of which an audit attribute or a covariate is missing, by attribute.

    Args:
        subjects: As :func:`index_subjects` returns it.
    """
    counts = subjects.drop(columns=["subject_id", "protected_group"]).isna().sum()
    return [
        Omission("subjects", int(count), len(subjects), "not recorded", outcome=f"without {name}")
        for name, count in counts.items()
        if count
    ]
