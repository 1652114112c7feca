"""Counts of what was left out, each with a reason, for the log and the report.

Code that leaves something out makes an :class:`Omission`. It is logged with :func:`log_omissions`, and written with
:func:`omission_table` to a table of the study, which the pages read.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from faircmr.core.errors import InvalidCohortError

OMISSION_TYPES = {
    "step": "str",
    "what": "str",
    "outcome": "str",
    "count": "int64",
    "total": "Int64",
    "reason": "str",
}
"""One row an omission; ``total`` is missing where it is not known. A row with a count of 0 says that something was
checked and nothing was left out."""


def strategy_step(strategy: str) -> str:
    """Name of the step that holds what a strategy leaves out."""
    return f"Strategy {strategy}"


@dataclass(frozen=True)
class Omission:
    """Things of one kind that are left out, or treated differently from all others, for one reason.

    Attributes:
        what: Which things, in the plural: ``subjects``, ``scans``, ``masks``, ``rows``.
        count: How many are left out.
        total: Out of how many; ``None`` where nobody knows.
        reason: Why, without the name of a person or file: ``no label``, ``in one of the two folders alone``.
        outcome: What became of them, after "are": ``left out``, ``not scored``, ``predicted, never trained on``.
    """

    what: str
    count: int
    total: int | None
    reason: str
    outcome: str = "left out"

    @property
    def counted(self) -> str:
        """How many of which things: ``4 of 28 masks``."""
        of = "" if self.total is None else f" of {self.total}"
        return f"{self.count}{of} {self.what}"

    def __str__(self) -> str:
        """One sentence without a full stop: ``4 of 28 masks are left out: in one of the two folders alone``."""
        because = f": {self.reason}" if self.reason else ""
        return f"{self.counted} are {self.outcome}{because}"


def log_omissions(logger: logging.Logger, omissions: Iterable[Omission]) -> None:
    """Log one warning an omission, in the words that the pages use; a count of 0 is not logged."""
    for one in omissions:
        if one.count:
            logger.warning("%s", one)


def omission_table(by_step: Mapping[str, Iterable[Omission]]) -> pd.DataFrame:
    """Omissions as a table.

    Args:
        by_step: Omissions of each step of the study; the step's name heads its rows on a page.

    Returns:
        The columns of :data:`OMISSION_TYPES`.
    """
    rows = [
        (step, one.what, one.outcome, one.count, one.total, one.reason)
        for step, some in by_step.items()
        for one in some
    ]
    return pd.DataFrame(rows, columns=list(OMISSION_TYPES)).astype(OMISSION_TYPES)


def omissions_in(table: pd.DataFrame) -> dict[str, list[Omission]]:
    """Omissions of a table by step, as :func:`omission_table` wrote them, without those of a count of 0."""
    found: dict[str, list[Omission]] = {}
    columns = (table[name] for name in OMISSION_TYPES)
    for step, what, outcome, count, total, reason in zip(*columns, strict=True):
        if count:
            of = None if pd.isna(total) else int(total)
            one = Omission(str(what), int(count), of, "" if pd.isna(reason) else str(reason), str(outcome))
            found.setdefault(str(step), []).append(one)
    return found


def validate_omissions(omissions: pd.DataFrame) -> pd.DataFrame:
    """Check a table of omissions.

    Args:
        omissions: Columns of :data:`OMISSION_TYPES`.

    Returns:
        The table with those columns in those types.

    Raises:
        InvalidCohortError: Names the column, what was expected and in how many rows it fails.
    """
    # pandera takes half a second to import, which a run that finds nothing to do does not have
    from pandera.pandas import Column

    from faircmr.core.study import table_checks as checks

    filled = dict.fromkeys(("step", "what", "outcome"), checks.FILLED)
    columns = {
        **checks.required_columns(OMISSION_TYPES, {**filled, "count": checks.NOT_NEGATIVE}),
        "total": Column("Int64", checks.NOT_NEGATIVE, coerce=True, nullable=True),
        "reason": Column("str", coerce=True, nullable=True),
    }
    return checks.check_table("omissions", omissions, checks.table_schema(columns, []), InvalidCohortError)
