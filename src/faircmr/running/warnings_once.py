"""Each warning of this project is given once in a run, however many strategies, fits and nodes come upon it.

What is left out is decided once and met often: a test scan without a label concerns every strategy, and a group without
training subjects every fit. The first to meet it logs it. The tables of what is left out
(:mod:`faircmr.core.omissions`) have it for every strategy.
"""

from __future__ import annotations

import logging

OWN = __name__.partition(".")[0]


class OncePerRun(logging.Filter):
    """Passes the first of this project's warnings that say the same, and all other records."""

    def __init__(self) -> None:
        super().__init__()
        self._given: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to pass a record."""
        if record.levelno != logging.WARNING or record.name.partition(".")[0] != OWN:
            return True
        text = record.getMessage()
        if text in self._given:
            return False
        self._given.add(text)
        return True


def give_warnings_once() -> None:
    """Let every handler of the root logger forget what it has given in earlier runs, and repeat nothing from now on."""
    for handler in logging.getLogger().handlers:
        for earlier in [one for one in handler.filters if isinstance(one, OncePerRun)]:
            handler.removeFilter(earlier)
        # one for each: a record passes all handlers, and the first must not take it from the others
        handler.addFilter(OncePerRun())
