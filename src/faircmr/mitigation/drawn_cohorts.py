"""Cohorts of one size and different proportions, drawn from the same people.

Within a protected group all of them take subjects in one order, so that what differs between two strategies is how
many of a group they train on, and as little as possible who these are.
"""

from __future__ import annotations

import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.mitigation.apportionment import apportion
from faircmr.mitigation.choices import BalancedCohort, SizeMatchedCohort, SmallestShareCohort
from faircmr.mitigation.drawn_order import groups_in_drawn_order, in_drawn_order
from faircmr.mitigation.equal_values import in_turn
from faircmr.mitigation.strata import labels

Groups = dict[str, list[str]]
"""Subjects of each protected group in the order in which they are drawn."""
_NOTHING = 1e-9


def draw_balanced(pool: pd.DataFrame, cohort: BalancedCohort) -> list[str]:
    """As many subjects of every protected group as the smallest one has.

    Args:
        pool: ``subject_id``, ``protected_group`` and the attributes of ``cohort.within``, one row a subject.
        cohort: What is to be equal within a group. It is as equal as the pool permits: see
            :func:`~faircmr.mitigation.equal_values.check_shortages`.

    Returns:
        Study keys of the drawn subjects.

    Raises:
        InvalidCohortError: Says for how many subjects a value is missing.

    Source:
        Puyol-Antón et al. 2021, section 3, "balanced database".
    """
    groups = _groups(pool, cohort.seed)
    value_of = labels(pool, cohort.within)
    ordered = {group: in_turn(group, members, value_of, cohort.seed) for group, members in groups.items()}
    return _first(ordered, dict.fromkeys(groups, _smallest(groups)))


def draw_size_matched(pool: pd.DataFrame, cohort: SizeMatchedCohort) -> list[str]:
    """As many subjects as the balanced cohort has, in the proportions of the pool.

    Args:
        pool: ``subject_id`` and ``protected_group``, one row a subject.
        cohort: The seed.

    Returns:
        Study keys of the drawn subjects, at least one of each protected group.
    """
    groups = _groups(pool, cohort.seed)
    # of two groups with the same remainder the seed chooses, and not the alphabet
    sizes = {group: len(groups[group]) for group in in_drawn_order(groups, cohort.seed, "remainder")}
    return _first(groups, apportion(_smallest(groups) * len(groups), sizes, most=sizes, least=1))


def draw_smallest_share(pool: pd.DataFrame, cohort: SmallestShareCohort, strategy: str) -> list[str]:
    """As many subjects as the balanced cohort has; a given share of each group but the largest, which has the rest.

    Args:
        pool: ``subject_id`` and ``protected_group``, one row a subject.
        cohort: The share.
        strategy: Its name, for the error.

    Returns:
        Study keys of the drawn subjects.

    Raises:
        InvalidParameterError: The share comes to nobody or exceeds balance, or the largest group has too few
            subjects for the rest.
    """
    groups = _groups(pool, cohort.seed)
    setting = f"{strategy}.strategy.cohort.share"
    _check_share(setting, cohort.share, len(groups))
    total = _smallest(groups) * len(groups)
    each = int(cohort.share * total + 0.5)
    largest = max(groups, key=lambda group: len(groups[group]))
    counts = {**dict.fromkeys(groups, each), largest: total - each * (len(groups) - 1)}
    _check_counts(setting, cohort.share, each, counts[largest], len(groups[largest]))
    return _first(groups, counts)


def _groups(pool: pd.DataFrame, seed: int) -> Groups:
    return groups_in_drawn_order(pool, seed, "draw")


def _smallest(groups: Groups) -> int:
    return min(map(len, groups.values()))


def _first(groups: Groups, counts: dict[str, int]) -> list[str]:
    return [subject_id for group, members in groups.items() for subject_id in members[: counts[group]]]


def _check_share(setting: str, share: float, groups: int) -> None:
    if share > 1 / groups + _NOTHING:
        raise InvalidParameterError(
            setting,
            f"{share:g} of each of {groups} protected groups but the largest",
            f"at most {1 / groups:.4g}, which is balance",
            "lower it",
        )


def _check_counts(setting: str, share: float, each: int, rest: int, largest: int) -> None:
    if each == 0:
        raise InvalidParameterError(
            setting, f"{share:g} comes to no subject of a group", "at least half a subject", "raise it"
        )
    if rest > largest:
        raise InvalidParameterError(
            setting,
            f"{share:g} leaves {rest} subjects to the largest protected group, which has {largest}",
            "a rest that it can fill",
            "raise it",
        )
