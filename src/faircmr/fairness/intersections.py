"""Every way in which an audit groups subjects: by one attribute, and by two together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.core.shown_names import listed_names, similar_spelling
from faircmr.core.table_values import code_text
from faircmr.fairness.disaggregate import MOST_VALUES
from faircmr.fairness.inference.groups import Groups

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
