"""Whole subjects in proportion to the sizes of groups."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction


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
