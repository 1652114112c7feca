"""Strata, and which subjects a batch is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import PROTECTED_GROUP, InvalidCohortError, InvalidParameterError, generator, nearest
from faircmr.core.user_input import code_text

_BOOKKEEPING = frozenset({"subject_id", "split", "fold", PROTECTED_GROUP})
"""Columns of a cohort table that are no attribute of a person."""


def strata(cohort_table: pd.DataFrame, within: Sequence[str]) -> dict[str, str]:
    """Stratum of each subject.

    Args:
        cohort_table: ``subject_id``, ``protected_group`` and the named attributes; a subject may stand in several
            folds.
        within: Attributes whose values form the strata together with the protected group; without any, the protected
            group itself is the stratum.

    Returns:
        By subject: ``A``, or the intersection ``A | F``. Different intersections have different names.

    Raises:
        InvalidParameterError: There is no such attribute; the nearest one is named.
        InvalidCohortError: Says for how many subjects a value is missing.
    """
    check_attributes(cohort_table, within)
    return value_labels(cohort_table, [PROTECTED_GROUP, *dict.fromkeys(within)])


def value_labels(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Name of each subject's values of some columns together; the empty name without columns.

    Args:
        table: ``subject_id`` and the columns.
        columns: Whose values to join, in this order.

    Returns:
        By subject. Different values have different names.

    Raises:
        InvalidCohortError: As for :func:`strata`.
    """
    check_no_missing(table, columns)
    # a single value stands as it is, so that a stratum without further attributes is the protected group
    written = [code_text(table[name]).map(str if len(columns) == 1 else _escaped) for name in columns]
    names = [" | ".join(values) for values in zip(*written, strict=True)] if written else [""] * len(table)
    return dict(zip(table["subject_id"], names, strict=True))


def check_attributes(table: pd.DataFrame, attributes: Sequence[str]) -> None:
    """Refuse attributes that a table has not.

    Raises:
        InvalidParameterError: As for :func:`strata`.
    """
    known = [str(column) for column in table.columns if column not in _BOOKKEEPING]
    for name in attributes:
        if name not in known:
            raise InvalidParameterError(
                "within",
                repr(name),
                f"attributes that this study keeps: {', '.join(known) or 'none'}",
                (f"did you mean {nearest(name, known)!r}? If not, " if known else "")
                + "add it to attributes.covariates",
            )


def check_no_missing(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse subjects without a value.

    Raises:
        InvalidCohortError: As for :func:`strata`.
    """
    for name in columns:
        # subjects and not rows: with cross-validation somebody stands in several folds
        missing = table.loc[table[name].isna(), "subject_id"].nunique()
        if missing:
            raise InvalidCohortError(
                f"attribute {name!r}",
                f"missing for {missing} of {table['subject_id'].nunique()} subjects",
                "a value for everybody who trains or validates",
                "complete the attribute, or take it out of the strategy's 'within'",
            )


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|")


Positions = npt.NDArray[np.int64]


def uniform(keys: Sequence[str], batch_size: int, seed: int, step: int) -> Positions:
    """Subjects in passes over all of them, each pass in its own random order.

    Args:
        keys: One a subject; only their number counts.
        batch_size: Subjects to draw.
        seed: Training seed.
        step: Step from 0.

    Returns:
        Positions in ``keys``, shape (batch_size,). No subject comes again before all have come.
    """
    return _subjects_of_visits(np.arange(len(keys)), _slots(batch_size, step), seed, "")


def stratified_batch_sampling(keys: Sequence[str], batch_size: int, seed: int, step: int) -> Positions:
    """Subjects such that every batch holds each group equally.

    Slots of all steps are dealt to the groups in turn. Where the batch size is a multiple of the
    number of groups, every batch holds each group equally. Otherwise counts within a batch differ
    by one at most, and are equal over ``groups / gcd(groups, batch_size)`` steps; so too where there
    are more groups than slots.

    Args:
        keys: Group of each subject.
        batch_size: Subjects to draw.
        seed: Training seed.
        step: Step from 0.

    Returns:
        Positions in ``keys``, shape (batch_size,). Within a group no subject comes again before all
        of the group have come.

    Source:
        Puyol-Antón et al. 2021, section 3, "stratified batch sampling".
    """
    members = _group_members(tuple(keys))
    slots = _slots(batch_size, step)
    turns, groups = np.divmod(slots, len(members))
    positions = np.empty(batch_size, dtype=np.int64)
    for index, (key, subjects) in enumerate(members):
        mine = groups == index
        positions[mine] = _subjects_of_visits(subjects, turns[mine], seed, key)
    return positions


def _slots(batch_size: int, step: int) -> Positions:
    return np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)


def _subjects_of_visits(subjects: Positions, visits: Positions, seed: int, key: str) -> Positions:
    """Subjects of the given visits, where visits count up from 0 over the whole training."""
    passes, places = np.divmod(visits, len(subjects))
    chosen = [_pass_order(len(subjects), seed, key, int(n))[place] for n, place in zip(passes, places, strict=True)]
    return subjects[np.array(chosen, dtype=np.int64)]


@lru_cache(maxsize=8)
def _group_members(keys: tuple[str, ...]) -> tuple[tuple[str, Positions], ...]:
    value_labels = np.array(keys)
    return tuple((str(key), np.flatnonzero(value_labels == key)) for key in np.unique(value_labels))


@lru_cache(maxsize=256)
def _pass_order(count: int, seed: int, key: str, number: int) -> Positions:
    """Random order of the members of a group in one pass."""
    return generator(seed, "sampler", key, number).permutation(count)
