"""Training cohorts: which subjects a strategy trains and validates on.

Subjects are drawn in a random order. The rank of a subject in it depends only on the seed, the purpose and its study
key. The order of rows does not matter, added or removed subjects do not change the order of the others, and two cohorts
that are drawn with the same seed begin with the same subjects.

All strategies take the subjects of a protected group in the same order. Two strategies therefore differ in how many
subjects of a group they train on, and as little as possible in which ones.
"""

from __future__ import annotations

import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

import pandas as pd

from faircmr.core import (
    PROTECTED_GROUP,
    InvalidCohortError,
    InvalidParameterError,
    InvalidSplitError,
    Omission,
    derived_seed,
)
from faircmr.core.study import TEST, TRAIN, VALIDATION, check_splits, folds_of, subjects_in
from faircmr.mitigation.sampling import check_attributes, check_no_missing, value_labels
from faircmr.mitigation.strategies import (
    BalancedCohort,
    DrawnCohort,
    NaturalCohort,
    SizeMatchedCohort,
    SmallestShareCohort,
    StrategyParameters,
    StratifiedBatchSampling,
)


def apportion(total: int, sizes: Mapping[str, int], most: Mapping[str, int], least: int = 0) -> dict[str, int]:
    """Divide a number of subjects among groups in proportion to their sizes, by the largest remainder method.

    Args:
        total: Number of subjects to divide; the sum may be smaller because of ``most``, or larger because of ``least``.
        sizes: Size of each group; of groups with equal remainders, the first one here gets the subject.
        most: Most subjects of each group.
        least: Fewest subjects of each group.

    Returns:
        Number of subjects of each group. They sum to ``total``, and each is its proportion rounded up or down, as far
        as ``most`` and ``least`` permit.

    Source:
        Hamilton's method; see Balinski and Young 2001, "Fair Representation".
    """
    # exact, so that groups of equal size have equal remainders
    quota = {group: Fraction(total * size, sum(sizes.values())) for group, size in sizes.items()}
    counts = {group: min(max(int(share), least), most[group]) for group, share in quota.items()}
    while sum(counts.values()) < min(total, sum(most.values())):
        open_groups = [group for group in sizes if counts[group] < most[group]]
        counts[max(open_groups, key=lambda group: quota[group] - counts[group])] += 1
    while sum(counts.values()) > max(total, least * len(sizes)):
        open_groups = [group for group in sizes if counts[group] > least]
        counts[max(open_groups, key=lambda group: counts[group] - quota[group])] -= 1
    return counts


def in_drawn_order(names: Iterable[str], seed: int, *purpose: str) -> list[str]:
    """Sort names in a random order that depends on seed and purpose.

    Args:
        names: Study keys of subjects, or names of groups or of values.
        seed: Of the draw.
        *purpose: Texts that distinguish this order from others with the same seed.
    """
    return sorted(names, key=lambda name: (derived_seed(seed, "cohort", *purpose, name), name))


def groups_in_drawn_order(table: pd.DataFrame, seed: int, *purpose: str) -> dict[str, list[str]]:
    """Subjects of each protected group, in the order of :func:`in_drawn_order`.

    Args:
        table: ``subject_id`` and ``protected_group``, one row for each subject.
        seed: Of the draw.
        *purpose: Same as for :func:`in_drawn_order`.

    Returns:
        By group, sorted by its name.
    """
    groups = table.groupby(table[PROTECTED_GROUP].map(str), sort=True)["subject_id"]
    return {str(group): in_drawn_order(members, seed, *purpose) for group, members in groups}


_TOLERANCE = 1e-9
_PURPOSE = "validation"


def split_training_validation(drawn: pd.DataFrame, cohort: DrawnCohort, within: Sequence[str] = ()) -> dict[str, str]:
    """Split drawn subjects into training and validation, in the same proportion within each protected group.

    Args:
        drawn: ``subject_id``, ``protected_group`` and the attributes of ``within``, one row for each subject.
        cohort: Its ``validation_fraction`` and ``seed``.
        within: Attributes whose values are split in the same proportion too, so that a balanced cohort has balanced
            training subjects.

    Returns:
        ``train`` or ``validation`` for each subject. The fraction of all subjects is rounded up (105 of the paper's
        522), as far as a training subject of every group remains.

    Raises:
        InvalidCohortError: Values are missing; gives the number of subjects.

    Source:
        Puyol-Antón et al. 2021, section 4: 417 and 105.
    """
    groups = groups_in_drawn_order(drawn, cohort.seed, _PURPOSE)
    sizes = _sizes(groups, in_drawn_order(groups, cohort.seed, _PURPOSE, "group"))
    total = math.ceil(cohort.validation_fraction * len(drawn) - _TOLERANCE)
    counts = apportion(total, sizes, most={group: size - 1 for group, size in sizes.items()})
    value_of = value_labels(drawn, within)
    validating = {
        subject_id
        for group, members in groups.items()
        for subject_id in _draw_each_value(group, members, counts[group], value_of, cohort.seed)
    }
    return {name: VALIDATION if name in validating else TRAIN for name in drawn["subject_id"]}


def _draw_each_value(
    group: str, members: Sequence[str], count: int, value_of: Mapping[str, str], seed: int
) -> list[str]:
    by_value: dict[str, list[str]] = defaultdict(list)
    for subject_id in members:
        by_value[value_of[subject_id]].append(subject_id)
    sizes = _sizes(by_value, in_drawn_order(by_value, seed, _PURPOSE, "value", group))
    counts = apportion(count, sizes, most=sizes)
    return [subject_id for value, subjects in by_value.items() for subject_id in subjects[: counts[value]]]


def _sizes(parts: Mapping[str, Sequence[str]], order: Iterable[str]) -> dict[str, int]:
    return {name: len(parts[name]) for name in order}


logger = logging.getLogger(__name__)


class Shortage(NamedTuple):
    """A value of which a protected group has too few subjects for a balanced cohort.

    Attributes:
        group: The protected group.
        value: The value, or the intersection of the values of several attributes.
        have: Number of subjects with it in the group.
        need: Number of subjects for equal parts.
    """

    group: str
    value: str
    have: int
    need: int


def alternate_values(group: str, members: Sequence[str], value_of: Mapping[str, str], seed: int) -> list[str]:
    """Order the members of a group such that their values alternate.

    Each value appears once before any value is repeated. Any number of first members therefore contains the values
    equally often, up to one subject more for the values that are drawn first, as long as subjects of each value remain.

    Args:
        group: Name of the protected group.
        members: Its subjects, in drawn order.
        value_of: Value of each subject.
        seed: Of the order of the values.

    Returns:
        All members in their new order.
    """
    turn = _value_order(group, {value_of[subject_id] for subject_id in members}, seed)
    seen: Counter[str] = Counter()
    position: dict[str, tuple[int, int]] = {}
    for subject_id in members:
        value = value_of[subject_id]
        position[subject_id] = (seen[value], turn[value])
        seen[value] += 1
    return sorted(members, key=lambda subject_id: position[subject_id])


def check_shortages(pools: Iterable[pd.DataFrame], cohort: BalancedCohort, strategy: str) -> None:
    """Raise an error, or log a warning, if values have too few subjects for equal parts.

    Args:
        pools: Same as for :func:`shortages`, one for each fold.
        cohort: Its ``too_few`` chooses between error and warning.
        strategy: Name of the strategy.

    Raises:
        InvalidCohortError: ``too_few`` is ``error``; names the first group and value with too few subjects.
    """
    pools = list(pools)
    missing = [shortage for pool in pools for shortage in shortages(pool, cohort)]
    if missing and cohort.too_few == "error":
        group, value, have, need = missing[0]
        raise InvalidCohortError(
            f"balanced cohort of {strategy}, protected group {group!r}",
            f"{have} subjects of {', '.join(cohort.within)} {value!r}",
            f"{need}, so that each value has the same number",
            f"set {strategy}.strategy.cohort.too_few to 'relax' to fill the group up from its other values, or shorten "
            f"{strategy}.strategy.cohort.within",
        )
    for one in filled_places(pools, cohort):
        logger.warning("%s: %s", strategy, one)


def filled_places(pools: Iterable[pd.DataFrame], cohort: BalancedCohort) -> list[Omission]:
    """Omission for places of a balanced cohort that subjects with another value fill; empty if all parts are equal.

    Args:
        pools: Same as for :func:`shortages`, one for each fold.
        cohort: Its ``within`` names the attributes to balance.
    """
    filled = places = 0
    for pool in pools:
        filled += sum(one.need - one.have for one in shortages(pool, cohort))
        sizes = pool["protected_group"].value_counts()
        places += int(sizes.min()) * len(sizes)
    outcome = f"filled with another value of {', '.join(cohort.within)}"
    reason = "their protected group has too few subjects of the value"
    return [Omission("places in the balanced cohort", filled, places, reason, outcome)] if filled else []


def shortages(pool: pd.DataFrame, cohort: BalancedCohort) -> list[Shortage]:
    """Groups and values with too few subjects for equal parts.

    Args:
        pool: ``subject_id``, ``protected_group`` and the attributes of ``cohort.within``, one row for each subject.
        cohort: Its ``within`` names the attributes to balance.

    Returns:
        One entry for each group and value with too few subjects; empty if the parts of each group can be equal, or
        differ by one subject because of the remainder.

    Raises:
        InvalidCohortError: Values are missing; gives the number of subjects.
    """
    value_of = value_labels(pool, cohort.within)
    values = set(value_of.values())
    groups = groups_in_drawn_order(pool, cohort.seed, "draw")
    size = min(map(len, groups.values()))
    missing = []
    for group, members in groups.items():
        have = Counter(value_of[subject_id] for subject_id in members)
        needs = _needed_by_value(size, have, _value_order(group, values, cohort.seed))
        missing += [Shortage(group, value, have[value], need) for value, need in needs.items() if have[value] < need]
    return missing


def _needed_by_value(size: int, have: Counter[str], turn: Mapping[str, int]) -> dict[str, int]:
    """Required subjects of each value; a remainder goes first to values with subjects to spare.

    Same order as in :func:`alternate_values`.
    """
    part, remainder = divmod(size, len(turn))
    order = sorted(turn, key=lambda value: (have[value] <= part, turn[value]))
    return {value: part + (position < remainder) for position, value in enumerate(order)}


def _value_order(group: str, values: Iterable[str], seed: int) -> dict[str, int]:
    return {value: turn for turn, value in enumerate(in_drawn_order(values, seed, "value", group))}


Groups = dict[str, list[str]]
"""Subjects of each protected group, in drawn order."""


def draw_balanced(pool: pd.DataFrame, cohort: BalancedCohort) -> list[str]:
    """Draw as many subjects of every protected group as the smallest one has.

    Args:
        pool: ``subject_id``, ``protected_group`` and the attributes of ``cohort.within``, one row for each subject.
        cohort: Its ``within`` names the attributes whose values are balanced within each group, as far as the pool
            permits: see :func:`check_shortages`.

    Returns:
        Study keys of the drawn subjects.

    Raises:
        InvalidCohortError: Values are missing; gives the number of subjects.

    Source:
        Puyol-Antón et al. 2021, section 3, "balanced database".
    """
    groups = _groups(pool, cohort.seed)
    value_of = value_labels(pool, cohort.within)
    ordered = {group: alternate_values(group, members, value_of, cohort.seed) for group, members in groups.items()}
    return _take_first(ordered, dict.fromkeys(groups, _smallest(groups)))


def draw_size_matched(pool: pd.DataFrame, cohort: SizeMatchedCohort) -> list[str]:
    """Draw as many subjects as the balanced cohort has, in the proportions of the pool.

    Args:
        pool: ``subject_id`` and ``protected_group``, one row for each subject.
        cohort: The seed.

    Returns:
        Study keys of the drawn subjects, at least one of each protected group.
    """
    groups = _groups(pool, cohort.seed)
    # so that the seed, not the alphabet, decides between groups with equal remainders
    sizes = {group: len(groups[group]) for group in in_drawn_order(groups, cohort.seed, "remainder")}
    return _take_first(groups, apportion(_smallest(groups) * len(groups), sizes, most=sizes, least=1))


def draw_smallest_share(pool: pd.DataFrame, cohort: SmallestShareCohort, strategy: str) -> list[str]:
    """Draw as many subjects as the balanced cohort has, with a given share of every group except the largest.

    Args:
        pool: ``subject_id`` and ``protected_group``, one row for each subject.
        cohort: The share.
        strategy: Name of the strategy, for errors.

    Returns:
        Study keys of the drawn subjects.

    Raises:
        InvalidParameterError: The share is less than half a subject or exceeds balance, or the largest group has too
            few subjects for the rest.
    """
    groups = _groups(pool, cohort.seed)
    setting = f"{strategy}.strategy.cohort.share"
    _check_share(setting, cohort.share, len(groups))
    total = _smallest(groups) * len(groups)
    count = int(cohort.share * total + 0.5)
    largest = max(groups, key=lambda group: len(groups[group]))
    counts = {**dict.fromkeys(groups, count), largest: total - count * (len(groups) - 1)}
    _check_counts(setting, cohort.share, count, counts[largest], len(groups[largest]))
    return _take_first(groups, counts)


def _groups(pool: pd.DataFrame, seed: int) -> Groups:
    return groups_in_drawn_order(pool, seed, "draw")


def _smallest(groups: Groups) -> int:
    return min(map(len, groups.values()))


def _take_first(groups: Groups, counts: dict[str, int]) -> list[str]:
    return [subject_id for group, members in groups.items() for subject_id in members[: counts[group]]]


def _check_share(setting: str, share: float, groups: int) -> None:
    if share > 1 / groups + _TOLERANCE:
        raise InvalidParameterError(
            setting,
            f"{share:g} for each of {groups} protected groups except the largest",
            f"at most {1 / groups:.4g}, which is balance",
            "lower it",
        )


def _check_counts(setting: str, share: float, count: int, rest: int, largest: int) -> None:
    if count == 0:
        raise InvalidParameterError(
            setting, f"{share:g} is less than half a subject of a group", "at least half a subject", "increase it"
        )
    if rest > largest:
        raise InvalidParameterError(
            setting,
            f"{share:g} requires {rest} subjects of the largest protected group, which has {largest}",
            f"a share that requires at most {largest} subjects of it",
            "increase it",
        )


Drawn = BalancedCohort | SizeMatchedCohort | SmallestShareCohort


def select_training_cohort(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> pd.DataFrame:
    """Select the training and validation subjects of a strategy.

    Args:
        splits: ``subject_id``, ``split`` and, with cross-validation, ``fold``.
        subjects: ``subject_id``, ``protected_group`` and the attributes of all subjects of the study.
        strategy: Its ``cohort`` determines the selection.

    Returns:
        Training and validation rows of ``splits``, with ``protected_group`` and the attributes that the cohort or the
        sampler names in ``within``. A natural cohort keeps the splits of the study. Any other cohort is drawn, for each
        fold, from the training and validation subjects of the study, split anew, and sorted by fold and subject.

    Raises:
        InvalidSplitError: The splits do not contain exactly these subjects, or have no training subject.
        InvalidParameterError: The study lacks an attribute, or a share cannot be drawn.
        InvalidCohortError: Values of an attribute are missing, or too few subjects have one for equal parts.
    """
    check_splits(splits, subjects)
    _check_training_subjects(splits, strategy.name)
    attributes = _attributes(strategy)
    check_attributes(subjects, attributes)
    pool = _with_attributes(splits, subjects, attributes)
    choice = strategy.cohort
    cohort = pool if isinstance(choice, NaturalCohort) else _draw_cohort(pool, choice, strategy.name)
    check_no_test_subjects(cohort, splits)
    check_no_missing(cohort, attributes)
    return cohort


def cohort_pools(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> list[pd.DataFrame]:
    """Subjects that a cohort is drawn from, one table for each fold; arguments of :func:`select_training_cohort`."""
    return _by_fold(_with_attributes(splits, subjects, _attributes(strategy)))


def check_no_test_subjects(cohort: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Raise an error if a cohort contains test subjects of the same fold.

    Args:
        cohort: ``subject_id`` and, with cross-validation, ``fold``.
        splits: Same as for :func:`select_training_cohort`.

    Raises:
        InvalidSplitError: There are such subjects; gives their number.
    """
    for fold in folds_of(splits):
        members = cohort["subject_id"] if fold is None else cohort.loc[cohort["fold"] == fold, "subject_id"]
        tested = len(set(members) & set(subjects_in(splits, TEST, fold)))
        if tested:
            raise InvalidSplitError(
                f"training cohort{_in_fold(fold)}",
                f"{tested} of its subjects are test subjects",
                "no test subject",
                "make the splits and the cohort again",
            )


def _with_attributes(splits: pd.DataFrame, subjects: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """Training and validation subjects with their protected group and attributes."""
    chosen = splits[splits["split"].isin([TRAIN, VALIDATION])]
    return chosen.merge(subjects[["subject_id", PROTECTED_GROUP, *attributes]], on="subject_id", validate="many_to_one")


def _by_fold(named: pd.DataFrame) -> list[pd.DataFrame]:
    return [pool for _, pool in named.groupby("fold")] if "fold" in named else [named]


def _draw_cohort(named: pd.DataFrame, cohort: Drawn, strategy: str) -> pd.DataFrame:
    pools = _by_fold(named)
    within = cohort.within if isinstance(cohort, BalancedCohort) else ()
    if isinstance(cohort, BalancedCohort):
        check_shortages(pools, cohort, strategy)
    tables = [
        _split_drawn(pool[pool["subject_id"].isin(_draw(pool, cohort, strategy))], cohort, within) for pool in pools
    ]
    by = [*(["fold"] if "fold" in named else []), "subject_id"]
    return pd.concat(tables).sort_values(by, ignore_index=True)


def _draw(pool: pd.DataFrame, cohort: Drawn, strategy: str) -> list[str]:
    match cohort:
        case BalancedCohort():
            return draw_balanced(pool, cohort)
        case SizeMatchedCohort():
            return draw_size_matched(pool, cohort)
        case SmallestShareCohort():
            return draw_smallest_share(pool, cohort, strategy)


def _split_drawn(drawn: pd.DataFrame, cohort: DrawnCohort, within: tuple[str, ...]) -> pd.DataFrame:
    return drawn.assign(split=drawn["subject_id"].map(split_training_validation(drawn, cohort, within)))


def _attributes(strategy: StrategyParameters) -> list[str]:
    """Attributes that the strategy uses, without duplicates."""
    of_cohort = strategy.cohort.within if isinstance(strategy.cohort, BalancedCohort) else ()
    of_sampler = strategy.sampler.within if isinstance(strategy.sampler, StratifiedBatchSampling) else ()
    return list(dict.fromkeys((*of_cohort, *of_sampler)))


def _check_training_subjects(splits: pd.DataFrame, strategy: str) -> None:
    for fold in folds_of(splits):
        if not subjects_in(splits, TRAIN, fold):
            raise InvalidSplitError(
                f"training cohort of {strategy}{_in_fold(fold)}",
                "no training subject",
                "at least one training subject",
                "lower split.test_fraction or split.validation_fraction",
            )


def _in_fold(fold: int | None) -> str:
    return "" if fold is None else f" in fold {fold}"
