"""Tables as text for the terminal."""

from __future__ import annotations

import io
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from faircmr.fairness.cohort_checks import Status
from faircmr.fairness.tables import MEASURES, SEED_SD, SEEDS

WIDTH = 10_000
"""Columns of the virtual terminal: wide enough that no cell is ever cut, also with a column for each of many groups."""


def empty_table(title: str, left: Sequence[str], right: Sequence[str]) -> Table:
    """A table without rows.

    Args:
        title: Line above it.
        left: Names of the first columns, aligned to the left.
        right: Names of the other columns, aligned to the right.
    """
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", title_style="", pad_edge=False)
    for name in left:
        table.add_column(name, justify="left", no_wrap=True)
    for name in right:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def as_text(table: Table, note: str) -> str:
    """Text of a table and of a note below it, without a line break at its end."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    return "\n".join(["\n".join(lines).strip("\n"), "", note])


def decimal(value: float) -> str:
    """A number with two decimals; ``-`` where it is missing."""
    return "-" if math.isnan(value) else f"{value:.2f}"


TABLE_1_NOTE = "DSC in %, mean over the n subjects of a row. Avg: mean over phases and structures."
TABLE_2_NOTE = (
    "DSC in %, mean over a group's subjects. Avg: unweighted mean of the groups. SD: over groups (ddof = 1), points.\n"
    "SER: largest over smallest error. Both are positive by chance alone, the more so the smaller the groups;\n"
    "a low SD beside a low Avg means that everybody got the same, not that anybody got more."
)
SEEDS_NOTE = (
    "After ±: SD over training seeds (ddof = 1) of what one seed alone gives, and no spread over groups or subjects;\n"
    "the number before it is of scores that were averaged over seeds first."
)


def render_table1(table: pd.DataFrame, title: str) -> str:
    """Table 1 as text.

    Args:
        table: As :func:`faircmr.fairness.tables.table1` makes it.
        title: Line above it, e.g. the strategy's name.

    Returns:
        Aligned plain text, without a line break at its end; ``-`` where a value is missing.
    """
    numbers = list(table.columns[3:])
    rendered = empty_table(title, [""], ["n", *(str(name).replace(" ", "\n") for name in numbers)])
    for _, rows in table.groupby("attribute", sort=False):
        for _, row in rows.iterrows():
            rendered.add_row(_row_name(row), str(row["n"]), *(decimal(row[name]) for name in numbers))
        rendered.add_section()
    return as_text(rendered, TABLE_1_NOTE)


def render_table2(table: pd.DataFrame, title: str) -> str:
    """Table 2 as text.

    Args:
        table: As :func:`faircmr.fairness.tables.table2` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end; ``-`` where a value is missing. Spread over training
        seeds stands behind the measure (``87.68 ± 0.12``), and how many seeds there were in a column of its own, where
        any strategy has more than one.
    """
    spreads = {name: name + SEED_SD for name in MEASURES if name + SEED_SD in table}
    numbers = [str(name) for name in table.columns[1:] if name not in {SEEDS, *spreads.values()}]
    rendered = empty_table(title, [""], [*numbers, *([SEEDS] if spreads else [])])
    for _, row in table.iterrows():
        cells = [_with_spread(row[name], row[spreads[name]] if name in spreads else math.nan) for name in numbers]
        rendered.add_row(str(row["strategy"]), *cells, *([str(row[SEEDS])] if spreads else []))
    return as_text(rendered, "\n".join([TABLE_2_NOTE, *([SEEDS_NOTE] if spreads else [])]))


def _row_name(row: pd.Series[str]) -> str:
    """Groups and totals by their name alone, others with the attribute: a value may be just ``F``."""
    if row["attribute"] in {"total", "protected_group"}:
        return str(row["group"])
    return f"{row['attribute']}: {row['group']}"


def _with_spread(value: float, over_seeds: float) -> str:
    return decimal(value) if math.isnan(over_seeds) else f"{decimal(value)} ± {decimal(over_seeds)}"


MIB = 2**20
NAMES = ("", "")
NUMBERS = (
    *("training\nsubjects", "validation\nsubjects", "epochs", "steps", "batch", "patch", "weights"),
    *("s a step", "hours", "memory\nMiB", "weights\nMiB", "checkpoints\nMiB", "finished"),
)
ESTIMATES_NOTE = (
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
    measured = ESTIMATES_NOTE.format(measured=_measured(study), left=_number(study["hours_left"], 2))
    impossible = table[(table["level"] == "strategy") & (table["fits"] == 0)]
    reasons = [f"Not estimated: {row.strategy}: {row.reason}" for row in impossible.itertuples(index=False)]
    return "\n".join([measured, *reasons])


def _measured(study: pd.Series[Any]) -> str:
    if pd.isna(study["device"]):
        return " on nothing: no kind of step could be"
    return f" on {study['device']} ({study['machine']}), {study['threads']} threads"


NOBODY = "-"
STATUS_NOTE = (
    "{counts}. As of {now}, from files alone.\n"
    "Left: at the fit's pace since it was started or went on, less what has passed since its last epoch; of one that\n"
    "has stopped, what it will take once it goes on. DSC in %: of what was sampled of each validation subject after\n"
    'the epoch under "validated", mean over the subjects of a group: a guide during training, and no result.\n'
    "stopped?: a process on another machine has given no sign for {silence:.0f} s, and is gone or cut off. Other\n"
    "settings, other code: not what a run with these parameters would make, or not by the code of the strategy's\n"
    "latest fit; a run will train it again."
)


@dataclass(frozen=True)
class FitRow:
    """One fit.

    Attributes:
        strategy: Whose it is.
        fit: Its name.
        state: What it does.
        epoch: Epochs done; ``None`` where nothing tells.
        epochs: All of them.
        seconds_left: Until it is done; ``None`` if unknown.
        validated: Epoch after which it was validated last, if it was.
        dsc: Mean validation DSC of each protected group then, 0..1.
        everybody: Of all validation subjects.
        by: Who fits.
    """

    strategy: str
    fit: str
    state: str
    epoch: int | None
    epochs: int
    seconds_left: float | None = None
    validated: int | None = None
    dsc: Mapping[str, float] = field(default_factory=dict)
    everybody: float = math.nan
    by: str = NOBODY


def render_status(rows: Sequence[FitRow], now: datetime, silence: float) -> str:
    """Status of a study as text.

    Args:
        rows: Its fits; those of a strategy one after the other.
        now: When the files were read.
        silence: Seconds without a sign after which a process is taken to be gone.

    Returns:
        Aligned plain text, without a line break at its end.
    """
    groups = sorted({group for row in rows for group in row.dsc})
    table = empty_table("Fits", ["", "", ""], ["epoch", "left", "validated", "all", *groups])
    table.add_column("by", justify="left", no_wrap=True)
    before = ""
    for row in rows:
        if before not in {"", row.strategy}:
            table.add_section()
        table.add_row("" if row.strategy == before else row.strategy, *_cells(row, groups))
        before = row.strategy
    return as_text(table, STATUS_NOTE.format(counts=_counts(rows), now=f"{now:%Y-%m-%d %H:%M:%S %z}", silence=silence))


def _cells(row: FitRow, groups: Sequence[str]) -> list[str]:
    left = NOBODY if row.seconds_left is None else str(timedelta(seconds=round(max(row.seconds_left, 0.0))))
    epoch = f"{NOBODY if row.epoch is None else row.epoch} of {row.epochs}"
    validated = NOBODY if row.validated is None else str(row.validated)
    dsc = [decimal(100 * value) for value in (row.everybody, *(row.dsc.get(group, math.nan) for group in groups))]
    return [row.fit, row.state, epoch, left, validated, *dsc, row.by]


def _counts(rows: Sequence[FitRow]) -> str:
    states = Counter(row.state for row in rows)
    return ", ".join([f"{len(rows)} fits", *(f"{count} {state}" for state, count in states.items())])


ALARMS = (Status.WARN, Status.FAIL)
COHORT_NOTE = "Nothing was trained for this. The whole report: 08_reporting/cohort_report.html"


def render_checks(table: pd.DataFrame, title: str) -> str:
    """Checks as text, the worst first.

    Args:
        table: As :func:`faircmr.fairness.cohort_checks.check_cohort` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end: status, check, what was found, and below that what to do.
    """
    rendered = empty_table(title, ["", "", ""], [])
    for check, status, found, remedy in (
        table[["check", "status", "found", "remedy"]].fillna("").itertuples(index=False)
    ):
        rendered.add_row(status.upper() if status in ALARMS else status, check, found)
        if remedy:
            rendered.add_row("", "", f"-> {remedy}")
    return as_text(rendered, COHORT_NOTE)


CLASSIFIER_NOTE = (
    "Accuracy by subject with its 95 % interval, balanced accuracy, and what always naming the largest group of the\n"
    "test subjects would reach; precision/recall of each group. The paper: 0.77; 0.69 to 0.89."
)
Measures = dict[tuple[str, str], float]
"""By group and measure."""


def render_classifier(report: pd.DataFrame, title: str) -> str:
    """The report of each seed's classifier by subject.

    Args:
        report: As :func:`faircmr.fairness.metrics.reports_by_seed` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end; empty where there is no classifier.
    """
    if report.empty:
        return ""
    subjects = report[report["level"] == "subject"]
    groups = [str(group) for group in dict.fromkeys(subjects["group"]) if group != "all"]
    table = empty_table(title, ["seed"], ["accuracy", "balanced", "majority", *groups])
    for seed, rows in subjects.groupby("seed", sort=True):
        table.add_row(str(seed), *_overall(rows), *(_shares(_measures(rows, "value"), group) for group in groups))
    return as_text(table, CLASSIFIER_NOTE)


def _measures(rows: pd.DataFrame, column: str) -> Measures:
    names = zip(rows["group"].astype(str), rows["measure"].astype(str), strict=True)
    return dict(zip(names, rows[column].astype(float).tolist(), strict=True))


def _overall(rows: pd.DataFrame) -> list[str]:
    value, low, high = (_measures(rows, column) for column in ("value", "low", "high"))
    accuracy = ("all", "accuracy")
    interval = f" ({decimal(low[accuracy])}-{decimal(high[accuracy])})"
    others = [decimal(value["all", measure]) for measure in ("balanced_accuracy", "majority_rate")]
    return [decimal(value[accuracy]) + interval, *others]


def _shares(value: Measures, group: str) -> str:
    return "/".join(decimal(value[group, measure]) for measure in ("precision", "recall"))


COLUMNS = {
    "heart_inside": "heart inside, %",
    "least_inside": "least, %",
    "box_overlap": "box overlap, %",
    "centre_error": "centre error, mm",
}
LOCALISER_NOTE = "Labelled test subjects; a heart that was not located is segmented on the full image."


def render_localiser(errors: pd.DataFrame, title: str) -> str:
    """How well the heart was found in each group.

    Args:
        errors: As :func:`faircmr.fairness.metrics.localiser_table` makes it.
        title: Line above it.

    Returns:
        Aligned plain text, without a line break at its end; empty where full images are used.
    """
    if errors.empty:
        return ""
    table = empty_table(title, [""], ["n", "not located", *COLUMNS.values()])
    for _, row in errors.iterrows():
        table.add_row(
            str(row["group"]), str(row["n"]), str(row["not_located"]), *(decimal(row[name]) for name in COLUMNS)
        )
    return as_text(table, LOCALISER_NOTE)


SHOWN: Mapping[str, tuple[Callable[[pd.DataFrame, str], str], str]] = {
    "cohort_checks": (render_checks, "The cohort, before any training"),
    "localiser_table": (render_localiser, "Heart region: {strategy}"),
    "classifier_table": (render_classifier, "Classifier of the protected group: {strategy}"),
    "table1": (render_table1, "Table 1: {strategy}"),
    "table2": (render_table2, "Table 2"),
    "fit_estimates": (render_estimates, "Estimated time, memory and disk"),
}
"""What makes text of a table and its title; and the title, in which ``{strategy}`` is the first part of the name."""
