"""How a node ended, as a worker tells it: in words that may be shown, and without any data."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from enum import Enum

from faircmr.core.errors import FaircmrError
from faircmr.running.expected_errors import in_one_line
from faircmr.running.log_file import LogFile


class State(Enum):
    """How a node ended."""

    DONE = "done"
    FAILED = "failed"
    LEFT_OUT = "left out"
    """What it needs was not made."""


@dataclass(frozen=True)
class NodeEnd:
    """How a node ended.

    Attributes:
        state: In one word.
        why: Of a failed node, one line: an expected error, or the type of another one, whose text may quote what no
            message may hold.
        frames: Of a failed node, where in the code; for the log file alone.
    """

    state: State
    why: str = ""
    frames: str = ""


def end_of(error: BaseException) -> NodeEnd:
    """How a node ended that raised an error."""
    return NodeEnd(State.FAILED, in_one_line(error), _frames(error))


def log_frames(end: NodeEnd) -> None:
    """Write where the error of a worker came from to the log file of this run, if it has one, and nowhere else."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile):
            handler.handle(logging.LogRecord(__name__, logging.ERROR, __file__, 0, end.frames, None, None))


def _frames(error: BaseException) -> str:
    """Frames of an error and of what caused it, with the text of this project's own errors alone."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = "" if before is None else f"{_frames(before)}\n"
    text = f": {error}" if isinstance(error, FaircmrError) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{earlier}Traceback (most recent call last):\n{frames}{type(error).__name__}{text}"
