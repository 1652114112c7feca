"""The order in which subjects are drawn.

Each name has a place of its own, which the seed, the purpose and the name itself give and nobody else does: whoever
joins or leaves moves nobody past another, the order of rows changes nothing, and two cohorts that are drawn with one
seed begin with the same people.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from faircmr.core.columns import PROTECTED_GROUP
from faircmr.core.randomness import derived_seed


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
