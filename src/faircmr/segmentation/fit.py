"""One fit as a process of its own: ``python -m faircmr.segmentation.fit job.json``."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from faircmr.core.errors import FaircmrError
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.reports import EpochReport
from faircmr.segmentation.training import fit

logger = logging.getLogger("faircmr.segmentation.fit")


def main(arguments: Sequence[str]) -> int:
    """Fit the job of a file, and log each epoch.

    Args:
        arguments: Path of the job.

    Returns:
        Exit status: 0, or 1 after an expected error, which is one line on stderr.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if len(arguments) != 1:
        logger.error("usage: python -m faircmr.segmentation.fit job.json")
        return 2
    try:
        fit(FitJob.read(Path(arguments[0])), on_epoch=log_epoch)
    except FaircmrError as error:
        logger.error("Error: %s", error)
        return 1
    return 0


def log_epoch(report: EpochReport) -> None:
    """One line an epoch."""
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
