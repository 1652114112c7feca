"""Running fits, of a strategy or of its localisers, with their progress shown.

A module of its own: what a node imports counts as its code, and a localiser does not depend on scoring.
Where fits are made is no part of it, and is told by whoever runs the node: :func:`fits_mapped_by`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.models import FitRecord

Train = Callable[..., FitRecord]
"""Trains one network: ``(job, on_epoch) -> record``, in this process or in others."""
Fit = Callable[[FitJob, Train], FitRecord]
"""Makes one fit with its progress shown, trained as it is told."""
MapFits = Callable[[Fit, Sequence[FitJob]], Sequence[FitRecord]]
"""Makes every fit, wherever; a fit that begins with another one comes after it. Records in the order of the jobs."""


def run_fits(what: str, jobs: Sequence[FitJob]) -> tuple[FitRecord, ...]:
    """Run every fit; a finished fit is not run again.

    Args:
        what: Whose fits they are, to be shown.
        jobs: A fit that begins with another one stands after it.

    Returns:
        Their records, in the order of the jobs.
    """
    records = _map_fits.get()(partial(fit_shown, what), jobs)
    # whom a fit serves has no part in its weights, and may have changed since it was finished
    return tuple(
        record.model_copy(update={"serves": job.serves, "predicts": job.predicts})
        for job, record in zip(jobs, records, strict=True)
    )


def fit_shown(what: str, job: FitJob, train: Train) -> FitRecord:
    """Make one fit with its progress shown."""
    from faircmr.reporting.progress import training_progress

    with training_progress(f"{what} {job.name}") as on_epoch:
        return train(job, on_epoch)


def one_after_the_other(fit: Fit, jobs: Sequence[FitJob]) -> list[FitRecord]:
    """Make fits here, in turn."""
    from faircmr.segmentation.distributed import fit_on_devices

    return [fit(job, fit_on_devices) for job in jobs]


_map_fits: ContextVar[MapFits] = ContextVar("map_fits", default=one_after_the_other)


@contextmanager
def fits_mapped_by(map_fits: MapFits) -> Iterator[None]:
    """Let nodes that run inside the block, in this thread, make their fits in another way."""
    token = _map_fits.set(map_fits)
    try:
        yield
    finally:
        _map_fits.reset(token)
