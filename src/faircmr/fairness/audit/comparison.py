"""Subjects of some models, divided by one attribute: what every table of an audit is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.fairness.audit.score_table import ScoresByModel
from faircmr.fairness.inference.groups import FloatArray, Groups
from faircmr.fairness.intersections import Grouping, groupings


@dataclass(frozen=True)
class Cohort:
    """Models that scored the same subjects in equally many trainings, and so can share every draw.

    Attributes:
        models: Their names.
        subjects: Index ``subject_id``.
        scores: In 0..1, shape ``(models, seeds, subjects)``.
    """

    models: tuple[str, ...]
    subjects: pd.Index
    scores: FloatArray

    @property
    def values(self) -> FloatArray:
        """Scores averaged over trainings, shape ``(models, subjects)``."""
        return np.asarray(self.scores.mean(axis=1))


@dataclass(frozen=True)
class Baseline:
    """The model that others are compared with.

    Attributes:
        model: Its name.
        scores: Of its subjects (index ``subject_id``) in each training (columns).
    """

    model: str
    scores: pd.DataFrame

    @classmethod
    def of(cls, found: Sequence[Cohort], name: str) -> Baseline:
        """The model of this name, or the first of all if it is empty.

        Raises:
            InvalidParameterError: There is none of this name.
        """
        places = {model: (cohort, place) for cohort in found for place, model in enumerate(cohort.models)}
        model = name or next(iter(places))
        if model not in places:
            raise InvalidParameterError("audit.baseline", model, f"one of {', '.join(places)}")
        cohort, place = places[model]
        return cls(model, pd.DataFrame(cohort.scores[place].T, cohort.subjects))

    def notes(self, found: Sequence[Cohort]) -> list[str]:
        """A sentence about models that did not score the subjects of the baseline."""
        told = []
        for cohort in found:
            if apart := len(cohort.subjects.symmetric_difference(self.scores.index)):
                both = len(cohort.subjects.intersection(self.scores.index))
                told.append(
                    f"{', '.join(cohort.models)}: changes since {self.model} are of the {both} subjects whom both "
                    f"scored; {apart} were scored by one of them alone, and the models' other numbers are of "
                    "different people."
                )
        return told


@dataclass(frozen=True)
class Undivided:
    """Models of whose groups fewer than two are large enough: they are described, and nothing is said of them.

    Attributes:
        cohort: The models and all of their subjects.
        grouping: How the subjects are divided.
    """

    cohort: Cohort
    grouping: Grouping


@dataclass(frozen=True)
class Compared:
    """Models in groups that are large enough.

    Attributes:
        cohort: The models and all of their subjects.
        grouping: How the subjects are divided, the small groups too.
        groups: Groups that are large enough.
    """

    cohort: Cohort
    grouping: Grouping
    groups: Groups

    @property
    def attribute(self) -> str:
        """What the subjects are divided by."""
        return self.grouping.name

    @property
    def by_seed(self) -> FloatArray:
        """Scores of the compared subjects, shape ``(models, seeds, subjects)``, in the order of ``groups``."""
        return self.cohort.scores[..., self.grouping.compared]

    @property
    def values(self) -> FloatArray:
        """The same, averaged over trainings, shape ``(models, subjects)``."""
        return np.asarray(self.by_seed.mean(axis=1))


def cohorts(scores: ScoresByModel, known: pd.Index) -> list[Cohort]:
    """Put models together that scored the same subjects in equally many trainings.

    Args:
        scores: Of each model.
        known: Subjects whose attributes are known; others are left out.

    Raises:
        InvalidCohortError: A model scored none of these subjects.
    """
    alike: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    tables = {model: table.loc[table.index.isin(known)] for model, table in scores.items()}
    for model, table in tables.items():
        if table.empty:
            none = f"none of {len(scores[model])} scored subjects is in the demographics"
            raise InvalidCohortError(f"scores of {model}", none, "the ids of the demographics", "compare both ids")
        alike.setdefault((table.shape[1], tuple(table.index)), []).append(model)
    return [
        Cohort(tuple(models), tables[models[0]].index, np.stack([tables[model].to_numpy().T for model in models]))
        for models in alike.values()
    ]


def comparisons(
    found: Sequence[Cohort], attributes: pd.DataFrame, names: Sequence[str], min_group_size: int
) -> tuple[list[list[Compared]], list[Undivided], list[str]]:
    """All models by every attribute and pair of attributes.

    Args:
        found: The models.
        attributes: Of their subjects, index ``subject_id``.
        names: Attributes to divide by.
        min_group_size: Subjects that a group needs.

    Returns:
        For each attribute or pair the models that have at least two groups which are large enough; those that have
        not; and sentences about these and about groups that are too small.

    Raises:
        InvalidParameterError: An attribute is unknown or no grouping.
    """
    by_attribute: dict[str, list[Compared]] = {}
    undivided: list[Undivided] = []
    notes: list[str] = []
    for cohort in found:
        for grouping in groupings(attributes.loc[cohort.subjects], names, min_group_size):
            notes += _notes(cohort.models, grouping)
            if (groups := grouping.groups) is None:
                undivided.append(Undivided(cohort, grouping))
            else:
                by_attribute.setdefault(grouping.name, []).append(Compared(cohort, grouping, groups))
    return list(by_attribute.values()), undivided, notes


def without_spread(compared: Compared) -> Iterator[str]:
    """A sentence about each model that scores all members of a group alike: there, little can be told."""
    for model, values in zip(compared.cohort.models, compared.values, strict=True):
        alike = [
            name
            for code, name in enumerate(compared.groups.names)
            if np.ptp(values[compared.groups.codes == code]) == 0.0
        ]
        if alike:
            yield (
                f"{model} by {compared.attribute}: all scores of {', '.join(alike)} are equal, so that their spread is "
                "not known: an interval without width does not mean certainty, and Hedges' g may have none."
            )


def _notes(models: tuple[str, ...], grouping: Grouping) -> Iterator[str]:
    where = f"{', '.join(models)} by {grouping.name}"
    if grouping.insufficient:
        named = ", ".join(f"{name} ({grouping.sizes[name]})" for name in grouping.insufficient)
        yield f"{where}: fewer than {grouping.min_group_size} subjects in {named}: insufficient evidence."
    if grouping.groups is None:
        yield f"{where}: fewer than two groups are large enough to be compared."
