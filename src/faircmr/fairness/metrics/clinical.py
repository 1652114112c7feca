"""Clinical measures of a segmentation and their errors: volumes, ejection fractions, mass."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidScoresError
from faircmr.core.scans import LabelImage, Phase, Spacing, structure_volumes
from faircmr.core.study import validate_scores
from faircmr.fairness.metrics.scan import LabelPair, Metric
from faircmr.fairness.tables import CELLS, NOT_RECORDED, cell_of_each, cells_of

MYOCARDIAL_DENSITY = 1.05
"""Grams a millilitre."""
MODEL_AND_SUBJECT = ["strategy", "seed", "fold", "study_key", "subject_id"]


class Measure(StrEnum):
    """A clinical measure of one subject."""

    LVEDV = "LVEDV"
    LVESV = "LVESV"
    LVSV = "LVSV"
    LVEF = "LVEF"
    LV_MASS = "LV mass"
    RVEDV = "RVEDV"
    RVESV = "RVESV"
    RVSV = "RVSV"
    RVEF = "RVEF"

    @property
    def unit(self) -> str:
        """``mL``, ``%`` or ``g``."""
        return {Measure.LVEF: "%", Measure.RVEF: "%", Measure.LV_MASS: "g"}.get(self, "mL")


CELLS_OF = {
    Measure.LVEDV: ("ED LVBP",),
    Measure.LVESV: ("ES LVBP",),
    Measure.LVSV: ("ED LVBP", "ES LVBP"),
    Measure.LVEF: ("ED LVBP", "ES LVBP"),
    Measure.LV_MASS: ("ED LVM",),
    Measure.RVEDV: ("ED RVBP",),
    Measure.RVESV: ("ES RVBP",),
    Measure.RVSV: ("ED RVBP", "ES RVBP"),
    Measure.RVEF: ("ED RVBP", "ES RVBP"),
}
"""Phase and structure of the volumes that each measure is made of."""
ERROR_COLUMNS = ("predicted", "reference", "error", "problem", "measure", "unit")


def measures_of(cells: Collection[str]) -> list[Measure]:
    """Measures that volumes of these phases and structures (``ED LVBP``) make."""
    return [measure for measure in Measure if set(CELLS_OF[measure]) <= set(cells)]


def clinical_measures(volumes: pd.DataFrame) -> pd.DataFrame:
    """End-diastolic and end-systolic volume, stroke volume, ejection fraction, and mass of the left ventricle.

    That mass is taken at ED, and heart muscle to weigh 1.05 g/mL, is convention.

    Args:
        volumes: One row a subject, columns some of :data:`~faircmr.fairness.tables.CELLS` (``ED LVBP``), mL; 0
            where a structure was not found, NaN where there is no scan of the phase.

    Returns:
        The same rows, columns the values of :class:`Measure` that they make: volumes in mL; stroke volume
        ``EDV - ESV``; ejection fraction ``100 (EDV - ESV) / EDV`` in percent, as it comes out (0 and less where no
        more was found at ED than at ES); mass in g, the volume of the myocardium at ED times
        :data:`MYOCARDIAL_DENSITY`. NaN where a phase is missing; the ejection fraction also where EDV is 0.
    """
    known = volumes.reindex(columns=pd.Index(CELLS))
    measures = {Measure.LV_MASS: MYOCARDIAL_DENSITY * known["ED LVM"]}
    for side in ("LV", "RV"):
        edv, esv = known[f"ED {side}BP"], known[f"ES {side}BP"]
        measures |= {Measure(f"{side}EDV"): edv, Measure(f"{side}ESV"): esv, Measure(f"{side}SV"): edv - esv}
        measures[Measure(f"{side}EF")] = 100.0 * (edv - esv) / edv.where(edv > 0.0)
    return pd.DataFrame({str(measure): measures[measure] for measure in measures_of(volumes.columns)})


def clinical_errors(predicted: pd.DataFrame, reference: pd.DataFrame) -> pd.DataFrame:
    """Clinical measures of what was found against those of what was drawn.

    A structure that was not drawn is one that nobody measured, and has no reference: a ventricle is never empty. One
    that was drawn and not found has a predicted volume of 0, from which stroke volume and error follow; its
    ejection fraction is undefined where that is at ED, and 100 % where it is at ES. ``problem`` names every such case,
    whether there is a value or not, so that it can be counted beside each mean.

    Args:
        predicted: Volumes as for :func:`clinical_measures`.
        reference: The same subjects (index) and columns, in the same order.

    Returns:
        One row a subject and measure: the index as columns, ``measure``, ``unit``, ``predicted``, ``reference``,
        ``error`` (predicted less reference, in that unit; of ejection fractions in percentage points), and
        ``problem``: ``no ED scan``, ``ED LVBP not drawn``, ``no prediction at ED``, ``ED LVBP missed``, the first of
        them that holds, or empty. No rows where the columns make no measure: of what is no heart.

    Raises:
        InvalidScoresError: The subjects differ, or a volume is negative.
    """
    if not predicted.index.equals(reference.index):
        raise InvalidScoresError("predicted", "other subjects than in reference", "the same, in the same order")
    if (predicted < 0.0).any(axis=None) or (reference < 0.0).any(axis=None):
        raise InvalidScoresError("volumes", "a negative volume", "mL, 0 where nothing was found")
    problems = pd.DataFrame({cell: _problems(str(cell), predicted[cell], reference[cell]) for cell in predicted})
    found = clinical_measures(predicted)
    drawn = clinical_measures(reference.where(reference > 0.0))
    measures = measures_of(predicted.columns)
    if not measures:
        return pd.DataFrame(columns=[*predicted.index.names, *ERROR_COLUMNS])
    return pd.concat([_rows(measure, found, drawn, problems) for measure in measures], ignore_index=True)


def clinical_errors_of_subject(
    predictions: Mapping[Phase, LabelImage], references: Mapping[Phase, LabelImage], spacing: Spacing
) -> pd.DataFrame:
    """Clinical measures of one subject, from label images.

    Args:
        predictions: Predicted labels of ED and ES, values of ``Structure`` and 0, shape (slices, rows, columns); a
            missing phase is a missing key.
        references: Drawn labels, on the same grids.
        spacing: Millimetres between slices, rows and columns.

    Returns:
        Nine rows as of :func:`clinical_errors`, without a column for the subject.

    Raises:
        InvalidScoresError: As for :class:`~faircmr.fairness.metrics.LabelPair`.
    """
    for phase, label in {**references, **predictions}.items():
        LabelPair(label, references.get(phase, label), spacing)
    predicted, reference = (_volumes(labels, spacing) for labels in (predictions, references))
    return clinical_errors(predicted, reference).drop(columns="index")


def clinical_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Clinical measures of all subjects, from the volumes in their scores.

    Args:
        scores: Long scores of any strategies, with the metrics ``volume`` and ``reference_volume``.

    Returns:
        As :func:`clinical_errors`, with ``strategy``, ``seed``, ``fold``, ``study_key`` and ``subject_id``.

    Raises:
        InvalidScoresError: The scores cannot be used, or hold no volumes.
    """
    kept = scores[scores["metric"].isin([Metric.VOLUME, Metric.REFERENCE_VOLUME])]
    if kept.empty:
        raise InvalidScoresError("scores", "no rows of metric volume", "scores of score_scan", "score the scans again")
    checked = validate_scores(kept)
    named = checked.assign(cell=cell_of_each(checked))
    wide = named.pivot(index=MODEL_AND_SUBJECT, columns=["metric", "cell"], values="value")
    cells = cells_of(checked)
    both = [wide.reindex(columns=pd.MultiIndex.from_product([[m], cells])) for m in ("volume", "reference_volume")]
    return clinical_errors(*(volumes.droplevel(0, axis="columns") for volumes in both))


def _problems(cell: str, predicted: pd.Series[float], reference: pd.Series[float]) -> pd.Series[str]:
    phase, _ = cell.split()
    problems = pd.Series("", predicted.index, dtype="str")
    # of two that hold, the one that stands later here is told
    problems[predicted == 0.0] = f"{cell} missed"
    problems[predicted.isna()] = f"no prediction at {phase}"
    problems[reference == 0.0] = f"{cell} not drawn"
    problems[reference.isna()] = f"no {phase} scan"
    return problems


def _rows(measure: Measure, found: pd.DataFrame, drawn: pd.DataFrame, problems: pd.DataFrame) -> pd.DataFrame:
    first, last = problems[CELLS_OF[measure][0]], problems[CELLS_OF[measure][-1]]
    rows = pd.DataFrame({"predicted": found[measure], "reference": drawn[measure]})
    rows["error"] = rows["predicted"] - rows["reference"]
    rows["problem"] = first.where(first != "", last)
    return rows.reset_index().assign(measure=str(measure), unit=measure.unit)


def _volumes(labels: Mapping[Phase, LabelImage], spacing: Spacing) -> pd.DataFrame:
    found = {
        f"{phase} {structure.name}": volume
        for phase, label in labels.items()
        for structure, volume in structure_volumes(label, spacing).items()
    }
    return pd.DataFrame([{cell: found.get(cell, float("nan")) for cell in CELLS}])


ALL = "all"


def by_group(errors: pd.DataFrame, groups: pd.Series[str]) -> list[tuple[str, pd.DataFrame]]:
    """Rows of each group, then all rows together.

    Args:
        errors: One row a subject and measure: ``subject_id``, ``measure``, of one model.
        groups: Group of each subject, index ``subject_id``; missing where it was not recorded.

    Returns:
        Groups in the order of their categories or else of the alphabet, ``not recorded``, ``all``.

    Raises:
        InvalidScoresError: A subject has a measure twice.
        InvalidCohortError: Subjects have no entry, or two, in ``groups``; says how many, not who.
    """
    if errors.duplicated(["subject_id", "measure"]).any():
        remedy = "choose one strategy and seed, or average over seeds first"
        raise InvalidScoresError("errors", "a measure of a subject twice", "errors of one model", remedy)
    unknown = int((~errors["subject_id"].drop_duplicates().isin(groups.index)).sum())
    if unknown:
        raise InvalidCohortError("scored subjects", f"{unknown} without an entry in groups", "one group a subject")
    if groups.index.has_duplicates:
        repeated = f"{int(groups.index.duplicated().sum())} repeated"
        raise InvalidCohortError("groups", repeated, "one group a subject")
    labels = groups.loc[errors["subject_id"]].set_axis(errors.index)
    named = [(str(label), rows) for label, rows in errors.groupby(labels, sort=True, observed=True)]
    without = errors[labels.isna()]
    return [*named, *([] if without.empty else [(NOT_RECORDED, without)]), (ALL, errors)]
