"""A fit as a process of its own: ``python -m faircmr.segmentation.training.fit_process job.json``.

With several devices the command starts one process a device and shows all that they print.
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
from faircmr.core.host import SECONDS_TO_LEAVE, StoppedError, deferring, exit_status, request_stop, stopping_at_signals
from faircmr.segmentation.training.devices import has_other_processes, leads, leave
from faircmr.segmentation.training.distributed import fit_in_processes
from faircmr.segmentation.training.jobs import FitJob
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import (
    EpochReport,
    OnEpoch,
    message_of_epoch,
    message_of_error,
    message_of_warning,
)

logger = logging.getLogger("faircmr.segmentation.training.fit_process")

OnError = Callable[[Exception], None]


def main(arguments: Sequence[str]) -> int:
    """Fit the job of a file, and report each epoch.

    Args:
        arguments: Path of the job; ``--piped`` where another process starts this one.

    Returns:
        Exit status: 0; 1 after an expected error, which is one line; 128 and the signal where it was stopped.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = ArgumentParser("python -m faircmr.segmentation.training.fit_process", description="Fit the job of a file.")
    parser.add_argument("job", type=Path, metavar="job.json")
    parser.add_argument("--piped", action="store_true", help="report in JSON lines, and stop when standard input ends")
    options = parser.parse_args(arguments)
    if not options.piped:
        logging.getLogger(fit_in_processes.__module__).setLevel(logging.DEBUG)
        with stopping_at_signals():
            return run(options.job, log_epoch, log_error)
    logging.getLogger("faircmr").addHandler(TellWarnings(logging.WARNING))
    # it may be asked by the end of its input, by the process that started it, and by whoever signals all processes
    with stopping_at_signals(repeats=SECONDS_TO_LEAVE):
        trained = Event()
        Thread(target=_stop_with_standard_input, args=(trained,), daemon=True).start()
        return run(options.job, tell_epoch, tell_error, trained)


def run(path: Path, on_epoch: OnEpoch, on_error: OnError, trained: Event | None = None) -> int:
    """Fit the job of a file; returns the exit status.

    Args:
        path: Of the job.
        on_epoch: Called after each epoch.
        on_error: Called with the error that ends the fit.
        trained: Set after the first step: from then on there is something to save before this process ends.
    """
    try:
        with deferring() as stop_requested:

            def should_stop() -> bool:
                if trained is not None:
                    trained.set()
                return stop_requested()

            job = FitJob.read(path)
            starts_others = job.training.devices > 1 and not has_other_processes()
            train = fit_in_processes if starts_others else fit
            train(job, on_epoch, should_stop)
    except StoppedError as error:
        on_error(error)
        leave()
        return exit_status()
    except Exception as error:
        on_error(error)
        if not isinstance(error, FaircmrError):
            raise
        return 1
    leave()
    return 0


def log_epoch(report: EpochReport) -> None:
    """One line an epoch, to be read by people."""
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
    """One line of an expected error; of any other, Python writes where it came from."""
    if isinstance(error, FaircmrError):
        logger.error("Error: %s", error)


def tell_epoch(report: EpochReport) -> None:
    """One line an epoch, to be read by the process that started this one."""
    _tell(message_of_epoch(report))


def tell_error(error: Exception) -> None:
    """One line of any error, to be read by the process that started this one."""
    _tell(message_of_error(error))


class TellWarnings(logging.Handler):
    """One line a warning, of one of several processes that all have the same ones."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it to the process that started this one; an error is told by :func:`tell_error`."""
        if record.levelno == logging.WARNING and leads():
            _tell(message_of_warning(record.getMessage()))


def _tell(message: str) -> None:
    # in one piece: other processes write to the same pipe
    sys.stdout.write(f"{message}\n")
    sys.stdout.flush()


def _stop_with_standard_input(trained: Event) -> None:
    """Stop when standard input ends: the process that started this one keeps it open for as long as it lives.

    Before the first step nothing can be lost, and the main thread may wait for other processes that are gone.
    """
    while os.read(sys.stdin.fileno(), 1):
        pass
    if not trained.is_set():
        os._exit(exit_status())
    request_stop()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
