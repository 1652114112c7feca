"""The same number of subjects of each value of an attribute, within one protected group."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.omissions import Omission
from faircmr.mitigation.choices import BalancedCohort
from faircmr.mitigation.drawn_order import groups_in_drawn_order, in_drawn_order
from faircmr.mitigation.strata import labels

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


def in_turn(group: str, members: Sequence[str], value_of: Mapping[str, str], seed: int) -> list[str]:
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
    turn = _turns(group, {value_of[subject_id] for subject_id in members}, seed)
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
    for one in other_values(each, cohort):
        logger.warning("%s: %s", strategy, one)


def other_values(pools: Iterable[pd.DataFrame], cohort: BalancedCohort) -> list[Omission]:
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
    value_of = labels(pool, cohort.within)
    values = set(value_of.values())
    groups = groups_in_drawn_order(pool, cohort.seed, "draw")
    size = min(map(len, groups.values()))
    found = []
    for group, members in groups.items():
        have = Counter(value_of[subject_id] for subject_id in members)
        needs = _needs(size, have, _turns(group, values, cohort.seed))
        found += [Shortage(group, value, have[value], need) for value, need in needs.items() if have[value] < need]
    return found


def _needs(size: int, have: Counter[str], turn: Mapping[str, int]) -> dict[str, int]:
    """Subjects of each value; what is left over goes to values with one to spare first, as :func:`in_turn` does."""
    each, left = divmod(size, len(turn))
    order = sorted(turn, key=lambda value: (have[value] <= each, turn[value]))
    return {value: each + (place < left) for place, value in enumerate(order)}


def _turns(group: str, values: Iterable[str], seed: int) -> dict[str, int]:
    return {value: turn for turn, value in enumerate(in_drawn_order(values, seed, "value", group))}
