"""Who of a drawn cohort trains, and who validates."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from faircmr.core.splits import TRAIN, VALIDATION
from faircmr.mitigation.apportionment import apportion
from faircmr.mitigation.choices import DrawnCohort
from faircmr.mitigation.drawn_order import groups_in_drawn_order, in_drawn_order
from faircmr.mitigation.strata import labels

_NOTHING = 1e-9
_PURPOSE = "validation"


def divide(drawn: pd.DataFrame, cohort: DrawnCohort, within: Sequence[str] = ()) -> dict[str, str]:
    """Divide drawn subjects into training and validation, each protected group alike.

    Args:
        drawn: ``subject_id``, ``protected_group`` and the attributes of ``within``, one row a subject.
        cohort: The share that validates, and the seed.
        within: Attributes of which each value is divided alike as well: what is balanced stays balanced in training.

    Returns:
        ``train`` or ``validation`` of each subject. Of all subjects the share, rounded up, validates wherever a
        training subject of every group remains: 105 of the paper's 522.

    Raises:
        InvalidCohortError: Says for how many subjects a value is missing.

    Source:
        Puyol-Antón et al. 2021, section 4: 417 and 105.
    """
    groups = groups_in_drawn_order(drawn, cohort.seed, _PURPOSE)
    sizes = _sizes(groups, in_drawn_order(groups, cohort.seed, _PURPOSE, "group"))
    total = math.ceil(cohort.validation_fraction * len(drawn) - _NOTHING)
    counts = apportion(total, sizes, most={group: size - 1 for group, size in sizes.items()})
    value_of = labels(drawn, within)
    validating = {
        subject_id
        for group, members in groups.items()
        for subject_id in _of_each_value(group, members, counts[group], value_of, cohort.seed)
    }
    return {name: VALIDATION if name in validating else TRAIN for name in drawn["subject_id"]}


def _of_each_value(group: str, members: Sequence[str], count: int, value_of: Mapping[str, str], seed: int) -> list[str]:
    by_value: dict[str, list[str]] = defaultdict(list)
    for subject_id in members:
        by_value[value_of[subject_id]].append(subject_id)
    sizes = _sizes(by_value, in_drawn_order(by_value, seed, _PURPOSE, "value", group))
    counts = apportion(count, sizes, most=sizes)
    return [subject_id for value, ones in by_value.items() for subject_id in ones[: counts[value]]]


def _sizes(parts: Mapping[str, Sequence[str]], order: Iterable[str]) -> dict[str, int]:
    return {name: len(parts[name]) for name in order}
