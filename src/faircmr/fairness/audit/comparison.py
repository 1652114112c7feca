"""Subjects of some models divided by an attribute, and the resampling results that every table reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import ceil

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import InvalidCohortError, InvalidParameterError, listed_names, similar_spelling
from faircmr.core.user_input import code_text
from faircmr.fairness.audit.parameters import AuditParameters
from faircmr.fairness.audit.score_table import ScoresByModel
from faircmr.fairness.inference import (
    EquivalenceTests,
    FloatArray,
    GroupBootstrap,
    Groups,
    Interval,
    PermutationTests,
    bootstrap_t_over_seeds,
    equivalence_tests,
    permutation_tests,
)
from faircmr.fairness.tables import MOST_VALUES

BY = " x "
"""Between two attributes and between two groups: ``race x sex``, ``Black x F``."""


@dataclass(frozen=True)
class Grouping:
    """One way to group subjects.

    Attributes:
        name: Attribute (``race``), or two (``race x sex``).
        labels: Group of each subject, missing where an attribute is not recorded; index ``subject_id``.
        min_group_size: Subjects that a group needs before anything is said about it.
    """

    name: str
    labels: pd.Series[str]
    min_group_size: int

    @property
    def sizes(self) -> pd.Series[int]:
        """Subjects of each group, in the order of the alphabet."""
        return self.labels.value_counts().sort_index()

    @property
    def not_recorded(self) -> int:
        """Subjects who are in none."""
        return int(self.labels.isna().sum())

    @property
    def insufficient(self) -> tuple[str, ...]:
        """Groups that are too small: the evidence is insufficient, which is not the same as fair."""
        return tuple(self.sizes.index[self.sizes < self.min_group_size])

    @property
    def compared(self) -> npt.NDArray[np.bool_]:
        """Whether a subject is in a group that is large enough, shape ``(subjects,)``."""
        return (self.labels.notna() & ~self.labels.isin(self.insufficient)).to_numpy()

    @property
    def groups(self) -> Groups | None:
        """Groups of the compared subjects, in their order; ``None`` where fewer than two are large enough."""
        labels = self.labels[self.compared]
        return Groups.of(labels.tolist()) if labels.nunique() > 1 else None


def groupings(attributes: pd.DataFrame, names: Sequence[str], min_group_size: int) -> Iterator[Grouping]:
    """By each attribute, then by each pair of attributes.

    Args:
        attributes: Attributes of the scored subjects, index ``subject_id``.
        names: Audit attributes.
        min_group_size: Subjects that a group needs, at least 1.

    Yields:
        Groupings in the order of ``names``. A pair that divides nobody further than one of its attributes does is left
        out: it would test the same people twice.

    Raises:
        InvalidParameterError: An attribute is unknown or no grouping, or ``min_group_size`` is below 1.
    """
    if min_group_size < 1:
        raise InvalidParameterError("min_group_size", min_group_size, "at least 1")
    single = {name: _labels(attributes, name) for name in dict.fromkeys(names)}
    for name, labels in single.items():
        yield Grouping(name, labels, min_group_size)
    for first, second in combinations(single, 2):
        both = _together(single[first], single[second])
        if not _same_people(both, single[first]) and not _same_people(both, single[second]):
            yield Grouping(BY.join((first, second)), both, min_group_size)


def _labels(attributes: pd.DataFrame, name: str) -> pd.Series[str]:
    if name not in attributes.columns:
        permitted = f"one of {listed_names(attributes.columns)}"
        raise InvalidParameterError("audit_attributes", name, permitted, "correct its spelling, or add the attribute")
    labels = code_text(attributes[name])
    _check_spelling(name, labels)
    if labels.nunique() > MOST_VALUES:
        found = f"{name} with {labels.nunique()} values"
        raise InvalidParameterError("audit_attributes", found, f"at most {MOST_VALUES} values", "report bands of it")
    return labels


def _check_spelling(name: str, labels: pd.Series[str]) -> None:
    """Refuse ``White`` beside ``White `` or ``white``: two small groups of what is one, told apart by nobody."""
    plain = pd.Series([similar_spelling(str(label)) for label in labels.dropna().unique()], dtype="str")
    if alike := int(plain.duplicated(keep=False).sum()):
        found = f"{name} with {alike} values that differ from each other in spaces, capitals or hidden characters alone"
        raise InvalidParameterError("audit_attributes", found, "one spelling of each group", "correct the table")


def _together(first: pd.Series[str], second: pd.Series[str]) -> pd.Series[str]:
    both = first.str.cat(second, sep=BY)
    if both.nunique() < len(pd.DataFrame({"first": first, "second": second}).dropna().drop_duplicates()):
        found = f"{first.name} and {second.name} with values that together read alike, because some contain {BY!r}"
        raise InvalidParameterError("audit_attributes", found, f"values without {BY!r}", "correct the table")
    return both


def _same_people(both: pd.Series[str], one: pd.Series[str]) -> bool:
    return both.nunique() == one.nunique() and both.notna().equals(one.notna())


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


@dataclass(frozen=True)
class Answers:
    """Answers to the declared questions.

    Attributes:
        compared: Of whom.
        parameters: The questions.
        bootstrap: Of group means, shapes ``(models, groups)``.
        region: Intervals of the group means that hold all at once, for each model.
        tests: That groups are equal.
        equivalence: That groups are apart by the margin or more.
    """

    compared: Compared
    parameters: AuditParameters
    bootstrap: GroupBootstrap
    region: Interval
    tests: PermutationTests
    equivalence: EquivalenceTests


def answers(compared: Compared, parameters: AuditParameters) -> Answers:
    """Draw subjects, trainings and memberships, once for all models that share their subjects.

    Raises:
        InvalidParameterError: So few draws that there are no intervals of all groups at once.
    """
    least = _fewest_draws(len(compared.groups.names), parameters.alpha)
    if parameters.draws < least:
        permitted = f"at least {least} for {len(compared.groups.names)} groups by {compared.attribute}"
        raise InvalidParameterError("audit.draws", parameters.draws, permitted, "raise it; 10,000 take seconds")
    values, groups, draws, seed = compared.values, compared.groups, parameters.draws, parameters.seed
    bootstrap = bootstrap_t_over_seeds(compared.by_seed, groups, draws, seed)
    return Answers(
        compared,
        parameters,
        bootstrap,
        bootstrap.region(parameters.confidence),
        permutation_tests(values, groups, draws, seed),
        equivalence_tests(values, groups, draws, seed, parameters.margin),
    )


def too_few_draws(alike: Sequence[Compared], parameters: AuditParameters) -> Iterator[str]:
    """A sentence if no difference by an attribute could be found, whatever the scores are.

    Args:
        alike: All models by one attribute, whose tests are one family.
        parameters: The questions.
    """
    tests = sum(len(one.cohort.models) * len(one.groups.names) for one in alike)
    least = _fewest_draws(tests, parameters.alpha)
    if parameters.draws < least:
        yield (
            f"{alike[0].attribute}: with {parameters.draws} draws none of {tests} tests against the others can reach "
            f"{parameters.alpha:g} after Holm's correction; set audit.draws to {least} at least."
        )


def _fewest_draws(tests: int, alpha: float) -> int:
    """Draws with which the smallest two-sided p value is at most ``alpha`` after Holm's correction.

    As many are enough for intervals of that many groups that hold at once.
    """
    return ceil(2.0 * tests / alpha)
