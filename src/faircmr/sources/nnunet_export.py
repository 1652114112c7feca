"""A cohort as a raw data set of nnU-Net: which scan lies where, and who trains in which fold."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.cohort import Cohort
from faircmr.core.errors import InvalidCohortError
from faircmr.core.scan import Scan
from faircmr.core.splits import TEST, TRAIN, VALIDATION, folds_of, subjects_in
from faircmr.sources.nnunet_format import BACKGROUND, Fold

TRAINING, TESTING = "Tr", "Ts"
READER = "NibabelIO"
"""nnU-Net's reader that takes the spacing from the zooms, as this project does. Its default refuses grids that are
not quite orthonormal, which some of M&Ms are."""


@dataclass(frozen=True)
class NnunetCase:
    """One scan of the data set.

    Attributes:
        name: ``<study key>_<phase>``.
        part: ``Tr`` or ``Ts``: the ending of its folders.
        read: Reads the scan.
    """

    name: str
    part: str
    read: Callable[[], Scan] = field(repr=False)


@dataclass(frozen=True)
class NnunetExport:
    """A raw data set whose scans are read as they are written.

    Attributes:
        cases: Every scan.
        folds: For ``splits_final.json``.
        structures: Those that labels show.
        people: Table of subjects by study key.
    """

    cases: Sequence[NnunetCase]
    folds: Sequence[Fold]
    structures: Sequence[Structure]
    people: pd.DataFrame

    def description(self) -> bytes:
        """``dataset.json``; labels have the values of :class:`~faircmr.core.anatomy.Structure`."""
        # nnU-Net wants values without a gap
        labels = {structure.name: int(structure) for structure in Structure if structure <= max(self.structures)}
        content = {
            "channel_names": {"0": "cineMRI"},
            "labels": {BACKGROUND: 0, **labels},
            "numTraining": sum(case.part == TRAINING for case in self.cases),
            "file_ending": ".nii.gz",
            "overwrite_image_reader_writer": READER,
        }
        return json.dumps(content, indent=1).encode()


def export_cohort(cohort: Cohort, subjects: pd.DataFrame, scans: pd.DataFrame, splits: pd.DataFrame) -> NnunetExport:
    """Lay a study out as nnU-Net wants it; no scan is read yet.

    Args:
        cohort: The study's scans.
        subjects: ``subject_id``, ``protected_group`` and any attributes.
        scans: ``subject_id``, ``phase``, ``labelled`` and ``structures`` (names with spaces between them).
        splits: ``subject_id``, ``split`` and perhaps ``fold``.

    Returns:
        In ``Tr`` the labelled scans of everybody who trains or validates, in ``Ts`` those of who is only tested,
        and scans without a label. Each fold trains and validates as the study's does; who is tested in it is in
        neither list. Who is ``unused`` everywhere is left out.

    Raises:
        InvalidCohortError: No scan of the training subjects has a label.
    """
    used = splits[splits["split"].isin([TRAIN, VALIDATION, TEST])]
    learning = set(used.loc[used["split"] != TEST, "subject_id"])
    kept = scans[scans["subject_id"].isin(used["subject_id"])]
    training = kept["labelled"] & kept["subject_id"].isin(learning)
    if not training.any():
        raise InvalidCohortError("training subjects", "none has a label", "at least one labelled scan to train on")
    folds = [
        Fold(train=_cases(kept[training], splits, TRAIN, fold), val=_cases(kept[training], splits, VALIDATION, fold))
        for fold in folds_of(splits)
    ]
    return NnunetExport(
        cases=_scans(cohort, kept.assign(part=training.map({True: TRAINING, False: TESTING}))),
        folds=folds,
        structures=[Structure[name] for name in sorted(set(" ".join(kept["structures"]).split()))],
        people=subjects[subjects["subject_id"].isin(used["subject_id"])],
    )


def _cases(scans: pd.DataFrame, splits: pd.DataFrame, split: str, fold: int | None) -> tuple[str, ...]:
    chosen = scans[scans["subject_id"].isin(subjects_in(splits, split, fold))]
    return tuple(chosen["subject_id"] + "_" + chosen["phase"])


def _scans(cohort: Cohort, scans: pd.DataFrame) -> list[NnunetCase]:
    rows = zip(scans["subject_id"], scans["phase"], scans["part"], strict=True)
    return [NnunetCase(f"{name}_{phase}", part, partial(cohort.read, name, Phase(phase))) for name, phase, part in rows]
