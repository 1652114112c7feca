"""Read and check every scan of a cohort, and make the tables of subjects and scans."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field, field_validator, model_validator

from faircmr.core import (
    PROTECTED_GROUP,
    RESERVED,
    InvalidCohortError,
    InvalidParameterError,
    InvalidScanError,
    Omission,
    Parameters,
    check_group_names,
    column_name,
    display_name,
    listed_names,
    log_omissions,
    omission_table,
    split_at_plus,
)
from faircmr.core.host import map_in_order
from faircmr.core.scans import LOOK_UP, Cohort, Phase, Scan, nonzero_box, structures_in_label
from faircmr.core.study.usable_scans import (
    QUARANTINE_COLUMNS,
    QuarantineParameters,
    quarantine_omissions,
    subjects_to_quarantine,
)
from faircmr.core.user_input import code_text, refuse_unreadable_numbers

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
        return split_at_plus(value)

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
        _check_not_reserved(name, attributes)
    for name in set(attributes.covariates).difference(attributes.groupings, attributes.categorical):
        refuse_unreadable_numbers(cohort.subjects[name], "attributes.covariates", "attributes.categorical")
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
            f"did you mean {display_name(nearest[0])!r}?" if nearest else "give the cohort a table of attributes",
        )


def _check_not_reserved(name: str, attributes: AttributeParameters) -> None:
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


GRID = ("slices", "rows", "columns", "spacing_slice", "spacing_row", "spacing_column")
HEADER = ("unit", "label_grid")
CROPPED = ("cropped_slices", "cropped_rows", "cropped_columns")
FOREGROUND = (
    "foreground_mean",
    "foreground_sd",
    "foreground_percentile_00_5",
    "foreground_median",
    "foreground_percentile_99_5",
)


class ScanIndex(NamedTuple):
    """Every scan of a cohort.

    Attributes:
        scans: One row a scan that can be used, in the order of ``cohort.scans``: ``subject_id``, ``phase``,
            ``labelled``, ``fingerprint``, ``structures`` (names of those that the label shows), ``slices``, ``rows``,
            ``columns``, ``spacing_slice``, ``spacing_row``, ``spacing_column`` in millimetres, ``unit`` (of the
            header), ``label_grid`` (how the label was stored, see :class:`~faircmr.core.scans.Scan`), the shape without
            a margin of zeros (``cropped_slices``, ...), and of the intensities inside the labelled structures mean,
            standard deviation, median and two percentiles (``foreground_mean``, ...), missing where there is no label.
        problems: One row a scan that cannot be used: ``subject_id``, ``phase``, ``reason``.
    """

    scans: pd.DataFrame
    problems: pd.DataFrame


class _ScanEntry(NamedTuple):
    subject_id: str
    phase: str
    labelled: bool
    fingerprint: str


def index_scans(cohort: Cohort) -> ScanIndex:
    """Read and check every scan of the cohort.

    Args:
        cohort: Any cohort; ``cohort.readers`` scans are in memory at a time.

    Returns:
        What can be used and what cannot, each with its reason.
    """

    def describe(entry: _ScanEntry) -> dict[str, object]:
        try:
            scan = cohort.read(entry.subject_id, Phase(entry.phase))
        except InvalidScanError as error:
            return {"subject_id": entry.subject_id, "phase": entry.phase, "reason": error.reason(LOOK_UP)}
        return {**entry._asdict(), **_scan_measures(scan)}

    entries = (
        _ScanEntry(str(row.subject_id), str(row.phase), bool(row.labelled), str(row.fingerprint))
        for row in cohort.scans.itertuples(index=False)
    )
    rows = list(map_in_order(describe, entries, cohort.readers))
    measured = [*_ScanEntry._fields, "structures", *GRID, *HEADER, *CROPPED, *FOREGROUND]
    return ScanIndex(
        scans=pd.DataFrame([row for row in rows if "reason" not in row], columns=measured),
        problems=pd.DataFrame([row for row in rows if "reason" in row], columns=[*QUARANTINE_COLUMNS]),
    )


def _scan_measures(scan: Scan) -> Mapping[str, str | float]:
    cropped = scan.image[nonzero_box(scan.image)].shape
    sizes = dict(zip((*GRID, *CROPPED), (*scan.geometry.shape, *scan.geometry.spacing, *cropped), strict=True))
    foreground = dict(zip(FOREGROUND, _foreground_statistics(scan), strict=True))
    header = dict(zip(HEADER, (scan.geometry.unit, scan.label_grid), strict=True))
    return {"structures": structures_in_label(scan.label), **sizes, **header, **foreground}


def _foreground_statistics(scan: Scan) -> tuple[float, ...]:
    """Mean, standard deviation, and percentiles 0.5, 50 and 99.5 of what the label marks."""
    if scan.label is None:
        return (float("nan"),) * len(FOREGROUND)
    intensities = scan.image[scan.label > 0]
    mean, deviation = intensities.mean(dtype=np.float64), intensities.std(dtype=np.float64)
    return float(mean), float(deviation), *map(float, np.percentile(intensities, (0.5, 50.0, 99.5)))


READING, CHECKING = "Reading the data set", "Checking the scans"
GROUPING, RECORDING = "Protected groups", "Other attributes"
"""Steps of the table of omissions."""


class StudyIndex(NamedTuple):
    """The tables that a study begins with.

    Attributes:
        scans: As :class:`ScanIndex` has them, of the subjects of the study.
        subjects: As of :func:`index_subjects`.
        quarantine: Everything that cannot be used: ``subject_id``, ``phase``, ``reason``.
        omissions: How much is left out and why, and which attributes are missing of how many subjects; as
            :func:`~faircmr.core.omission_table` makes it.
    """

    scans: pd.DataFrame
    subjects: pd.DataFrame
    quarantine: pd.DataFrame
    omissions: pd.DataFrame


def index_study(cohort: Cohort, attributes: AttributeParameters, quarantine: QuarantineParameters) -> StudyIndex:
    """Read and check every scan of a cohort, and list who takes part.

    Args:
        cohort: Any cohort.
        attributes: What is to be known of the subjects.
        quarantine: What becomes of scans that cannot be used.

    Raises:
        InvalidScanError: A scan cannot be used, and the policy is ``error``.
        InvalidCohortError: Too many cannot be used, or subjects lack the protected attribute.
        InvalidParameterError: The cohort has no such attribute.
    """
    log_omissions(logger, cohort.omissions)
    # before an hour is spent on scans
    check_attributes(cohort, attributes)
    indexed = index_scans(cohort)
    problems = pd.concat([cohort.rejected, indexed.problems], ignore_index=True)
    left = subjects_to_quarantine(problems, len(cohort.subjects), quarantine)
    usable = cohort.without(left)
    subjects = index_subjects(usable, attributes)
    scans = indexed.scans[indexed.scans["subject_id"].isin(subjects["subject_id"])].reset_index(drop=True)
    omissions = {
        READING: cohort.omissions,
        CHECKING: quarantine_omissions(problems, len(cohort.subjects)),
        GROUPING: without_protected_group(len(usable.subjects) - len(subjects), len(usable.subjects), attributes),
        RECORDING: missing_attributes(subjects),
    }
    return StudyIndex(scans, subjects, problems, omission_table(omissions))


TOTAL = "Total"


def summarise(subjects: pd.DataFrame) -> pd.DataFrame:
    """Describe each protected group and everybody together.

    Args:
        subjects: ``subject_id`` and ``protected_group``; ``sex`` and ``age`` (years) where the
            cohort has them.

    Returns:
        One row a group, sorted, then ``Total``. Columns: ``protected_group``; ``n`` and ``percent``
        of the study; for each sex ``sex_<value>`` and ``sex_<value>_percent`` of those of the group
        whose sex is known, then ``sex_missing``; ``age_mean``, ``age_sd`` (``ddof=1``; missing for
        fewer than two) and ``age_missing``.

    Raises:
        InvalidCohortError: There are no subjects.

    Source:
        Puyol-Antón et al. 2021, section 4 and Fig. 2.
    """
    if subjects.empty:
        raise InvalidCohortError(
            "subjects",
            "none",
            "at least one subject",
            "02_intermediate/omissions.csv says which subjects are left out, and why",
        )
    subjects = subjects.assign(sex=code_text(subjects["sex"])) if "sex" in subjects else subjects
    groups = [(str(group), members) for group, members in subjects.groupby("protected_group", sort=True)]
    sexes = sorted(subjects["sex"].dropna().unique()) if "sex" in subjects else []
    rows = [
        {
            "protected_group": name,
            "n": len(members),
            "percent": 100 * len(members) / len(subjects),
            **_sexes(members, sexes),
            **_ages(members),
        }
        for name, members in [*groups, (TOTAL, subjects)]
    ]
    return pd.DataFrame(rows)


def _sexes(members: pd.DataFrame, sexes: list[str]) -> dict[str, float]:
    if "sex" not in members:
        return {}
    known = int(members["sex"].notna().sum())
    row: dict[str, float] = {}
    for sex in sexes:
        count = int((members["sex"] == sex).sum())
        row |= {f"sex_{sex}": count, f"sex_{sex}_percent": 100 * count / known if known else float("nan")}
    return {**row, "sex_missing": len(members) - known}


def _ages(members: pd.DataFrame) -> dict[str, float]:
    if "age" not in members:
        return {}
    age = members["age"].astype("float64")
    return {"age_mean": float(age.mean()), "age_sd": float(age.std(ddof=1)), "age_missing": int(age.isna().sum())}
