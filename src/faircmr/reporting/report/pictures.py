"""The best and the worst segmentations of each group: what they look like (the paper's Fig. 3)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping

import pandas as pd

from faircmr.core.cohort import Cohort
from faircmr.core.parameters import Parameters
from faircmr.core.prediction import Predictions


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
        cases: As :func:`~faircmr.reporting.report.cases.extreme_cases` makes them.
        cohort: Where images and references are read from; only those of the cases are.
        predictions: Of each strategy.

    Returns:
        JPEG pictures with a column a group, the best above the worst.

    Raises:
        InvalidScanError: A scan of a case cannot be read any more.
    """
    # matplotlib, which a run that finds nothing to do does not have
    from faircmr.reporting.report.overlays import overlay_picture

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
