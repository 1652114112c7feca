"""Estimates of a study's fits as text for the terminal."""

from __future__ import annotations

from typing import Any

import pandas as pd

from faircmr.reporting.text_tables import as_text, empty_table

MIB = 2**20
NAMES = ("", "")
NUMBERS = (
    *("training\nsubjects", "validation\nsubjects", "epochs", "steps", "batch", "patch", "weights"),
    *("s a step", "hours", "memory\nMiB", "weights\nMiB", "checkpoints\nMiB", "finished"),
)
NOTE = (
    "Measured{measured}. Hours: steps, validations and checkpoints of one fit after the\n"
    "other on one such device, without reading from disk; {left} of them are left. Memory: of a training process on a\n"
    "CPU, of its tensors on a GPU; a sum shows its largest fit and checkpoints. -: could not be measured.\n"
    "To measure again: kedro run --pipelines estimate --from-nodes measure_steps"
)


def render_estimates(table: pd.DataFrame, title: str) -> str:
    """Estimates as text.

    Args:
        table: As :func:`faircmr.estimation.estimates.estimate_fits` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end: the fits of each strategy, their sum where there are
        several, and the further sums.
    """
    rendered = empty_table(title, NAMES, NUMBERS)
    fits, sums = table[table["level"] == "fit"], table[table["level"] != "fit"]
    for strategy, own in fits.groupby("strategy", sort=False):
        several = sums[(sums["level"] == "strategy") & (sums["strategy"] == strategy) & (sums["fits"] > 1)]
        for number, row in enumerate(own.itertuples(index=False)):
            rendered.add_row("" if number else str(strategy), str(row.fit), *_fit_cells(row), _finished(row))
        for row in several.itertuples(index=False):
            rendered.add_row("", f"{row.fits} fits", *_sum_cells(row))
        rendered.add_section()
    for row in sums[sums["level"] != "strategy"].itertuples(index=False):
        rendered.add_row(str(row.strategy), f"{row.fits} fits", *_sum_cells(row))
    return as_text(rendered, _note(table))


def _fit_cells(row: Any) -> list[str]:
    sizes = (row.training_subjects, row.validation_subjects, row.epochs, row.steps, row.batch)
    return [*map(_count, sizes), str(row.patch), _count(row.weights), *_costs(row)]


def _sum_cells(row: Any) -> list[str]:
    return ["", "", _count(row.epochs), _count(row.steps), "", "", "", *_costs(row), _finished(row)]


def _costs(row: Any) -> list[str]:
    disk = (row.weights_bytes / MIB, row.checkpoints_bytes / MIB)
    memory = _number(row.memory_mib, 0)
    return [_number(row.seconds_a_step, 3), _number(row.hours, 2), memory, *(_number(one, 1) for one in disk)]


def _finished(row: Any) -> str:
    return f"{row.finished} of {row.fits}" if row.fits > 1 else ("yes" if row.finished else "no")


def _count(value: Any) -> str:
    return "-" if pd.isna(value) else f"{int(value):,}"


def _number(value: Any, decimals: int) -> str:
    return "-" if pd.isna(value) else f"{value:,.{decimals}f}"


def _note(table: pd.DataFrame) -> str:
    study = table.iloc[-1]
    measured = NOTE.format(measured=_measured(study), left=_number(study["hours_left"], 2))
    impossible = table[(table["level"] == "strategy") & (table["fits"] == 0)]
    reasons = [f"Not estimated: {row.strategy}: {row.reason}" for row in impossible.itertuples(index=False)]
    return "\n".join([measured, *reasons])


def _measured(study: pd.Series[Any]) -> str:
    if pd.isna(study["device"]):
        return " on nothing: no kind of step could be"
    return f" on {study['device']} ({study['machine']}), {study['threads']} threads"
