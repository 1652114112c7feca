"""Which subjects a batch is drawn from: pure functions of keys, batch size, seed and step."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from faircmr.core.randomness import generator

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
    return _visit(np.arange(len(keys)), _slots(batch_size, step), seed, "")


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
    members = _members(tuple(keys))
    slots = _slots(batch_size, step)
    turns, groups = np.divmod(slots, len(members))
    positions = np.empty(batch_size, dtype=np.int64)
    for index, (key, subjects) in enumerate(members):
        mine = groups == index
        positions[mine] = _visit(subjects, turns[mine], seed, key)
    return positions


def _slots(batch_size: int, step: int) -> Positions:
    return np.arange(step * batch_size, (step + 1) * batch_size, dtype=np.int64)


def _visit(subjects: Positions, visits: Positions, seed: int, key: str) -> Positions:
    """Subjects of the given visits, where visits count up from 0 over the whole training."""
    passes, places = np.divmod(visits, len(subjects))
    chosen = [_order(len(subjects), seed, key, int(n))[place] for n, place in zip(passes, places, strict=True)]
    return subjects[np.array(chosen, dtype=np.int64)]


@lru_cache(maxsize=8)
def _members(keys: tuple[str, ...]) -> tuple[tuple[str, Positions], ...]:
    labels = np.array(keys)
    return tuple((str(key), np.flatnonzero(labels == key)) for key in np.unique(labels))


@lru_cache(maxsize=256)
def _order(count: int, seed: int, key: str, number: int) -> Positions:
    """Random order of the members of a group in one pass."""
    return generator(seed, "sampler", key, number).permutation(count)
