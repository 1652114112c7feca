"""Where every fit of a study stands, as text for the terminal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from faircmr.reporting.text_tables import as_text, decimal, empty_table

NOBODY = "-"
NOTE = (
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
        seconds_left: Until it is done; ``None`` where nobody knows.
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
    return as_text(table, NOTE.format(counts=_counts(rows), now=f"{now:%Y-%m-%d %H:%M:%S %z}", silence=silence))


def _cells(row: FitRow, groups: Sequence[str]) -> list[str]:
    left = NOBODY if row.seconds_left is None else str(timedelta(seconds=round(max(row.seconds_left, 0.0))))
    epoch = f"{NOBODY if row.epoch is None else row.epoch} of {row.epochs}"
    validated = NOBODY if row.validated is None else str(row.validated)
    dsc = [decimal(100 * value) for value in (row.everybody, *(row.dsc.get(group, math.nan) for group in groups))]
    return [row.fit, row.state, epoch, left, validated, *dsc, row.by]


def _counts(rows: Sequence[FitRow]) -> str:
    states = Counter(row.state for row in rows)
    return ", ".join([f"{len(rows)} fits", *(f"{count} {state}" for state, count in states.items())])
