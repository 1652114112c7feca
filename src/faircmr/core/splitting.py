"""Who is trained on, who validates and who is tested; both phases of a subject stay together.

Within a group, subjects stand in an order that is drawn for each of them alone from the seed, so
that somebody who joins or leaves moves as few others as possible.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from faircmr.core.errors import InvalidSplitError
from faircmr.core.parameters import Parameters
from faircmr.core.randomness import derived_seed
from faircmr.core.splits import TEST, TRAIN, VALIDATION, check_splits

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
    splits = _given(given) if parameters.method == "from_file" else _METHODS[parameters.method](subjects, parameters)
    check_splits(splits, subjects)
    return splits


def _random(subjects: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    everybody = _in_order(subjects["subject_id"], parameters.seed, "random")
    tested = _count(parameters.test_fraction, len(everybody))
    splits = _table(_deal(everybody, tested, _count(parameters.validation_fraction, len(everybody))))
    _warn_of_small_tests(splits, subjects, parameters.min_test_per_group)
    return splits


def _stratified(subjects: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    assignment: Assignment = {}
    for group, members in _groups(subjects, parameters.seed).items():
        tested = max(_count(parameters.test_fraction, len(members)), parameters.min_test_per_group)
        validating = _validating(len(members), parameters)
        _check_size(group, len(members), tested, validating)
        assignment |= _deal(members, tested, validating)
    return _table(assignment)


def _kfold(subjects: pd.DataFrame, parameters: SplitParameters) -> pd.DataFrame:
    groups = _groups(subjects, parameters.seed)
    # counting on from group to group keeps the folds of one size where groups are not multiples of it
    in_turn = [subject_id for members in groups.values() for subject_id in members]
    fold_of = {subject_id: position % parameters.folds for position, subject_id in enumerate(in_turn)}
    folds = [
        _table(_one_fold(groups, {name for name in in_turn if fold_of[name] == fold}, fold, parameters)).assign(
            fold=fold
        )
        for fold in range(parameters.folds)
    ]
    return pd.concat(folds, ignore_index=True)


def _one_fold(groups: Mapping[str, list[str]], tested: set[str], fold: int, parameters: SplitParameters) -> Assignment:
    assignment: Assignment = dict.fromkeys(tested, TEST)
    for group, members in groups.items():
        rest = [subject_id for subject_id in members if subject_id not in tested]
        validating = _validating(len(rest), parameters)
        _check_size(group, len(members), len(members) - len(rest), validating)
        assignment |= _deal(_in_order(rest, parameters.seed, f"validation of fold {fold}"), 0, validating)
    return assignment


def _given(splits: pd.DataFrame) -> pd.DataFrame:
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
    return {str(group): _in_order(members, seed, "test") for group, members in grouped}


def _in_order(subject_ids: Iterable[str], seed: int, purpose: str) -> list[str]:
    return sorted(subject_ids, key=lambda subject_id: derived_seed(seed, "split", purpose, subject_id))


def _deal(members: list[str], tested: int, validating: int) -> Assignment:
    parts = [TEST] * tested + [VALIDATION] * validating
    parts += [TRAIN] * (len(members) - len(parts))
    return dict(zip(members, parts, strict=True))


def _count(fraction: float, members: int) -> int:
    return int(fraction * members + 0.5)


def _validating(members: int, parameters: SplitParameters) -> int:
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


def _table(assignment: Assignment) -> pd.DataFrame:
    rows = sorted(assignment.items())
    return pd.DataFrame(rows, columns=["subject_id", "split"], dtype="str")
