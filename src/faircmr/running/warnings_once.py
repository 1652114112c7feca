"""Each warning of this project is given once in a run, however many strategies, fits and nodes come upon it.

What is left out is decided once and met often: a test scan without a label concerns every strategy, and a group without
training subjects every fit. The first to meet it logs it. The tables of what is left out
(:mod:`faircmr.core.omissions`) have it for every strategy.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def warnings_once() -> Iterator[None]:
    """Let every handler of the root logger give each of this project's warnings once until the block ends."""
    # one for each: a record passes all handlers, and the first must not take it from the others
    filters = [(handler, OncePerRun()) for handler in logging.getLogger().handlers]
    for handler, once in filters:
        handler.addFilter(once)
    try:
        yield
    finally:
        for handler, once in filters:
            handler.removeFilter(once)
