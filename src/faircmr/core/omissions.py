"""What was found and left out, as counts with a reason: the console and the pages say it alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Omission:
    """Things of one kind that are left out for one reason.

    Attributes:
        what: Which things, in the plural: ``subjects``, ``scans``, ``masks``, ``rows``.
        count: How many are left out.
        total: Out of how many; ``None`` where nobody knows.
        reason: Why, without the name of a person or file: ``no label``, ``in one of the two folders alone``.
    """

    what: str
    count: int
    total: int | None
    reason: str

    def __str__(self) -> str:
        """One sentence without a full stop: ``4 of 28 masks are left out: in one of the two folders alone``."""
        of = "" if self.total is None else f" of {self.total}"
        return f"{self.count}{of} {self.what} are left out: {self.reason}"
