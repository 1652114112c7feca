"""Which subjects and structures take no full part in training, once the subjects are divided."""

from __future__ import annotations

import logging

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.omissions import Omission, log_omissions, omission_table
from faircmr.core.splits import TRAIN, UNUSED, VALIDATION
from faircmr.core.structures import undrawn_structures

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
        As :func:`~faircmr.core.omissions.omission_table` makes it.
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
    return [] if divided is None else [*_without_part(divided), *_out_of_proportion(divided, splits)]


def _without_part(divided: pd.DataFrame) -> list[Omission]:
    used = (divided["split"] != UNUSED).groupby(divided["subject_id"]).any()
    out = int((~used).sum())
    return [Omission("subjects", out, len(used), "the splits give them no part")] if out else []


def _out_of_proportion(divided: pd.DataFrame, splits: pd.DataFrame) -> list[Omission]:
    trained = divided["split"] == TRAIN
    out = int((trained & (splits["split"].to_numpy() == UNUSED)).sum())
    what = "training subjects, counted once a fold," if "fold" in divided else "training subjects"
    reason = "cohort_selection.proportions asks for other shares of the groups"
    return [Omission(what, out, int(trained.sum()), reason)] if out else []
