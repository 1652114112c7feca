"""Who takes part in a study, and to which protected group each subject belongs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

import pandas as pd
from pydantic import AfterValidator, Field, field_validator, model_validator

from faircmr.core.cohort import Cohort
from faircmr.core.columns import PROTECTED_GROUP, RESERVED, check_group_names
from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.omissions import Omission, log_omissions
from faircmr.core.parameters import Parameters, divided
from faircmr.core.shown_names import column_name, listed_names, shown_name
from faircmr.core.table_values import code_text, refuse_spoilt_numbers

logger = logging.getLogger(__name__)
ColumnName = Annotated[str, AfterValidator(column_name)]


class AttributeParameters(Parameters):
    """Which attributes of the cohort the study acts on, reports, and keeps as covariates.

    Attributes:
        protected_attribute: What mitigation strategies act on; its values are the protected groups.
        audit_attributes: What evaluation reports besides, each disaggregated on its own.
        covariates: What later analyses may adjust for; values may be missing.
        categorical: Covariates that are codes although they look like numbers (a centre 11025). The protected and the
            audit attributes always are.
        missing_protected_attribute: A subject without the protected attribute ends the run
            (``error``) or leaves the study and is counted in the log (``drop``).
    """

    protected_attribute: ColumnName
    audit_attributes: tuple[ColumnName, ...] = ()
    covariates: tuple[ColumnName, ...] = ()
    categorical: tuple[ColumnName, ...] = ()
    missing_protected_attribute: Literal["error", "drop"] = Field(default="error")

    @field_validator("audit_attributes", "covariates", "categorical", mode="before")
    @classmethod
    def _divide_text(cls, value: object) -> object:
        return divided(value)

    @model_validator(mode="after")
    def _declares_covariates(self) -> Self:
        if others := set(self.categorical).difference(self.covariates, self.groupings):
            raise ValueError(f"{min(others)} is categorical and no covariate: name it in covariates too")
        return self

    @property
    def groupings(self) -> tuple[str, ...]:
        """The protected attribute and the audit attributes."""
        return (self.protected_attribute, *self.audit_attributes)

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
        ``subject_id``, ``protected_group`` (text), the audit attributes (text) and the covariates (text where they are
        declared categorical, otherwise as the source gives them), sorted by ``subject_id``.

    Raises:
        InvalidParameterError: The cohort has no such attribute, and the nearest one is named; or a covariate seems to
            be of numbers and some cannot be read.
        InvalidCohortError: Subjects lack the protected attribute and the policy is ``error``, or no subject is left.
    """
    check_attributes(cohort, attributes)
    subjects = pd.DataFrame(dict(_columns(cohort.subjects, attributes)))
    known = _with_known_group(subjects, attributes)
    if known.empty:
        raise _no_subject_left(cohort, attributes)
    return known.sort_values("subject_id", ignore_index=True)


def check_attributes(cohort: Cohort, attributes: AttributeParameters) -> None:
    """Check attributes before any scan is read.

    Raises:
        InvalidParameterError: As for :func:`index_subjects`.
        InvalidCohortError: No subject has the protected attribute, whatever the policy; or a group has the name of a
            row of the tables.
    """
    for name in dict.fromkeys((*attributes.groupings, *attributes.covariates)):
        _check_known(name, cohort.subjects)
        _check_free(name, attributes)
    for name in set(attributes.covariates).difference(attributes.groupings, attributes.categorical):
        refuse_spoilt_numbers(cohort.subjects[name], "attributes.covariates", "attributes.categorical")
    for name in attributes.groupings:
        check_group_names(code_text(cohort.subjects[name]).dropna(), name)
    if cohort.subjects[attributes.protected_attribute].isna().all():
        raise _no_subject_left(cohort, attributes)


def _columns(subjects: pd.DataFrame, attributes: AttributeParameters) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Columns of the subject index."""
    yield "subject_id", subjects["subject_id"]
    # as text, whatever the source's type: 1 and "1" are the same group in every table and file
    yield "protected_group", code_text(subjects[attributes.protected_attribute]).astype("string")
    for name in dict.fromkeys((*attributes.audit_attributes, *attributes.covariates)):
        coded = name in attributes.groupings or name in attributes.categorical
        yield name, code_text(subjects[name]) if coded else subjects[name]


def _no_subject_left(cohort: Cohort, attributes: AttributeParameters) -> InvalidCohortError:
    name, subjects = attributes.protected_attribute, cohort.subjects
    others = [str(column) for column in subjects.columns[1:] if subjects[column].notna().any()]
    found = f"missing for all {len(subjects)} subjects"
    if name in cohort.absent_columns:
        found = f"no column {cohort.absent_columns[name]} in the table of subjects"
    return InvalidCohortError(
        f"protected attribute {name!r}",
        found,
        "a value for at least one subject",
        f"complete it, or set attributes.protected_attribute to one that is known: {listed_names(others) or 'none is'}",
    )


def _check_known(name: str, subjects: pd.DataFrame) -> None:
    known = [str(column) for column in subjects.columns if column != "subject_id"]
    if name not in known:
        nearest = get_close_matches(name, known, n=1, cutoff=0)
        raise InvalidParameterError(
            "attributes",
            repr(name),
            f"one of the attributes of this cohort: {listed_names(known)}",
            f"did you mean {shown_name(nearest[0])!r}?" if nearest else "give the cohort a table of attributes",
        )


def _check_free(name: str, attributes: AttributeParameters) -> None:
    """Refuse a name that is a column of the study's own; the protected attribute alone is never a column."""
    own_group = name == PROTECTED_GROUP == attributes.protected_attribute
    if name in RESERVED and not own_group and name in (*attributes.audit_attributes, *attributes.covariates):
        raise InvalidParameterError(
            "attributes",
            f"{name!r} is an audit attribute or a covariate",
            f"a name that no table of the study uses (it uses {', '.join(RESERVED)})",
            "rename the column in the table of subjects",
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
