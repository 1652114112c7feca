"""Protected groups as objectives know them: which there are, whose a sample is, and how often each occurs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from faircmr.core import InvalidParameterError


def checked_groups(groups: Sequence[str], least: int = 1) -> tuple[str, ...]:
    """Names of protected groups, in the order given.

    Args:
        groups: Names.
        least: How many there must be.

    Raises:
        InvalidParameterError: There are fewer, or a name comes twice.
    """
    if len(set(groups)) != len(groups):
        raise InvalidParameterError("protected groups", ", ".join(groups), "each name once", "name each once")
    if len(groups) < least:
        raise InvalidParameterError(
            "protected groups of the training subjects",
            ", ".join(groups) or "none",
            f"at least {least}",
            "choose a protected attribute with more values among them, or another objective",
        )
    return tuple(groups)


def group_positions(keys: Sequence[str], groups: Sequence[str]) -> list[int]:
    """Place of each sample's group among the groups.

    Args:
        keys: Protected group of each sample.
        groups: All that an objective knows.

    Raises:
        InvalidParameterError: A key is no group of them.
    """
    places = {group: place for place, group in enumerate(groups)}
    for key in keys:
        if key not in places:
            raise InvalidParameterError(
                "key of a training sample",
                f"{key!r}, which the objective does not know",
                f"one of its groups: {', '.join(map(repr, groups))}",
                "make the objective from the groups of all training subjects",
            )
    return [places[key] for key in keys]


def reweighing_weights(groups: Sequence[str]) -> dict[str, float]:
    """Weight of each protected group that makes all of them count alike.

    Args:
        groups: Protected group of each training subject.

    Returns:
        N / (G n) of a group of n among N subjects in G groups, sorted by name. Over subjects their mean is 1, and
        each group's sum is the same.

    Source:
        Kamiran and Calders 2012: expected over observed probability. There of group and outcome; here, without an
        outcome, of the group alone, whose expected share is one of G equal ones (docs/decisions/0014).
    """
    counts = Counter(groups)
    return {group: len(groups) / (len(counts) * counts[group]) for group in sorted(counts)}
