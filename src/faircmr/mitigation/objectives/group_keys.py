"""Protected groups in objectives: checked names, group of each sample, and weights by group size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from faircmr.core import InvalidParameterError


def checked_groups(groups: Sequence[str], least: int = 1) -> tuple[str, ...]:
    """Check the names of protected groups and return them in the same order.

    Args:
        groups: Names.
        least: Fewest groups.

    Raises:
        InvalidParameterError: There are fewer groups, or a name is repeated.
    """
    if len(set(groups)) != len(groups):
        raise InvalidParameterError("protected groups", ", ".join(groups), "each name once", "list each name once")
    if len(groups) < least:
        raise InvalidParameterError(
            "protected groups of the training subjects",
            ", ".join(groups) or "none",
            f"at least {least}",
            "choose a protected attribute of which these subjects have more values, or another objective",
        )
    return tuple(groups)


def group_positions(keys: Sequence[str], groups: Sequence[str]) -> list[int]:
    """Position of each sample's group in the list of groups.

    Args:
        keys: Protected group of each sample.
        groups: All groups of an objective.

    Raises:
        InvalidParameterError: A key is not one of the groups.
    """
    positions = {group: position for position, group in enumerate(groups)}
    for key in keys:
        if key not in positions:
            raise InvalidParameterError(
                "key of a training sample",
                f"{key!r}, which is not a group of the objective",
                f"one of its groups: {', '.join(map(repr, groups))}",
                "create the objective with the groups of all training subjects",
            )
    return [positions[key] for key in keys]


def reweighing_weights(groups: Sequence[str]) -> dict[str, float]:
    """Weight of each protected group such that all groups count equally.

    Args:
        groups: Protected group of each training subject.

    Returns:
        N / (G n) for a group of n subjects among N subjects in G groups, sorted by name. The mean over subjects is 1,
        and the sum over subjects is the same for each group.

    Source:
        Kamiran and Calders 2012: expected over observed probability of group and outcome. Segmentation has no outcome,
        so here it is that of the group, whose expected share is 1 / G (docs/decisions/0014).
    """
    counts = Counter(groups)
    return {group: len(groups) / (len(counts) * counts[group]) for group in sorted(counts)}
