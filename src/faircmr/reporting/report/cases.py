"""The best and the worst segmentations of each group."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import pandas as pd

from faircmr.core import PROTECTED_GROUP, Parameters
from faircmr.core.scans import Cohort, Predictions
from faircmr.fairness.metrics import Metric
from faircmr.fairness.tables import attributes_of

BEST, WORST = "best", "worst"
COLUMNS = ["strategy", "group", "which", "place", "seed", "fold", "subject_id", "phase", "structure", "dsc"]


def extreme_cases(scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, examples: int) -> pd.DataFrame:
    """The best and the worst segmented subjects of each group, by the lowest DSC of each subject.

    A mean over structures or one phase alone would hide a structure that failed in an otherwise good segmentation.

    Args:
        scores: Long scores of each strategy; empty where it did not run. No scan is scored again.
        subjects: Subject index.
        examples: How many of each kind a group; a group of fewer than twice as many shows each subject once.

    Returns:
        One row a case: ``strategy``, ``group``, ``which`` (``best``, ``worst``), ``place`` from 0, the ``seed`` (the
        first one) and ``fold`` of its prediction, ``subject_id`` (study key), and the subject's lowest ``dsc`` over
        phases and structures, in 0..1, with the ``phase`` and ``structure`` that it is of.

    Raises:
        InvalidCohortError: Scored subjects do not join the subject index.
    """
    parts = [
        _of_strategy(table[table["metric"] == Metric.DSC], subjects, examples).assign(strategy=name)
        for name, table in scores.items()
        if examples and not table.empty
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _of_strategy(dice: pd.DataFrame, subjects: pd.DataFrame, examples: int) -> pd.DataFrame:
    if dice["seed"].notna().any():
        dice = dice[dice["seed"] == dice["seed"].min()]
    # a subject that was predicted in several folds is judged by its worst one, as it is by phases and structures
    ordered = dice.rename(columns={"value": "dsc"}).sort_values(["dsc", "subject_id", "phase", "structure"])
    lowest = ordered.drop_duplicates("subject_id")
    groups = attributes_of(pd.Index(lowest["subject_id"]), subjects)[PROTECTED_GROUP].astype(str).to_numpy()
    chosen = []
    for _, rows in lowest.assign(group=groups).groupby("group", sort=True):
        worst = rows.head(examples)
        best = rows.iloc[len(worst) :].tail(examples).iloc[::-1]
        for which, part in ((BEST, best), (WORST, worst)):
            chosen.append(part.assign(which=which, place=range(len(part))))
    return pd.concat(chosen, ignore_index=True)


class CasePicture(Parameters):
    """The cases of one strategy as one picture.

    Attributes:
        strategy: Whose they are.
        caption: What is to be seen, in words.
        jpeg: The picture, base64.
    """

    strategy: str
    caption: str
    jpeg: str


class CasePictures(Parameters):
    """Pictures of all strategies that have predictions."""

    pictures: tuple[CasePicture, ...] = ()


def draw_cases(cases: pd.DataFrame, cohort: Cohort, predictions: Mapping[str, Predictions]) -> CasePictures:
    """Draw them, one picture a strategy.

    Args:
        cases: As :func:`extreme_cases` makes them.
        cohort: Where images and references are read from; only those of the cases are.
        predictions: Of each strategy.

    Returns:
        JPEG pictures with a column a group, the best above the worst.

    Raises:
        InvalidScanError: A scan of a case cannot be read any more.
    """
    # matplotlib, which a run that finds nothing to do does not have
    from faircmr.reporting.report.figures import overlay_picture

    return CasePictures(
        pictures=tuple(
            CasePicture(
                strategy=str(name),
                caption=_caption(str(name), rows),
                jpeg=b64encode(overlay_picture(rows, cohort, predictions[str(name)])).decode(),
            )
            for name, rows in cases.groupby("strategy", sort=False)
        )
    )


def _caption(strategy: str, rows: pd.DataFrame) -> str:
    said = [f"{group} {_cases_of(part)}" for group, part in rows.groupby("group", sort=True)]
    return f"{strategy}, lowest DSC of each subject (of the whole scan): {'; '.join(said)}."


def _cases_of(rows: pd.DataFrame) -> str:
    columns = (rows[name] for name in ("which", "phase", "structure", "dsc"))
    return ", ".join(
        f"{which} {phase} {structure} {100 * dsc:.1f} %" for which, phase, structure, dsc in zip(*columns, strict=True)
    )
