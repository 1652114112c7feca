"""Run one fit in its own process: ``python -m faircmr.segmentation.training.fit_process job.json``.

With several devices the command starts one process for each device and prints their output.
"""

from __future__ import annotations

import logging
import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread

from faircmr.core import FaircmrError
from faircmr.core.host import SECONDS_TO_LEAVE, StoppedError, defer_stop, exit_status, request_stop, stop_on_signals
from faircmr.segmentation.training.devices import has_other_processes, is_rank_zero, shutdown
from faircmr.segmentation.training.distributed import fit_in_processes
from faircmr.segmentation.training.jobs import FitJob
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import (
    EpochReport,
    OnEpoch,
    epoch_message,
    error_message,
    warning_message,
)

logger = logging.getLogger("faircmr.segmentation.training.fit_process")

OnError = Callable[[Exception], None]


def main(arguments: Sequence[str]) -> int:
    """Run the fit of a job file and report each epoch.

    Args:
        arguments: Path of the job file; ``--piped`` if another process starts this one.

    Returns:
        Exit status: 0 on success, 1 after an expected error (printed as one line), 128 + signal if stopped.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = ArgumentParser("python -m faircmr.segmentation.training.fit_process", description="Fit the job of a file.")
    parser.add_argument("job", type=Path, metavar="job.json")
    parser.add_argument("--piped", action="store_true", help="report in JSON lines, and stop when standard input ends")
    options = parser.parse_args(arguments)
    if not options.piped:
        logging.getLogger(fit_in_processes.__module__).setLevel(logging.DEBUG)
        with stop_on_signals():
            return run(options.job, log_epoch, log_error)
    logging.getLogger("faircmr").addHandler(SendWarnings(logging.WARNING))
    # the request to stop may arrive several times: end of input, the parent process, a signal to the process group
    with stop_on_signals(repeats=SECONDS_TO_LEAVE):
        trained = Event()
        Thread(target=_stop_with_standard_input, args=(trained,), daemon=True).start()
        return run(options.job, send_epoch, send_error, trained)


def run(path: Path, on_epoch: OnEpoch, on_error: OnError, trained: Event | None = None) -> int:
    """Run the fit of a job file and return the exit status.

    Args:
        path: Of the job file.
        on_epoch: Called after each epoch.
        on_error: Called with the error that ends the fit.
        trained: Set after the first step: from then on, the process saves its state before it ends.
    """
    try:
        with defer_stop() as stop_requested:

            def should_stop() -> bool:
                if trained is not None:
                    trained.set()
                return stop_requested()

            job = FitJob.read(path)
            starts_ranks = job.training.devices > 1 and not has_other_processes()
            train = fit_in_processes if starts_ranks else fit
            train(job, on_epoch, should_stop)
    except StoppedError as error:
        on_error(error)
        shutdown()
        return exit_status()
    except Exception as error:
        on_error(error)
        if not isinstance(error, FaircmrError):
            raise
        return 1
    shutdown()
    return 0


def log_epoch(report: EpochReport) -> None:
    """Log one readable line for an epoch."""
    dsc = "" if report.validation_dsc is None else f", validation DSC {100 * report.validation_dsc:.1f} %"
    logger.info(
        "%s: epoch %d of %d, loss %.3f%s, %.0f s left",
        report.name,
        report.epoch,
        report.epochs,
        report.loss,
        dsc,
        report.seconds_left,
    )


def log_error(error: Exception) -> None:
    """Log an expected error in one line; for any other error, Python prints the traceback."""
    if isinstance(error, FaircmrError):
        logger.error("Error: %s", error)


def send_epoch(report: EpochReport) -> None:
    """Send the report of an epoch to the parent process."""
    _write_line(epoch_message(report))


def send_error(error: Exception) -> None:
    """Send an error to the parent process."""
    _write_line(error_message(error))


class SendWarnings(logging.Handler):
    """Send warnings to the parent process, from rank 0 only, because all ranks log the same ones."""

    def emit(self, record: logging.LogRecord) -> None:
        """Send a warning; :func:`send_error` sends errors."""
        if record.levelno == logging.WARNING and is_rank_zero():
            _write_line(warning_message(record.getMessage()))


def _write_line(message: str) -> None:
    # in one write, because other processes write to the same pipe
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def _stop_with_standard_input(trained: Event) -> None:
    """Stop when standard input ends, which means that the parent process has ended or closed it.

    Before the first step there is nothing to save, and the main thread may be waiting for ranks that have ended.
    """
    while os.read(sys.stdin.fileno(), 1):
        pass
    if not trained.is_set():
        os._exit(exit_status())
    request_stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
