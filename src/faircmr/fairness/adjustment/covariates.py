"""Covariates of an adjusted analysis, and the subjects with complete data that it includes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidScoresError, Parameters, listed_names
from faircmr.core.user_input import (
    PLAIN_NUMBERS,
    code_text,
    describe_forms,
    read_numbers,
    refuse_decimal_commas,
    refuse_unreadable_numbers,
)
from faircmr.fairness.inference import FloatArray, Groups

COVARIATES = "covariates"
MOST_CATEGORIES = 30
"""More than this is a measurement or an id, and leaves too few subjects a category."""


class Covariates(Parameters):
    """What may differ between groups besides the group.

    Attributes:
        numeric: Measurements (age, BMI); adjusted for linearly, matched within a caliper.
        categorical: Kinds (sex, centre, observer), whatever type their values have; matched exactly.
        mediators: Measurements through which the group itself may act, above all the size of a structure in mL:
            Dice is lower for small structures, so that size explains a difference, but hearts are smaller in
            some groups, so that a difference that vanishes with size is explained and still there for those
            people. Regression therefore adjusts without and with them; matching treats them as numeric.
    """

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    mediators: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError("a covariate is of one kind: each name once")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """All covariates: numeric, categorical, mediators."""
        return (*self.numeric, *self.categorical, *self.mediators)

    @property
    def measurements(self) -> tuple[str, ...]:
        """Those that are numbers: numeric and mediators."""
        return (*self.numeric, *self.mediators)

    @classmethod
    def by_type(cls, attributes: pd.DataFrame, names: Sequence[str], categorical: Collection[str] = ()) -> Self:
        """Numbers are numeric; text, Booleans, and what is declared categorical are categorical.

        Args:
            attributes: Has a column of each name.
            names: Covariates, none a mediator.
            categorical: Those that are codes, whatever type they have.

        Raises:
            InvalidParameterError: There is no such column, or a column of text seems to be one of numbers.
        """
        _check_columns(attributes, names)
        for name in names:
            if name not in categorical:
                refuse_unreadable_numbers(attributes[name], COVARIATES, "audit.categorical")
        numeric = tuple(
            name
            for name in names
            if name not in categorical
            and pd.api.types.is_numeric_dtype(attributes[name])
            and not pd.api.types.is_bool_dtype(attributes[name])
        )
        return cls(numeric=numeric, categorical=tuple(name for name in names if name not in numeric))


@dataclass(frozen=True)
class Sample:
    """Subjects of whom everything is known.

    Attributes:
        scores: Subject means, index ``subject_id`` (sorted), shape ``(subjects,)``.
        groups: Their groups.
        covariates: Their covariates: ``float64`` if a measurement, text otherwise; same index.
        exclusions: What was left out: ``what`` (``subjects``, ``group``), ``name`` (the covariate that is missing or
            the group that is too small), ``reason`` and ``subjects``, how many. A subject who lacks two covariates
            is counted at both.
        left_out: Subjects left out, each counted once.
    """

    scores: pd.Series[float]
    groups: Groups
    covariates: pd.DataFrame
    exclusions: pd.DataFrame
    left_out: int

    @property
    def values(self) -> FloatArray:
        """Scores as an array."""
        return np.asarray(self.scores, dtype=np.float64)


def sample_of(
    scores: pd.Series[float], groups: pd.Series[str], attributes: pd.DataFrame, covariates: Covariates, fewest: int
) -> Sample:
    """Subjects whose group and covariates are all known, in groups that are large enough.

    Nothing is imputed: a complete-case analysis, which is about those who are complete.

    Args:
        scores: Subject means in 0..1, index ``subject_id``.
        groups: Group of each subject, same index; missing where it is not recorded.
        attributes: Has every covariate, same index.
        covariates: What to adjust for.
        fewest: Subjects that a group must keep to be compared, at least 2.

    Raises:
        InvalidScoresError: Scores are missing or outside 0..1, or fewer than two groups are left.
        InvalidCohortError: The tables are not of the same subjects, each once; says how many differ.
        InvalidParameterError: A covariate is unknown, not what it was declared as, or has too many categories.
    """
    _check_subjects(scores, groups, attributes)
    scores, groups, attributes = scores.sort_index(), groups.sort_index(), attributes.sort_index()
    table = _typed(attributes, covariates)
    missing = pd.concat([groups.isna().rename("group"), table.isna()], axis="columns")
    kept = ~missing.any(axis="columns")
    sizes = groups[kept].value_counts().reindex(groups.dropna().unique(), fill_value=0)
    small = sizes[sizes < fewest].sort_index()
    kept &= ~groups.isin(small.index)
    counts = missing.sum()
    exclusions = [("subjects", name, "missing", count) for name, count in counts[counts > 0].items()]
    exclusions += [("group", name, f"fewer than {fewest} subjects", count) for name, count in small.items()]
    return Sample(
        scores[kept],
        Groups.of([str(label) for label in groups[kept]]),
        table[kept],
        pd.DataFrame(exclusions, columns=["what", "name", "reason", "subjects"]),
        int((~kept).sum()),
    )


def _check_subjects(scores: pd.Series[float], groups: pd.Series[str], attributes: pd.DataFrame) -> None:
    for what, index in (("scores", scores.index), ("groups", groups.index), ("attributes", attributes.index)):
        repeated = int(index.duplicated().sum())
        different = len(index.symmetric_difference(scores.index))
        if repeated or different:
            found = f"{repeated} subjects repeated, {different} not in both this and scores"
            raise InvalidCohortError(what, found, "the same subjects in every table, each once")
    outside = int((~scores.between(0.0, 1.0)).sum())  # NaN is outside as well
    if outside:
        raise InvalidScoresError(
            "scores", f"{outside} of {len(scores)} missing or outside", "Dice in 0..1", "divide percentages by 100"
        )


def _typed(attributes: pd.DataFrame, covariates: Covariates) -> pd.DataFrame:
    _check_columns(attributes, covariates.names)
    numbers = {name: _numbers(attributes[name]) for name in covariates.measurements}
    kinds = {name: _kinds(attributes[name]) for name in covariates.categorical}
    return pd.DataFrame({**numbers, **kinds}, index=attributes.index)


def _check_columns(attributes: pd.DataFrame, names: Sequence[str]) -> None:
    if unknown := [name for name in names if name not in attributes.columns]:
        known = listed_names(attributes.columns)
        raise InvalidParameterError(
            "covariates", unknown[0], f"one of {known}", "correct audit.covariates, or attributes.covariates of a study"
        )


def _numbers(column: pd.Series[float]) -> pd.Series[float]:
    refuse_decimal_commas(column, COVARIATES)
    read = read_numbers(column).finite
    if lost := len(read.unread):
        found = f"{column.name} with {lost} values that are no finite numbers ({describe_forms(read.unread)})"
        raise InvalidParameterError(COVARIATES, found, PLAIN_NUMBERS, "name it among categorical, or correct it")
    return read.values


def _kinds(column: pd.Series[str]) -> pd.Series[str]:
    kinds = code_text(column)
    if kinds.nunique() > MOST_CATEGORIES:
        found = f"{column.name} with {kinds.nunique()} values"
        raise InvalidParameterError(
            "covariates", found, f"at most {MOST_CATEGORIES} categories", "name it among numeric, or report bands of it"
        )
    return kinds
