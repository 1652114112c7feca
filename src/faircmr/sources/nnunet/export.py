"""A study as a raw data set of nnU-Net: where scans are written, who trains and validates in each fold, who is tested.

nnU-Net knows training cases (``imagesTr``), which its folds divide, and test cases (``imagesTs``), which no fold sees.

============================  ==================================  =====================================
study                         one split                           cross-validation
============================  ==================================  =====================================
training cases                training and validation subjects    every subject
test cases                    test subjects                       none: each fold has its own
first folds, one a split      train: training subjects            train: training subjects of the fold
                              val: validation subjects            val: test subjects of the fold
further folds                 val: each other training case once  the same, of who is tested in no fold
============================  ==================================  =====================================

So each training case is in ``val`` of exactly one fold. Where nnU-Net accumulates the results of a cross-validation, it
refuses a case that is in two, and scores none that is in no fold (nnU-Net 2.8.1, ``accumulate_cv_results.py``).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidSplitError, Omission, derived_seed, log_omissions, omission_table
from faircmr.core.scans import Cohort, Phase, Scan, Structure
from faircmr.core.study import TEST, TRAIN, UNUSED, VALIDATION, folds_of, subjects_in
from faircmr.sources.nnunet.files import BACKGROUND, Fold

logger = logging.getLogger(__name__)

TRAINING, TESTING = "Tr", "Ts"
READER = "NibabelIO"
"""nnU-Net's reader that takes the spacing from the zooms, as this project does. Its default refuses grids that are
not quite orthonormal, which some of M&Ms are."""
FOLDS = 5
"""Folds that nnU-Net takes where none are named (``nnUNetv2_find_best_configuration``)."""
STEP = "Export to nnU-Net"
"""Step of the table of omissions."""
FEWEST = 2
"""Training subjects below which none is left to validate on."""


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
        cases: Every labelled scan.
        folds: For ``splits_final.json``.
        structures: Those that labels show.
        people: Table of the subjects of the cases by study key.
        splits: The study's own splits of these subjects: ``subject_id``, ``split`` and perhaps ``fold``.
        omissions: What the study and the export leave out; see :func:`~faircmr.core.omission_table`.
    """

    cases: Sequence[NnunetCase]
    folds: Sequence[Fold]
    structures: Sequence[Structure]
    people: pd.DataFrame
    splits: pd.DataFrame
    omissions: pd.DataFrame

    def description(self) -> bytes:
        """``dataset.json``; labels have the values of :class:`~faircmr.core.scans.Structure`."""
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


@dataclass(frozen=True)
class StudyTables:
    """Tables of a study that say what is exported.

    Attributes:
        subjects: ``subject_id``, ``protected_group`` and any attributes.
        scans: ``subject_id``, ``phase``, ``labelled`` and ``structures`` (names with spaces between them).
        splits: ``subject_id``, ``split`` and perhaps ``fold``.
        omissions: What the study leaves out, such as quarantined subjects.
    """

    subjects: pd.DataFrame
    scans: pd.DataFrame
    splits: pd.DataFrame
    omissions: pd.DataFrame


def export_cohort(cohort: Cohort, study: StudyTables) -> NnunetExport:
    """Lay a study out as nnU-Net wants it; no scan is read yet.

    Args:
        cohort: The study's scans.
        study: Its tables.

    Returns:
        Labelled scans of subjects that train, validate or are tested. Scans without a label and subjects that are
        ``unused`` everywhere are counted and left out.

    Raises:
        InvalidCohortError: Fewer than two subjects with labels train or validate.
        InvalidSplitError: In a fold of the study no labelled subject trains, or none is tested.
    """
    splits, scans = study.splits, study.scans
    used = splits.loc[splits["split"] != UNUSED, "subject_id"]
    kept = scans[scans["labelled"] & scans["subject_id"].isin(used)]
    people, parts = (table[table["subject_id"].isin(kept["subject_id"])] for table in (study.subjects, splits))
    tested = set() if "fold" in splits else set(subjects_in(splits, TEST, None))
    in_training = ~kept["subject_id"].isin(tested)
    _check_divisible(kept.loc[in_training, "subject_id"].nunique())
    omissions = list(_omissions(scans, set(used)))
    log_omissions(logger, omissions)
    return NnunetExport(
        cases=_scans(cohort, kept.assign(part=in_training.map({True: TRAINING, False: TESTING}))),
        folds=_folds(kept[in_training], parts, people),
        structures=[Structure[name] for name in sorted(set(" ".join(kept["structures"]).split()))],
        people=people,
        splits=parts,
        omissions=pd.concat([study.omissions, omission_table({STEP: omissions})], ignore_index=True),
    )


def _check_divisible(labelled: int) -> None:
    if labelled < FEWEST:
        found = "none has a label" if not labelled else "only 1 has a label"
        raise InvalidCohortError(
            "training subjects",
            found,
            "at least 2 with labels: nnU-Net trains on some and validates on others",
            "label more subjects, or lower split.test_fraction",
        )


def _folds(scans: pd.DataFrame, splits: pd.DataFrame, people: pd.DataFrame) -> list[Fold]:
    """Folds of the study, and further ones for training cases that no fold of the study validates."""
    cases = {
        str(subject): tuple(f"{subject}_{phase}" for phase in phases)
        for subject, phases in scans.groupby("subject_id")["phase"]
    }
    divided = list(_study_folds(splits, cases.keys()))
    validated = {subject for _, validating in divided for subject in validating}
    groups = dict(zip(people["subject_id"], people["protected_group"].astype("str"), strict=True))
    rest = {subject: groups[subject] for subject in cases if subject not in validated}
    divided += _further_folds(rest, cases.keys(), max(FOLDS - len(divided), 1))
    names = [[[name for one in part for name in cases[one]] for part in fold] for fold in divided]
    return [Fold(train=tuple(training), val=tuple(validating)) for training, validating in names]


Division = tuple[list[str], list[str]]
"""Subjects that train and that validate."""


def _study_folds(splits: pd.DataFrame, labelled: Collection[str]) -> Iterator[Division]:
    for fold in folds_of(splits):
        validates = VALIDATION if fold is None else TEST
        training, validating = (
            [one for one in subjects_in(splits, split, fold) if one in labelled] for split in (TRAIN, validates)
        )
        if fold is None and not validating:
            return
        for split, some in ((TRAIN, training), (validates, validating)):
            if not some:
                offender = "splits" if fold is None else f"fold {fold} of the splits"
                found = f"no subject with a label is in split {split!r}"
                raise InvalidSplitError(offender, found, "at least one, in each fold that nnU-Net is to train")
        yield training, validating


def _further_folds(rest: Mapping[str, str], labelled: Collection[str], number: int) -> list[Division]:
    """Each of the rest validates in one fold, both phases together, and all others train in it.

    Args:
        rest: Protected group of each subject that is to validate.
        labelled: All training subjects.
        number: Of folds; as many as there are subjects if those are fewer.
    """
    ordered = sorted(rest, key=lambda subject: (rest[subject], derived_seed(0, "fold of nnU-Net", subject)))
    parts = [set(ordered[place::number]) for place in range(min(number, len(ordered)))]
    return [([one for one in labelled if one not in part], sorted(part)) for part in parts]


def _omissions(scans: pd.DataFrame, used: Collection[str]) -> Iterator[Omission]:
    part = scans["subject_id"].isin(used)
    some = scans["labelled"].groupby(scans["subject_id"]).transform("any")
    subjects = scans["subject_id"].nunique()
    counts = [
        ("subjects", scans.loc[~part, "subject_id"].nunique(), subjects, "the splits give them no part"),
        ("subjects", scans.loc[part & ~some, "subject_id"].nunique(), subjects, "no label"),
        ("scans", int((part & some & ~scans["labelled"]).sum()), len(scans), "no label, but one at the other phase"),
    ]
    for what, count, total, reason in counts:
        if count:
            yield Omission(what, count, total, reason, "not exported")


def _scans(cohort: Cohort, scans: pd.DataFrame) -> list[NnunetCase]:
    rows = zip(scans["subject_id"], scans["phase"], scans["part"], strict=True)
    return [NnunetCase(f"{name}_{phase}", part, partial(cohort.read, name, Phase(phase))) for name, phase, part in rows]
