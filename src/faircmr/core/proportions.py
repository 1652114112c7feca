"""An imbalance of chosen proportions, made by leaving training subjects out."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Self

import pandas as pd
from pydantic import Field, model_validator

from faircmr.core.errors import InvalidParameterError
from faircmr.core.parameters import Parameters
from faircmr.core.randomness import derived_seed
from faircmr.core.splits import TRAIN, UNUSED

WHERE = "cohort_selection.proportions"
_NOTHING = 1e-9
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class CohortSelectionParameters(Parameters):
    """Which training subjects every strategy may see.

    Attributes:
        proportions: Share of protected groups among training subjects, to induce an imbalance; groups
            not named divide the rest as they are. Subjects that do not fit are ``unused``. Without it
            everybody stays.
        seed: Seed of the choice of whom to leave out.
    """

    proportions: dict[str, Share] | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _at_most_everybody(self) -> Self:
        if self.proportions is not None and sum(self.proportions.values()) > 1 + _NOTHING:
            raise ValueError("proportions must not add up to more than 1")
        return self


def select_in_proportion(
    splits: pd.DataFrame, subjects: pd.DataFrame, selection: CohortSelectionParameters
) -> pd.DataFrame:
    """Leave out training subjects until each named group has its share, and as few as that takes.

    Args:
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.
        subjects: ``subject_id`` and ``protected_group``.
        selection: The shares; the other groups divide what is left as they stand to each other.

    Returns:
        The splits, with ``unused`` for whoever is left out. Every group that is to have a share
        keeps one subject at least.

    Raises:
        InvalidParameterError: There is no such group, or a share remains that no group can fill.
    """
    if selection.proportions is None:
        return splits
    group_of = dict(zip(subjects["subject_id"], subjects["protected_group"].astype("str"), strict=True))
    _check(selection.proportions, sorted(set(group_of.values())))
    group = splits["subject_id"].map(group_of)
    fold = splits["fold"] if "fold" in splits else pd.Series(0, splits.index)
    order = splits["subject_id"].map(lambda subject_id: derived_seed(selection.seed, "proportions", subject_id))
    training = splits["split"] == TRAIN
    place = order[training].groupby([fold[training], group[training]]).rank()
    shares = selection.proportions
    kept = place.groupby(fold[training]).transform(lambda places: _limits(group[places.index], shares))
    unused = place.index[place > kept]
    return splits.assign(split=splits["split"].mask(splits.index.isin(unused), UNUSED))


def largest_counts(available: Mapping[str, int], proportions: Mapping[str, float]) -> dict[str, int]:
    """How many subjects of each group make the largest training set of these proportions.

    Args:
        available: Training subjects of each group.
        proportions: As for :class:`CohortSelectionParameters`.

    Returns:
        Subjects to keep of each group, never more than there are.
    """
    others = {group: count for group, count in available.items() if group not in proportions}
    left = 1.0 - sum(proportions.values())
    shares = {**proportions, **{group: left * count / sum(others.values()) for group, count in others.items()}}
    total = min(available.get(group, 0) / share for group, share in shares.items() if share > _NOTHING)
    return {
        # half a subject and more is one, and whoever is to have a share has one subject at least
        group: min(count, max(int(shares[group] * total + 0.5), 1)) if shares[group] > _NOTHING else 0
        for group, count in available.items()
    }


def _limits(group: pd.Series, proportions: Mapping[str, float]) -> pd.Series:
    available = {str(name): int(count) for name, count in group.value_counts().items()}
    return group.map(largest_counts(available, proportions))


def _check(proportions: Mapping[str, float], groups: list[str]) -> None:
    for name in proportions:
        if name not in groups:
            nearest = get_close_matches(name, groups, n=1, cutoff=0)[0]
            raise InvalidParameterError(
                WHERE, f"no protected group {name!r}", f"one of: {', '.join(groups)}", f"did you mean {nearest!r}?"
            )
    total = sum(proportions.values())
    if set(proportions) == set(groups) and total < 1 - _NOTHING:
        raise InvalidParameterError(WHERE, f"all groups together have {total:g}", "a sum of 1", "raise a share")
