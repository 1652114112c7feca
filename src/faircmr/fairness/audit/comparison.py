"""Group the scored subjects by attributes, and compute the resampling results that all audit tables use."""

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

INTERSECTION_SEPARATOR = " x "
"""Separates two attributes or two groups of an intersection: ``race x sex``, ``Black x F``."""


@dataclass(frozen=True)
class Grouping:
    """One way to group subjects.

    Attributes:
        name: Attribute (``race``), or two (``race x sex``).
        labels: Group of each subject, missing where an attribute is not recorded; index ``subject_id``.
        min_group_size: Smallest number of subjects with which a group is tested.
    """

    name: str
    labels: pd.Series[str]
    min_group_size: int

    @property
    def sizes(self) -> pd.Series[int]:
        """Number of subjects of each group, sorted by group name."""
        return self.labels.value_counts().sort_index()

    @property
    def not_recorded(self) -> int:
        """Number of subjects without a group."""
        return int(self.labels.isna().sum())

    @property
    def insufficient(self) -> tuple[str, ...]:
        """Groups with fewer subjects than ``min_group_size``. Too small does not mean fair."""
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
    """Group subjects by each attribute, then by each pair of attributes.

    Args:
        attributes: Attributes of the scored subjects, index ``subject_id``.
        names: Audit attributes.
        min_group_size: Subjects that a group needs, at least 1.

    Yields:
        Groupings in the order of ``names``. A pair that gives the same groups as one of its attributes is left out,
        because the same subjects would be tested twice.

    Raises:
        InvalidParameterError: An attribute is unknown or has too many values, or ``min_group_size`` is below 1.
    """
    if min_group_size < 1:
        raise InvalidParameterError("min_group_size", min_group_size, "at least 1")
    single = {name: _labels(attributes, name) for name in dict.fromkeys(names)}
    for name, labels in single.items():
        yield Grouping(name, labels, min_group_size)
    for first, second in combinations(single, 2):
        both = _intersection_labels(single[first], single[second])
        if not _same_partition(both, single[first]) and not _same_partition(both, single[second]):
            yield Grouping(INTERSECTION_SEPARATOR.join((first, second)), both, min_group_size)


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
    """Raise an error if groups differ only in spelling: ``White`` and ``white`` would be two small groups."""
    plain = pd.Series([similar_spelling(str(label)) for label in labels.dropna().unique()], dtype="str")
    if alike := int(plain.duplicated(keep=False).sum()):
        found = f"{name} with {alike} values that differ from each other in spaces, capitals or hidden characters alone"
        raise InvalidParameterError("audit_attributes", found, "one spelling of each group", "correct the table")


def _intersection_labels(first: pd.Series[str], second: pd.Series[str]) -> pd.Series[str]:
    both = first.str.cat(second, sep=INTERSECTION_SEPARATOR)
    if both.nunique() < len(pd.DataFrame({"first": first, "second": second}).dropna().drop_duplicates()):
        reason = f"values that together read alike, because some contain {INTERSECTION_SEPARATOR!r}"
        found = f"{first.name} and {second.name} with {reason}"
        raise InvalidParameterError(
            "audit_attributes", found, f"values without {INTERSECTION_SEPARATOR!r}", "correct the table"
        )
    return both


def _same_partition(both: pd.Series[str], one: pd.Series[str]) -> bool:
    return both.nunique() == one.nunique() and both.notna().equals(one.notna())


@dataclass(frozen=True)
class Cohort:
    """Models with scores of the same subjects and equally many training seeds, which share all random draws.

    Attributes:
        models: Names of the models.
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
        """Return the model with this name, or the first model if ``name`` is empty."""
        positions = {model: (cohort, index) for cohort in found for index, model in enumerate(cohort.models)}
        model = name or next(iter(positions))
        if model not in positions:
            raise InvalidParameterError("audit.baseline", model, f"one of {', '.join(positions)}")
        cohort, index = positions[model]
        return cls(model, pd.DataFrame(cohort.scores[index].T, cohort.subjects))

    def notes(self, found: Sequence[Cohort]) -> list[str]:
        """Return a note on each cohort whose subjects differ from those of the baseline."""
        notes = []
        for cohort in found:
            if apart := len(cohort.subjects.symmetric_difference(self.scores.index)):
                both = len(cohort.subjects.intersection(self.scores.index))
                notes.append(
                    f"{', '.join(cohort.models)}: changes since {self.model} are of the {both} subjects whom both "
                    f"scored; {apart} were scored by one of them alone, and the models' other numbers are of "
                    "different people."
                )
        return notes


@dataclass(frozen=True)
class Undivided:
    """Models and a grouping with fewer than two groups that are large enough. Their groups are not tested.

    Attributes:
        cohort: The models and all of their subjects.
        grouping: How the subjects are divided.
    """

    cohort: Cohort
    grouping: Grouping


@dataclass(frozen=True)
class Compared:
    """Models and a grouping with at least two groups that are large enough.

    Attributes:
        cohort: The models and all of their subjects.
        grouping: Groups of the subjects, including groups that are too small.
        groups: Groups that are large enough.
    """

    cohort: Cohort
    grouping: Grouping
    groups: Groups

    @property
    def attribute(self) -> str:
        """Attribute, or pair of attributes, that defines the groups."""
        return self.grouping.name

    @property
    def by_seed(self) -> FloatArray:
        """Scores of the compared subjects, shape ``(models, seeds, subjects)``, in the order of ``groups``."""
        return self.cohort.scores[..., self.grouping.compared]

    @property
    def values(self) -> FloatArray:
        """Scores of the compared subjects averaged over training seeds, shape ``(models, subjects)``."""
        return np.asarray(self.by_seed.mean(axis=1))


def cohorts_by_subjects(scores: ScoresByModel, known: pd.Index) -> list[Cohort]:
    """Combine the models that have the same subjects and equally many training seeds into cohorts.

    Args:
        scores: Scores of each model.
        known: Subjects whose attributes are known. Other subjects are left out.

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
    """Group the subjects of all models by every attribute and pair of attributes.

    Args:
        found: The models.
        attributes: Of their subjects, index ``subject_id``.
        names: Attributes to divide by.
        min_group_size: Subjects that a group needs.

    Returns:
        For each attribute or pair, the models with at least two groups that are large enough; the models without;
        and notes on both the latter and the groups that are too small.

    Raises:
        InvalidParameterError: An attribute is unknown or no grouping.
    """
    by_attribute: dict[str, list[Compared]] = {}
    undivided: list[Undivided] = []
    notes: list[str] = []
    for cohort in found:
        for grouping in groupings(attributes.loc[cohort.subjects], names, min_group_size):
            notes += _group_size_notes(cohort.models, grouping)
            if (groups := grouping.groups) is None:
                undivided.append(Undivided(cohort, grouping))
            else:
                by_attribute.setdefault(grouping.name, []).append(Compared(cohort, grouping, groups))
    return list(by_attribute.values()), undivided, notes


def zero_spread_notes(compared: Compared) -> Iterator[str]:
    """Yield a note on each model that gives all subjects of a group the same score."""
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


def _group_size_notes(models: tuple[str, ...], grouping: Grouping) -> Iterator[str]:
    where = f"{', '.join(models)} by {grouping.name}"
    if grouping.insufficient:
        named = ", ".join(f"{name} ({grouping.sizes[name]})" for name in grouping.insufficient)
        yield f"{where}: fewer than {grouping.min_group_size} subjects in {named}: insufficient evidence."
    if grouping.groups is None:
        yield f"{where}: fewer than two groups are large enough to be compared."


@dataclass(frozen=True)
class AuditDraws:
    """Resampling results and tests of the models that share their subjects, for one attribute.

    Attributes:
        compared: Models and groups.
        parameters: Parameters of the audit.
        bootstrap: Of group means, shapes ``(models, groups)``.
        region: Simultaneous intervals of the group means, for each model.
        tests: Permutation tests of the hypothesis that groups are equal.
        equivalence: Tests of the hypothesis that groups differ by the margin or more.
    """

    compared: Compared
    parameters: AuditParameters
    bootstrap: GroupBootstrap
    region: Interval
    tests: PermutationTests
    equivalence: EquivalenceTests


def draw(compared: Compared, parameters: AuditParameters) -> AuditDraws:
    """Resample subjects and training seeds and permute groups, once for all models of a cohort.

    Raises:
        InvalidParameterError: There are too few draws for simultaneous intervals of all groups.
    """
    least = _fewest_draws(len(compared.groups.names), parameters.alpha)
    if parameters.draws < least:
        permitted = f"at least {least} for {len(compared.groups.names)} groups by {compared.attribute}"
        raise InvalidParameterError("audit.draws", parameters.draws, permitted, "raise it; 10,000 take seconds")
    values, groups, draws, seed = compared.values, compared.groups, parameters.draws, parameters.seed
    bootstrap = bootstrap_t_over_seeds(compared.by_seed, groups, draws, seed)
    return AuditDraws(
        compared,
        parameters,
        bootstrap,
        bootstrap.region(parameters.confidence),
        permutation_tests(values, groups, draws, seed),
        equivalence_tests(values, groups, draws, seed, parameters.margin),
    )


def too_few_draws_notes(alike: Sequence[Compared], parameters: AuditParameters) -> Iterator[str]:
    """Yield a note if there are too few draws for any test by an attribute to be significant.

    Args:
        alike: All models by one attribute. Their tests are one family.
        parameters: Parameters of the audit.
    """
    tests = sum(len(one.cohort.models) * len(one.groups.names) for one in alike)
    least = _fewest_draws(tests, parameters.alpha)
    if parameters.draws < least:
        yield (
            f"{alike[0].attribute}: with {parameters.draws} draws none of {tests} tests against the others can reach "
            f"{parameters.alpha:g} after Holm's correction; set audit.draws to {least} at least."
        )


def _fewest_draws(tests: int, alpha: float) -> int:
    """Number of draws from which the smallest two-sided p value is at most ``alpha`` after Holm's correction.

    The same number is enough for simultaneous intervals of as many groups.
    """
    return ceil(2.0 * tests / alpha)
