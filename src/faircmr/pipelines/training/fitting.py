"""Running fits, of a strategy or of its localisers, with their progress shown.

A module of its own: what a node imports counts as its code, and a localiser does not depend on scoring.
"""

from __future__ import annotations

from collections.abc import Sequence

from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.models import FitRecord


def run_fits(what: str, jobs: Sequence[FitJob]) -> tuple[FitRecord, ...]:
    """Run fits one after the other; a finished fit is not run again."""
    from faircmr.reporting.progress import training_progress
    from faircmr.segmentation.distributed import fit_on_devices

    records = []
    for job in jobs:
        with training_progress(f"{what} {job.name}") as on_epoch:
            record = fit_on_devices(job, on_epoch)
        # whom a fit serves has no part in its weights, and may have changed since it was finished
        records.append(record.model_copy(update={"serves": job.serves, "predicts": job.predicts}))
    return tuple(records)
