"""What a worker does with a node, which may need fits that other workers are to make first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework.hooks.manager import _create_hook_manager
from kedro.io import CatalogProtocol
from kedro.pipeline.node import Node
from kedro.runner.task import Task

from faircmr.core.errors import FaircmrError
from faircmr.pipelines.training.fitting import Fit, fits_mapped_by
from faircmr.runners.node_end import NodeEnd, State, end_of
from faircmr.runners.stopped_runs import is_stopped
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.models import FitRecord

Catalog = CatalogProtocol[Any, Any]
Outcome = FitRecord | FaircmrError
"""What came of a fit. An expected error is handed over and not raised: Dask logs what is raised, with all that the
function was given."""


@dataclass(frozen=True)
class NeededFits:
    """What a node wants before it can go on.

    Attributes:
        fit: How to make one.
        jobs: What to make; a fit that begins with another one stands after it.
    """

    fit: Fit
    jobs: tuple[FitJob, ...]


class FitsNeededError(Exception):
    """A node has come to fits that are not made."""

    def __init__(self, needed: NeededFits) -> None:
        super().__init__("fits are needed first")
        self.needed = needed


@dataclass(frozen=True)
class MadeFits:
    """Gives a node the fits that were made for it.

    Attributes:
        outcomes: What came of each, by its folder.
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
        catalog: Where it finds its inputs and leaves its outputs.
        run: The run that it belongs to, which may be stopped.
        made: The fits that were made for it.

    Returns:
        How it ended, and of an error what may be shown; or which fits it needs: then nothing was written, and it is to
        be run again when they are made.
    """
    if is_stopped(run):
        return NodeEnd(State.LEFT_OUT)
    try:
        with fits_mapped_by(made):
            Task(node, catalog, is_async=False, hook_manager=_create_hook_manager()).execute()
    except FitsNeededError as error:
        return error.needed
    except Exception as error:  # noqa: BLE001 - whatever it is, other nodes go on
        return end_of(error)
    return NodeEnd(State.DONE)
