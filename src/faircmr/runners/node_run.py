"""Run one node on a worker, and report how it ended."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import CatalogProtocol
from kedro.pipeline.node import Node
from kedro.runner.task import Task

from faircmr.core import FaircmrError
from faircmr.pipelines.training import Fit, fits_mapped_by
from faircmr.running import LogFile, in_one_line
from faircmr.segmentation.training import FitJob, FitRecord

_stopped: set[str] = set()


def request_stop(run: str) -> None:
    """Stop the present and all later work of this process for a run."""
    _stopped.add(run)


def stop_requested(run: str) -> bool:
    """Whether this process is to stop working for a run."""
    return run in _stopped


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


def failed_node_end(error: BaseException) -> NodeEnd:
    """The end of a node that raised an error."""
    return NodeEnd(State.FAILED, in_one_line(error), _formatted_traceback(error))


def log_frames(end: NodeEnd) -> None:
    """Write the stack frames of a worker's error to the log file of this run, if it has one, and nowhere else."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, LogFile):
            handler.handle(logging.LogRecord(__name__, logging.ERROR, __file__, 0, end.frames, None, None))


def _formatted_traceback(error: BaseException) -> str:
    """Frames of an error and of what caused it, with the text of this project's own errors alone."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = "" if before is None else f"{_formatted_traceback(before)}\n"
    text = f": {error}" if isinstance(error, FaircmrError) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{earlier}Traceback (most recent call last):\n{frames}{type(error).__name__}{text}"


Catalog = CatalogProtocol[Any, Any]
Outcome = FitRecord | FaircmrError
"""Result of a fit. An expected error is returned and not raised: Dask logs raised errors with all arguments."""


@dataclass(frozen=True)
class NeededFits:
    """Fits that a node needs before it can continue.

    Attributes:
        fit: How to make one.
        jobs: The fits; one that starts from another one comes after it.
    """

    fit: Fit
    jobs: tuple[FitJob, ...]


class FitsNeededError(Exception):
    """A node needs fits that are not made."""

    def __init__(self, needed: NeededFits) -> None:
        super().__init__("fits are needed first")
        self.needed = needed


@dataclass(frozen=True)
class MadeFits:
    """Gives a node the fits that were made for it.

    Attributes:
        outcomes: Outcome of each fit, by its folder.
    """

    outcomes: Mapping[Path, Outcome]

    def __call__(self, fit: Fit, jobs: Sequence[FitJob]) -> list[FitRecord]:
        """What was made, in the order of the jobs.

        Raises:
            FitsNeededError: Some have not been made.
            FaircmrError: That of the first fit that failed.
        """
        if any(job.folder not in self.outcomes for job in jobs):
            raise FitsNeededError(NeededFits(fit, tuple(jobs)))
        outcomes = [self.outcomes[job.folder] for job in jobs]
        for outcome in outcomes:
            if isinstance(outcome, FaircmrError):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, FitRecord)]


def run_node(node: Node, catalog: Catalog, run: str, made: MadeFits) -> NodeEnd | NeededFits:
    """Run one node on a worker.

    Args:
        node: The node.
        catalog: Its inputs and outputs.
        run: The run that it belongs to, which may be stopped.
        made: The fits that were made for it.

    Returns:
        How it ended; or which fits it needs: then nothing was written, and it is to be run again when they are made.
    """
    if stop_requested(run):
        return NodeEnd(State.LEFT_OUT)
    try:
        with fits_mapped_by(made):
            Task(node, catalog, is_async=False, hook_manager=_create_hook_manager()).execute()
    except FitsNeededError as error:
        return error.needed
    except Exception as error:  # noqa: BLE001 - whatever it is, other nodes go on
        return failed_node_end(error)
    return NodeEnd(State.DONE)
