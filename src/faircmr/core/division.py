"""The division of a study's subjects into training, validation and test, or the reason why there is none."""

from __future__ import annotations

from typing import NamedTuple, Self

import pandas as pd

from faircmr.core.errors import InvalidSplitError
from faircmr.core.parameters import Parameters
from faircmr.core.proportions import CohortSelectionParameters, select_in_proportion
from faircmr.core.split_omissions import split_omissions
from faircmr.core.splits import UNUSED
from faircmr.core.splitting import SplitParameters
from faircmr.core.unlabelled_subjects import split_cohort


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
        omissions: Of :func:`~faircmr.core.split_omissions.split_omissions`.
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
        given: Somebody's splits, see :func:`~faircmr.core.splitting.split_subjects`.

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
