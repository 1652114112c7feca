"""Training cohorts: which subjects a strategy trains and validates on.

Each name has a place of its own, which the seed, the purpose and the name itself give and nobody else does: whoever
joins or leaves moves nobody past another, the order of rows changes nothing, and two cohorts that are drawn with one
seed begin with the same people.

Within a protected group all of them take subjects in one order, so that what differs between two strategies is how
many of a group they train on, and as little as possible who these are.
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
    """Divide a number of subjects among groups in proportion to their sizes, by the largest remainder.

    Args:
        total: How many there are to divide; fewer are divided where ``most`` permits no more, more where ``least``
            asks for it.
        sizes: Of each group; of two with the same remainder, the one that comes first here has the subject.
        most: Most subjects of each group.
        least: Fewest subjects of each group.

    Returns:
        Subjects of each group. They add up to ``total``, and each is its proportion rounded up or down, wherever
        ``most`` and ``least`` leave room for it.

    Source:
        Hamilton's method; see Balinski and Young 2001, "Fair Representation".
    """
    # exact, so that groups of one size have one remainder
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
    """Names in the order that a seed draws for a purpose.

    Args:
        names: Study keys of subjects, or names of groups or of values.
        seed: Of the draw.
        *purpose: What the order is for.
    """
    return sorted(names, key=lambda name: (derived_seed(seed, "cohort", *purpose, name), name))


def groups_in_drawn_order(table: pd.DataFrame, seed: int, *purpose: str) -> dict[str, list[str]]:
    """Subjects of each protected group in the order that a seed draws for a purpose.

    Args:
        table: ``subject_id`` and ``protected_group``, one row a subject.
        seed: Of the draw.
        *purpose: What the order is for.

    Returns:
        By group, sorted by its name.
    """
    groups = table.groupby(table[PROTECTED_GROUP].map(str), sort=True)["subject_id"]
    return {str(group): in_drawn_order(members, seed, *purpose) for group, members in groups}


_TOLERANCE = 1e-9
_PURPOSE = "validation"


def split_training_validation(drawn: pd.DataFrame, cohort: DrawnCohort, within: Sequence[str] = ()) -> dict[str, str]:
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
    return [subject_id for value, ones in by_value.items() for subject_id in ones[: counts[value]]]


def _sizes(parts: Mapping[str, Sequence[str]], order: Iterable[str]) -> dict[str, int]:
    return {name: len(parts[name]) for name in order}


logger = logging.getLogger(__name__)


class Shortage(NamedTuple):
    """A value of which a protected group has too few subjects.

    Attributes:
        group: The protected group.
        value: The value, or the intersection of the values of several attributes.
        have: Subjects of it in the group.
        need: Subjects that its equal part asks for.
    """

    group: str
    value: str
    have: int
    need: int


def alternate_values(group: str, members: Sequence[str], value_of: Mapping[str, str], seed: int) -> list[str]:
    """Members of a group such that each value comes once before any value comes again.

    The first so many of them hold each value equally, the values that are drawn first once more where the number is
    odd, and as equally as can be where a value has run out.

    Args:
        group: Name of the protected group.
        members: Its subjects in the order in which they were drawn.
        value_of: Value of each subject.
        seed: Of the order of the values.

    Returns:
        All members in their new order.
    """
    turn = _value_order(group, {value_of[subject_id] for subject_id in members}, seed)
    seen: Counter[str] = Counter()
    place: dict[str, tuple[int, int]] = {}
    for subject_id in members:
        value = value_of[subject_id]
        place[subject_id] = (seen[value], turn[value])
        seen[value] += 1
    return sorted(members, key=lambda subject_id: place[subject_id])


def check_shortages(pools: Iterable[pd.DataFrame], cohort: BalancedCohort, strategy: str) -> None:
    """End the run where a value has fewer subjects than its equal part, or count it in the log.

    Args:
        pools: As for :func:`shortages`, one a fold.
        cohort: Its ``too_few`` says what to do.
        strategy: Its name.

    Raises:
        InvalidCohortError: Names the first group and value with too few subjects, where ``too_few`` is ``error``.
    """
    each = list(pools)
    found = [shortage for pool in each for shortage in shortages(pool, cohort)]
    if found and cohort.too_few == "error":
        group, value, have, need = found[0]
        raise InvalidCohortError(
            f"balanced cohort of {strategy}, protected group {group!r}",
            f"{have} subjects of {', '.join(cohort.within)} {value!r}",
            f"{need}, so that each value has the same number",
            f"set {strategy}.strategy.cohort.too_few to 'relax' to fill the group up from its other values, or shorten "
            f"{strategy}.strategy.cohort.within",
        )
    for one in filled_places(each, cohort):
        logger.warning("%s: %s", strategy, one)


def filled_places(pools: Iterable[pd.DataFrame], cohort: BalancedCohort) -> list[Omission]:
    """Places of a balanced cohort that a subject of another value fills; none where every part is equal.

    Args:
        pools: As for :func:`shortages`, one a fold.
        cohort: What is to be equal.
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
    """Where the subjects of a pool do not suffice for equal parts.

    Args:
        pool: ``subject_id``, ``protected_group`` and the attributes of ``cohort.within``, one row a subject.
        cohort: What is to be equal.

    Returns:
        By group and value; none where every part can be equal, or differ by the one subject of an odd number.

    Raises:
        InvalidCohortError: Says for how many subjects a value is missing.
    """
    value_of = value_labels(pool, cohort.within)
    values = set(value_of.values())
    groups = groups_in_drawn_order(pool, cohort.seed, "draw")
    size = min(map(len, groups.values()))
    found = []
    for group, members in groups.items():
        have = Counter(value_of[subject_id] for subject_id in members)
        needs = _needed_by_value(size, have, _value_order(group, values, cohort.seed))
        found += [Shortage(group, value, have[value], need) for value, need in needs.items() if have[value] < need]
    return found


def _needed_by_value(size: int, have: Counter[str], turn: Mapping[str, int]) -> dict[str, int]:
    """Required subjects of each value; a remainder goes first to values with subjects to spare.

    Same order as in :func:`alternate_values`.
    """
    each, remainder = divmod(size, len(turn))
    order = sorted(turn, key=lambda value: (have[value] <= each, turn[value]))
    return {value: each + (position < remainder) for position, value in enumerate(order)}


def _value_order(group: str, values: Iterable[str], seed: int) -> dict[str, int]:
    return {value: turn for turn, value in enumerate(in_drawn_order(values, seed, "value", group))}


Groups = dict[str, list[str]]
"""Subjects of each protected group in the order in which they are drawn."""


def draw_balanced(pool: pd.DataFrame, cohort: BalancedCohort) -> list[str]:
    """As many subjects of every protected group as the smallest one has.

    Args:
        pool: ``subject_id``, ``protected_group`` and the attributes of ``cohort.within``, one row a subject.
        cohort: What is to be equal within a group. It is as equal as the pool permits: see
            :func:`check_shortages`.

    Returns:
        Study keys of the drawn subjects.

    Raises:
        InvalidCohortError: Says for how many subjects a value is missing.

    Source:
        Puyol-Antón et al. 2021, section 3, "balanced database".
    """
    groups = _groups(pool, cohort.seed)
    value_of = value_labels(pool, cohort.within)
    ordered = {group: alternate_values(group, members, value_of, cohort.seed) for group, members in groups.items()}
    return _take_first(ordered, dict.fromkeys(groups, _smallest(groups)))


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
    return _take_first(groups, apportion(_smallest(groups) * len(groups), sizes, most=sizes, least=1))


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


Drawn = BalancedCohort | SizeMatchedCohort | SmallestShareCohort


def select_training_cohort(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> pd.DataFrame:
    """The training and validation subjects of a strategy.

    Args:
        splits: ``subject_id``, ``split`` and, with cross-validation, ``fold``.
        subjects: ``subject_id``, ``protected_group`` and the attributes of everybody in the study.
        strategy: Its ``cohort`` names the selection.

    Returns:
        Rows of ``splits`` that train or validate, with ``protected_group`` and the attributes that the cohort or the
        sampler names in ``within``. A natural cohort is divided as the study is. Any other is drawn from whoever
        trains or validates in the study, fold by fold, has a division of its own, and is sorted by fold and subject.

    Raises:
        InvalidSplitError: The splits do not divide exactly these subjects, or leave nobody to train on.
        InvalidParameterError: An attribute is not among those of the study, or a share cannot be drawn.
        InvalidCohortError: Subjects lack an attribute, or are too few of one value for equal parts.
    """
    check_splits(splits, subjects)
    _check_training_subjects(splits, strategy.name)
    attributes = _attributes(strategy)
    check_attributes(subjects, attributes)
    named = _with_attributes(splits, subjects, attributes)
    asked = strategy.cohort
    cohort = named if isinstance(asked, NaturalCohort) else _draw_cohort(named, asked, strategy.name)
    check_no_test_subjects(cohort, splits)
    check_no_missing(cohort, attributes)
    return cohort


def cohort_pools(splits: pd.DataFrame, subjects: pd.DataFrame, strategy: StrategyParameters) -> list[pd.DataFrame]:
    """Subjects that a cohort is drawn from, one table a fold; arguments as for :func:`select_training_cohort`."""
    return _by_fold(_with_attributes(splits, subjects, _attributes(strategy)))


def check_no_test_subjects(cohort: pd.DataFrame, splits: pd.DataFrame) -> None:
    """Refuse a cohort that trains or validates on somebody who is tested in the same fold.

    Args:
        cohort: ``subject_id`` and, with cross-validation, ``fold``.
        splits: As for :func:`select_training_cohort`.

    Raises:
        InvalidSplitError: Says how many there are.
    """
    for fold in folds_of(splits):
        members = cohort["subject_id"] if fold is None else cohort.loc[cohort["fold"] == fold, "subject_id"]
        tested = len(set(members) & set(subjects_in(splits, TEST, fold)))
        if tested:
            raise InvalidSplitError(
                f"training cohort{_in_fold(fold)}",
                f"{tested} of its subjects are tested",
                "nobody who is tested",
                "make the splits and the cohort anew",
            )


def _with_attributes(splits: pd.DataFrame, subjects: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """Whoever trains or validates, with protected group and attributes."""
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
    """Attributes that the strategy asks for, each once."""
    of_cohort = strategy.cohort.within if isinstance(strategy.cohort, BalancedCohort) else ()
    of_sampler = strategy.sampler.within if isinstance(strategy.sampler, StratifiedBatchSampling) else ()
    return list(dict.fromkeys((*of_cohort, *of_sampler)))


def _check_training_subjects(splits: pd.DataFrame, strategy: str) -> None:
    for fold in folds_of(splits):
        if not subjects_in(splits, TRAIN, fold):
            raise InvalidSplitError(
                f"training cohort of {strategy}{_in_fold(fold)}",
                "nobody",
                "at least one training subject",
                "lower split.test_fraction or split.validation_fraction",
            )


def _in_fold(fold: int | None) -> str:
    return "" if fold is None else f" in fold {fold}"
