"""Split subjects into training, validation and test; both phases of a subject are in the same split.

Each subject has a random rank that depends only on the seed and its study key. Adding or removing a
subject therefore changes the splits of as few other subjects as possible.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from faircmr.core import InvalidParameterError, InvalidSplitError, Parameters, derived_seed

TRAIN, VALIDATION, TEST, UNUSED = "train", "validation", "test", "unused"
SPLITS = (TRAIN, VALIDATION, TEST, UNUSED)


def check_disjoint(splits: pd.DataFrame) -> None:
    """Refuse splits in which somebody is in two parts, whether of the study or of one fold.

    Args:
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``.

    Raises:
        InvalidSplitError: Says how many there are, or how many rows name no split.
    """
    # counts and no names: a file that somebody wrote may hold ids of the source
    unnamed = int((~splits["split"].isin(SPLITS)).sum())
    if unnamed:
        raise InvalidSplitError("splits", f"{unnamed} rows name no split", f"one of: {', '.join(SPLITS)}")
    twice = int(splits.duplicated(["subject_id", "fold"] if "fold" in splits else ["subject_id"]).sum())
    if twice:
        raise InvalidSplitError("splits", f"{twice} subjects stand in two splits or twice in one", "each subject once")
    if "fold" in splits:
        _check_tested_once(splits)


def check_splits(splits: pd.DataFrame, subjects: pd.DataFrame) -> None:
    """Refuse splits that do not divide exactly these subjects.

    Args:
        splits: As for :func:`check_disjoint`.
        subjects: ``subject_id`` of everybody in the study.

    Raises:
        InvalidSplitError: As :func:`check_disjoint`; or somebody is left out, or unknown.
    """
    everybody = set(subjects["subject_id"])
    for _, fold in splits.groupby("fold") if "fold" in splits else [(None, splits)]:
        members = set(fold["subject_id"])
        if members != everybody:
            raise InvalidSplitError(
                "splits",
                f"{len(everybody - members)} subjects of the study are missing, {len(members - everybody)} are unknown",
                "exactly the subjects of the study",
                "make the splits anew from the present subjects",
            )
    check_disjoint(splits)


def subjects_in(splits: pd.DataFrame, split: str, fold: int | None) -> tuple[str, ...]:
    """Study keys of the subjects of one part, in their order.

    Args:
        splits: As for :func:`check_disjoint`.
        split: ``train``, ``validation``, ``test`` or ``unused``.
        fold: Which fold; ``None`` without cross-validation.
    """
    chosen = splits["split"] == split
    if fold is not None:
        chosen &= splits["fold"] == fold
    return tuple(splits.loc[chosen, "subject_id"])


def folds_of(splits: pd.DataFrame) -> tuple[int | None, ...]:
    """Folds of a cross-validation in their order; ``(None,)`` where there is none."""
    return tuple(sorted(int(fold) for fold in splits["fold"].unique())) if "fold" in splits else (None,)


def _check_tested_once(splits: pd.DataFrame) -> None:
    twice = int(splits.loc[splits["split"] == TEST, "subject_id"].duplicated().sum())
    if twice:
        raise InvalidSplitError("splits", f"{twice} subjects are tested in two folds", "each in the test of one fold")


logger = logging.getLogger(__name__)

Fraction = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=0)]
Assignment = dict[str, str]
"""Split of each subject."""


class SplitParameters(Parameters):
    """How subjects are divided.

    Attributes:
        method: ``random`` draws from everybody alike, as the paper; ``stratified`` draws in each
            protected group; ``kfold`` tests everybody once, in folds stratified by group;
            ``from_file`` takes them as they are in ``01_raw/splits.csv``.
        seed: Seed of this division alone.
        test_fraction: Share of subjects to test on (not for ``kfold``).
        validation_fraction: Share of subjects to validate on; for ``kfold``, of those not tested.
        min_test_per_group: Fewest test subjects of a group: kept by ``stratified``, and below it
            ``random`` warns.
        min_validation_per_group: Fewest validation subjects of a group, for ``stratified`` and ``kfold``.
        folds: Number of folds for ``kfold``.
    """

    method: Literal["random", "stratified", "kfold", "from_file"] = "stratified"
    seed: int = 0
    test_fraction: Fraction = 0.2
    validation_fraction: Fraction = 0.1
    min_test_per_group: Count = 1
    min_validation_per_group: Count = 1
    folds: Annotated[int, Field(ge=2)] = 5

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.method != "kfold" and self.test_fraction + self.validation_fraction >= 1:
            raise ValueError(
                "test_fraction and validation_fraction leave nobody to train on: their sum must be below 1"
            )
        if self.method == "random" and self.test_fraction == 0:
            raise ValueError("test_fraction is 0 and leaves nobody to test on: method 'random' needs more")
        return self


def split_subjects(subjects: pd.DataFrame, parameters: SplitParameters, given: pd.DataFrame) -> pd.DataFrame:
    """Divide the subjects of a study.

    Args:
        subjects: ``subject_id`` and ``protected_group``.
        parameters: How.
        given: Somebody's splits for ``from_file``: ``subject_id`` (study keys), ``split`` and perhaps
            ``fold``; not looked at by any other method, and may be empty for them.

    Returns:
        ``subject_id``, ``split`` (``train``, ``validation``, ``test``, ``unused``), sorted by subject;
        for ``kfold`` each subject once a fold, with ``fold`` from 0.

    Raises:
        InvalidSplitError: A group is too small, or the given splits do not divide exactly these subjects.
    """
    splits = (
        _sorted_given_splits(given)
        if parameters.method == "from_file"
        else _METHODS[parameters.method](subjects, parameters)
    )
    check_splits(splits, subjects)
    return splits


def _random(subjects: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    everybody = _shuffled(subjects["subject_id"], parameters.seed, "random")
    tested = _count(parameters.test_fraction, len(everybody))
    splits = _splits_table(_assign_splits(everybody, tested, _count(parameters.validation_fraction, len(everybody))))
    _warn_of_small_tests(splits, subjects, parameters.min_test_per_group)
    return splits


def _stratified(subjects: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    assignment: Assignment = {}
    for group, members in _groups(subjects, parameters.seed).items():
        tested = max(_count(parameters.test_fraction, len(members)), parameters.min_test_per_group)
        validating = _validation_count(len(members), parameters)
        _check_size(group, len(members), tested, validating)
        assignment |= _assign_splits(members, tested, validating)
    return _splits_table(assignment)


def _kfold(subjects: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    groups = _groups(subjects, parameters.seed)
    # counting on from group to group keeps the folds of one size where groups are not multiples of it
    in_turn = [subject_id for members in groups.values() for subject_id in members]
    fold_of = {subject_id: position % parameters.folds for position, subject_id in enumerate(in_turn)}
    folds = [
        _splits_table(_one_fold(groups, {name for name in in_turn if fold_of[name] == fold}, fold, parameters)).assign(
            fold=fold
        )
        for fold in range(parameters.folds)
    ]
    return pd.concat(folds, ignore_index=True)


def _one_fold(groups: Mapping[str, list[str]], tested: set[str], fold: int, parameters: SplitParameters) -> Assignment:
    assignment: Assignment = dict.fromkeys(tested, TEST)
    for group, members in groups.items():
        rest = [subject_id for subject_id in members if subject_id not in tested]
        validating = _validation_count(len(rest), parameters)
        _check_size(group, len(members), len(members) - len(rest), validating)
        assignment |= _assign_splits(_shuffled(rest, parameters.seed, f"validation of fold {fold}"), 0, validating)
    return assignment


def _sorted_given_splits(splits: pd.DataFrame) -> pd.DataFrame:
    if splits.empty:
        raise InvalidSplitError(
            "splits.csv", "missing or empty", "subject_id, split and perhaps fold", "write it in 01_raw of the study"
        )
    columns = ["subject_id", "split", *(["fold"] if "fold" in splits else [])]
    # sorted, so that the order of its rows changes nothing
    return splits[columns].sort_values([*columns[2:], "subject_id"], ignore_index=True)


_METHODS = {"random": _random, "stratified": _stratified, "kfold": _kfold}


def _groups(subjects: pd.DataFrame, seed: int) -> dict[str, list[str]]:
    grouped = subjects.groupby("protected_group", sort=True)["subject_id"]
    return {str(group): _shuffled(members, seed, "test") for group, members in grouped}


def _shuffled(subject_ids: Iterable[str], seed: int, purpose: str) -> list[str]:
    return sorted(subject_ids, key=lambda subject_id: derived_seed(seed, "split", purpose, subject_id))


def _assign_splits(members: list[str], tested: int, validating: int) -> Assignment:
    parts = [TEST] * tested + [VALIDATION] * validating
    parts += [TRAIN] * (len(members) - len(parts))
    return dict(zip(members, parts, strict=True))


def _count(fraction: float, members: int) -> int:
    return int(fraction * members + 0.5)


def _validation_count(members: int, parameters: SplitParameters) -> int:
    return max(_count(parameters.validation_fraction, members), parameters.min_validation_per_group)


def _check_size(group: str, members: int, tested: int, validating: int) -> None:
    if members <= tested + validating:
        raise InvalidSplitError(
            f"protected group {group!r}",
            f"{members} subjects",
            f"at least {tested + validating + 1}: {tested} to test, {validating} to validate, 1 to train",
            "lower split.min_test_per_group or split.min_validation_per_group, or merge the group with another; "
            "--pipelines cohort_report describes the cohort as it is",
        )


def _warn_of_small_tests(splits: pd.DataFrame, subjects: pd.DataFrame, fewest: int) -> None:
    tested = subjects["subject_id"].isin(splits.loc[splits["split"] == TEST, "subject_id"])
    for group, count in tested.groupby(subjects["protected_group"]).sum().items():
        if count < fewest:
            logger.warning(
                "protected group %s has %d test subjects, fewer than %d; split.method 'stratified' keeps a minimum",
                *(group, count, fewest),
            )


def _splits_table(assignment: Assignment) -> pd.DataFrame:
    rows = sorted(assignment.items())
    return pd.DataFrame(rows, columns=["subject_id", "split"], dtype="str")


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
    _check_proportions(selection.proportions, sorted(set(group_of.values())))
    group = splits["subject_id"].map(group_of)
    fold = splits["fold"] if "fold" in splits else pd.Series(0, splits.index)
    order = splits["subject_id"].map(lambda subject_id: derived_seed(selection.seed, "proportions", subject_id))
    training = splits["split"] == TRAIN
    place = order[training].groupby([fold[training], group[training]]).rank()
    shares = selection.proportions
    kept = place.groupby(fold[training]).transform(lambda places: _kept_counts(group[places.index], shares))
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


def _kept_counts(group: pd.Series, proportions: Mapping[str, float]) -> pd.Series:
    available = {str(name): int(count) for name, count in group.value_counts().items()}
    return group.map(largest_counts(available, proportions))


def _check_proportions(proportions: Mapping[str, float], groups: list[str]) -> None:
    for name in proportions:
        if name not in groups:
            nearest = get_close_matches(name, groups, n=1, cutoff=0)[0]
            raise InvalidParameterError(
                WHERE, f"no protected group {name!r}", f"one of: {', '.join(groups)}", f"did you mean {nearest!r}?"
            )
    total = sum(proportions.values())
    if set(proportions) == set(groups) and total < 1 - _NOTHING:
        raise InvalidParameterError(WHERE, f"all groups together have {total:g}", "a sum of 1", "raise a share")
