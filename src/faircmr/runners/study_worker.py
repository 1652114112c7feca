"""What a Dask worker is told before it runs anything of a study."""

from __future__ import annotations

import logging
import os
import signal
from importlib import import_module
from typing import Any

from distributed import Worker, WorkerPlugin

PLUGIN = "faircmr"


class StudyWorker(WorkerPlugin):
    """Says of its work what the process that waits for it is to show, and nothing by itself.

    Args:
        started_here: Whether the worker was started for this run: then signals are left to the process that started
            it, which lets fits save what they have before it ends its workers. A terminal sends Ctrl-C to all alike.
    """

    def __init__(self, *, started_here: bool) -> None:
        self._started_here = started_here

    def setup(self, worker: Worker) -> None:
        """Make the worker's process ready; done in its main thread."""
        # configures logging when it is imported, which must not happen later
        import_module("kedro.framework.project")
        logging.getLogger("kedro").setLevel(logging.CRITICAL)
        ours = logging.getLogger("faircmr")
        ours.setLevel(logging.INFO)
        ours.propagate = False
        # progress goes to a log, from where it is passed on, and not to a terminal that several processes share
        os.environ["TTY_COMPATIBLE"] = "0"
        if self._started_here:
            for number in (signal.SIGINT, signal.SIGTERM):
                # not SIG_IGN, which processes started here would inherit
                signal.signal(number, _leave_it_to_others)


def _leave_it_to_others(*_: Any) -> None:
    """Do nothing."""
