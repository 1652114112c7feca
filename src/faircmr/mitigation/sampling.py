"""Strata of subjects, and samplers that choose the subjects of each batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from faircmr.core import PROTECTED_GROUP, InvalidCohortError, InvalidParameterError, generator, nearest_name
from faircmr.core.user_input import code_text

_BOOKKEEPING = frozenset({"subject_id", "split", "fold", PROTECTED_GROUP})
"""Columns of a cohort table that are not attributes of subjects."""


def strata(cohort_table: pd.DataFrame, within: Sequence[str]) -> dict[str, str]:
    """Stratum of each subject.

    Args:
        cohort_table: ``subject_id``, ``protected_group`` and the named attributes; a subject may appear in several
            folds.
        within: Attributes whose values form the strata together with the protected group; if empty, the strata are
            the protected groups.

    Returns:
        By subject: ``A``, or the intersection ``A | F``. Different intersections have different names.

    Raises:
        InvalidParameterError: An attribute does not exist; names the nearest one.
        InvalidCohortError: Values are missing; gives the number of subjects.
    """
    check_attributes(cohort_table, within)
    return value_labels(cohort_table, [PROTECTED_GROUP, *dict.fromkeys(within)])


def value_labels(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    """Join the values of some columns to one name for each subject; empty without columns.

    Args:
        table: ``subject_id`` and the columns.
        columns: Columns whose values to join, in this order.

    Returns:
        By subject. Different values have different names.

    Raises:
        InvalidCohortError: Values are missing; gives the number of subjects.
    """
    check_no_missing(table, columns)
    # a single value is not escaped, so that a stratum without further attributes is the protected group
    written = [code_text(table[name]).map(str if len(columns) == 1 else _escaped) for name in columns]
    names = [" | ".join(values) for values in zip(*written, strict=True)] if written else [""] * len(table)
    return dict(zip(table["subject_id"], names, strict=True))


def check_attributes(table: pd.DataFrame, attributes: Sequence[str]) -> None:
    """Raise an error if a table lacks an attribute.

    Raises:
        InvalidParameterError: An attribute does not exist; names the nearest one.
    """
    known = [str(column) for column in table.columns if column not in _BOOKKEEPING]
    for name in attributes:
        if name not in known:
            raise InvalidParameterError(
                "within",
                repr(name),
                f"attributes of this study: {', '.join(known) or 'none'}",
                (f"did you mean {nearest_name(name, known)!r}? If not, " if known else "")
                + "add it to attributes.covariates",
            )


def check_no_missing(table: pd.DataFrame, columns: Sequence[str]) -> None:
    """Raise an error if values of some columns are missing.

    Raises:
        InvalidCohortError: Values are missing; gives the number of subjects.
    """
    for name in columns:
        # subjects, not rows: with cross-validation a subject appears in several folds
        missing = table.loc[table[name].isna(), "subject_id"].nunique()
        if missing:
            raise InvalidCohortError(
                f"attribute {name!r}",
                f"missing for {missing} of {table['subject_id'].nunique()} subjects",
                "a value for every training and validation subject",
                "complete the attribute, or remove it from the strategy's 'within'",
            )


def _escaped(value: object) -> str:
    return str(value).replace("\\", "\\\\").replace("|", "\\|")


Positions = npt.NDArray[np.int64]


def uniform(keys: Sequence[str], batch_size: int, seed: int, step: int) -> Positions:
    """Draw subjects in passes over all of them, each pass in its own random order.

    Args:
        keys: One for each subject; only their number matters.
        batch_size: Number of subjects to draw.
        seed: Training seed.
        step: Step from 0.

    Returns:
        Positions in ``keys``, shape (batch_size,). No subject is repeated before all others were drawn.
    """
    return _subjects_of_visits(np.arange(len(keys)), _slots(batch_size, step), seed, "")


def stratified_batch_sampling(keys: Sequence[str], batch_size: int, seed: int, step: int) -> Positions:
    """Draw subjects such that all groups are equally frequent in every batch.

    The slots of all batches are assigned to the groups in turn. If the batch size is a multiple of the
    number of groups, each batch contains equally many subjects of each group. Otherwise the counts within a
    batch differ by at most one, and are equal over ``groups / gcd(groups, batch_size)`` steps. This also holds
    with more groups than slots.

    Args:
        keys: Group of each subject.
        batch_size: Number of subjects to draw.
        seed: Training seed.
        step: Step from 0.

    Returns:
        Positions in ``keys``, shape (batch_size,). No subject of a group is repeated before all others of the
        group were drawn.

    Source:
        Puyol-Antón et al. 2021, section 3, "stratified batch sampling".
    """
    members = _group_members(tuple(keys))
    slots = _slots(batch_size, step)
    turns, groups = np.divmod(slots, len(members))
    positions = np.empty(batch_size, dtype=np.int64)
    for index, (key, subjects) in enumerate(members):
        of_group = groups == index
        positions[of_group] = _subjects_of_visits(subjects, turns[of_group], seed, key)
    return positions


def _slots(batch_size: int, step: int) -> Positions:
    return np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)


def _subjects_of_visits(subjects: Positions, visits: Positions, seed: int, key: str) -> Positions:
    """Subjects of some visits; visits are numbered from 0 over the whole training."""
    passes, positions = np.divmod(visits, len(subjects))
    chosen = [
        _pass_order(len(subjects), seed, key, int(n))[position] for n, position in zip(passes, positions, strict=True)
    ]
    return subjects[np.array(chosen, dtype=np.int64)]


@lru_cache(maxsize=8)
def _group_members(keys: tuple[str, ...]) -> tuple[tuple[str, Positions], ...]:
    groups = np.array(keys)
    return tuple((str(key), np.flatnonzero(groups == key)) for key in np.unique(groups))


@lru_cache(maxsize=256)
def _pass_order(count: int, seed: int, key: str, number: int) -> Positions:
    """Random order of the members of a group in one pass."""
    return generator(seed, "sampler", key, number).permutation(count)
