"""Divide subjects into splits, and count the subjects and structures that are left out of training."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple, Self

import pandas as pd

from faircmr.core import InvalidSplitError, Omission, Parameters, log_omissions, omission_table
from faircmr.core.scans import Phase, undrawn_structures
from faircmr.core.study.splitting import (
    TEST,
    TRAIN,
    UNUSED,
    VALIDATION,
    CohortSelectionParameters,
    SplitParameters,
    select_in_proportion,
    split_subjects,
)

DIVIDING, STRUCTURES = "Dividing the subjects", "Structures"
"""Steps of the table of omissions."""
logger = logging.getLogger(__name__)


def split_omissions(scans: pd.DataFrame, divided: pd.DataFrame | None, splits: pd.DataFrame) -> pd.DataFrame:
    """Count what is left out of training, and log it.

    Args:
        scans: ``subject_id``, ``phase``, ``labelled`` and ``structures`` of every scan of the study.
        divided: ``subject_id``, ``split``, and with cross-validation ``fold``, before an imbalance is induced; ``None``
            where the subjects cannot be divided.
        splits: The same rows after that.

    Returns:
        As :func:`~faircmr.core.omission_table` makes it.
    """
    seen = splits.loc[splits["split"].isin([TRAIN, VALIDATION]), "subject_id"]
    omissions = {
        DIVIDING: [*_unlabelled(scans), *_without_training(divided, splits)],
        STRUCTURES: undrawn_structures(scans[scans["subject_id"].isin(seen)]),
    }
    for some in omissions.values():
        log_omissions(logger, some)
    return omission_table(omissions)


def _unlabelled(scans: pd.DataFrame) -> list[Omission]:
    """Subjects without any label, without a label at one phase, and without a scan of one phase."""
    by_subject = scans.groupby("subject_id")["labelled"]
    some, phases = by_subject.any(), scans.groupby("subject_id")["phase"].nunique()
    counts = {
        ("no label", "predicted, never trained on"): ~some,
        ("no label at one phase", "known at the other phase only"): some & ~by_subject.all(),
        ("the data set has no scan of the other phase", "known at one phase only"): phases < len(Phase),
    }
    return [
        Omission("subjects", int(concerned.sum()), by_subject.ngroups, reason, outcome)
        for (reason, outcome), concerned in counts.items()
        if concerned.any()
    ]


def _without_training(divided: pd.DataFrame | None, splits: pd.DataFrame) -> list[Omission]:
    return [] if divided is None else [*_unused_omissions(divided), *_proportion_omissions(divided, splits)]


def _unused_omissions(divided: pd.DataFrame) -> list[Omission]:
    used = (divided["split"] != UNUSED).groupby(divided["subject_id"]).any()
    out = int((~used).sum())
    return [Omission("subjects", out, len(used), "the splits give them no part")] if out else []


def _proportion_omissions(divided: pd.DataFrame, splits: pd.DataFrame) -> list[Omission]:
    trained = divided["split"] == TRAIN
    out = int((trained & (splits["split"].to_numpy() == UNUSED)).sum())
    what = "training subjects, counted once a fold," if "fold" in divided else "training subjects"
    reason = "cohort_selection.proportions asks for other shares of the groups"
    return [Omission(what, out, int(trained.sum()), reason)] if out else []


def split_cohort(
    subjects: pd.DataFrame, scans: pd.DataFrame, parameters: SplitParameters, given: pd.DataFrame
) -> pd.DataFrame:
    """Divide the subjects of a study; subjects without any label become test subjects.

    Args:
        subjects: ``subject_id`` and ``protected_group``.
        scans: ``subject_id`` and ``labelled``.
        parameters: How those with labels are divided.
        given: As for :func:`~faircmr.core.study.splitting.split_subjects`.

    Returns:
        As :func:`~faircmr.core.study.splitting.split_subjects`. Subjects without labels are predicted and not
        scored, in one fold where there are folds.

    Raises:
        InvalidSplitError: As for :func:`~faircmr.core.study.splitting.split_subjects`.
    """
    labelled = set(scans.loc[scans["labelled"], "subject_id"])
    has_label = subjects["subject_id"].isin(labelled)
    unlabelled = list(subjects.loc[~has_label, "subject_id"])
    if not unlabelled:
        return split_subjects(subjects, parameters, given)
    if parameters.method == "from_file":
        return _move_to_test(split_subjects(subjects, parameters, given), unlabelled)
    splits = split_subjects(subjects[has_label], parameters, given)
    return _sort_splits(pd.concat([splits, _test_rows(unlabelled, splits)], ignore_index=True))


def _test_rows(subject_ids: Sequence[str], splits: pd.DataFrame) -> pd.DataFrame:
    """Each subject as a test subject; of one fold, in turn, where there are folds."""
    if "fold" not in splits:
        return pd.DataFrame({"subject_id": subject_ids, "split": TEST}, dtype="str")
    folds = sorted(splits["fold"].unique())
    rows = [
        (subject_id, TEST if position % len(folds) == place else UNUSED, fold)
        for position, subject_id in enumerate(subject_ids)
        for place, fold in enumerate(folds)
    ]
    return pd.DataFrame(rows, columns=["subject_id", "split", "fold"])


def _move_to_test(splits: pd.DataFrame, subject_ids: Sequence[str]) -> pd.DataFrame:
    """Move these subjects from training and validation to test, once; unused in folds other than their test fold."""
    tested = set(splits.loc[splits["split"] == TEST, "subject_id"])
    out = splits["subject_id"].isin(subject_ids) & splits["split"].isin([TRAIN, VALIDATION])
    first = ~splits["subject_id"].where(out).duplicated()
    to_test = out & first & ~splits["subject_id"].isin(tested)
    return splits.assign(split=splits["split"].mask(out, UNUSED).mask(to_test, TEST))


def _sort_splits(splits: pd.DataFrame) -> pd.DataFrame:
    by = [*(["fold"] if "fold" in splits else []), "subject_id"]
    return splits.sort_values(by, ignore_index=True)


class DivisionProblem(Parameters):
    """Why the subjects cannot be divided, as a file of the study; all texts are empty where they can.

    Attributes:
        offender: What is wrong.
        found: What there is.
        permitted: What is needed.
        remedy: What to do.
    """

    offender: str = ""
    found: str = ""
    permitted: str = ""
    remedy: str = ""

    @classmethod
    def of(cls, error: InvalidSplitError) -> Self:
        """The same problem as an error states it."""
        return cls(offender=error.offender, found=str(error.value), permitted=error.permitted, remedy=error.remedy)

    @property
    def exists(self) -> bool:
        """Whether there is a problem."""
        return bool(self.offender)

    def __str__(self) -> str:
        """What is wrong and what is needed, without what to do."""
        return str(InvalidSplitError(self.offender, self.found, self.permitted))

    def check(self) -> None:
        """Let a study go on where its subjects are divided.

        Raises:
            InvalidSplitError: They are not.
        """
        if self.exists:
            raise InvalidSplitError(self.offender, self.found, self.permitted, self.remedy)


class Division(NamedTuple):
    """Subjects by part of the study.

    Attributes:
        splits: ``subject_id``, ``split``, and with cross-validation ``fold``. All subjects are ``unused`` where there
            is a problem.
        problem: Why the subjects cannot be divided.
        omissions: Of :func:`split_omissions`.
    """

    splits: pd.DataFrame
    problem: DivisionProblem
    omissions: pd.DataFrame


def divide_cohort(
    subjects: pd.DataFrame,
    scans: pd.DataFrame,
    split: SplitParameters,
    selection: CohortSelectionParameters,
    given: pd.DataFrame,
) -> Division:
    """Divide the subjects, and induce an imbalance if that is requested.

    A cohort that is too small to be divided is no error yet: its report describes it all the same.

    Args:
        subjects: ``subject_id`` and ``protected_group``.
        scans: ``subject_id``, ``phase``, ``labelled`` and ``structures``.
        split: How to divide them.
        selection: Shares of the groups among the training subjects.
        given: Somebody's splits, see :func:`~faircmr.core.study.splitting.split_subjects`.

    Raises:
        InvalidParameterError: ``selection`` names an unknown group, or its shares cannot be kept.
    """
    try:
        divided = split_cohort(subjects, scans, split, given)
    except InvalidSplitError as error:
        nobody = subjects[["subject_id"]].assign(split=UNUSED).astype("str")
        return Division(nobody, DivisionProblem.of(error), split_omissions(scans, None, nobody))
    splits = select_in_proportion(divided, subjects, selection)
    return Division(splits, DivisionProblem(), split_omissions(scans, divided, splits))
