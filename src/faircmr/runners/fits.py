"""Fits side by side on the workers of a Dask cluster, each in a process of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker, fire_and_forget, get_client, secede

from faircmr.core.errors import FaircmrError, InvalidParameterError
from faircmr.core.stopping import REMEDY, StoppedError
from faircmr.pipelines.training.fitting import Fit
from faircmr.runners.stopped_runs import is_stopped
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.models import FitRecord

GPU = "GPU"
"""Resource of a worker: how many GPUs its fits may take."""
Outcome = FitRecord | FaircmrError
"""An expected error is handed over and not raised: Dask logs what is raised, with all that the function was given."""


@dataclass(frozen=True)
class FitsOnCluster:
    """Makes the fits of a node on the workers of the cluster that runs the node.

    Attributes:
        run: Tells the fits of this run from those of others at the same cluster.
        retries: How often a fit may lose its worker.
    """

    run: str
    retries: int

    def __call__(self, fit: Fit, jobs: Sequence[FitJob]) -> list[FitRecord]:
        """Make every fit; one that begins with another fit waits for it, all others are made side by side.

        Must be called on a worker. The node steps aside for good: what it does afterwards is to save a list, and
        it waits for nobody to do so.

        Returns:
            Records in the order of the jobs.

        Raises:
            FaircmrError: That of the first fit that failed, after all others have ended.
        """
        client = get_client()
        _require_gpus(client, jobs)
        # before fits are handed over: else Dask thinks this worker busy, and gives them to the others
        secede()
        futures: dict[Path, Future[Any]] = {}
        for job in jobs:
            before = futures.get(job.after.folder) if job.after else None
            futures[job.folder] = self._submitted(client, fit, job, before)
        # a node that begins anew on another worker finds them as they are
        fire_and_forget(list(futures.values()))
        outcomes = [_outcome(futures[job.folder], job) for job in jobs]
        for outcome in outcomes:
            if isinstance(outcome, FaircmrError):
                raise outcome
        return [outcome for outcome in outcomes if isinstance(outcome, FitRecord)]

    def _submitted(self, client: Client, fit: Fit, job: FitJob, before: Future[Any] | None) -> Future[Any]:
        return client.submit(
            fit_on_worker,
            fit,
            job,
            self.run,
            before,
            key=_key(self.run, job),
            retries=self.retries,
            resources={GPU: job.training.devices} if job.training.device == "cuda" else None,
        )


def fit_on_worker(fit: Fit, job: FitJob, run: str, before: Outcome | None) -> Outcome:
    """Make one fit in a process of its own: threads are counted by process, and so are signals.

    Args:
        fit: How to make it.
        job: What to make.
        run: The run that it belongs to, which may be stopped.
        before: What came of the fit that this one begins with.

    Returns:
        Its record, or the expected error that ended it or the fit before it.

    Raises:
        StoppedError: Somebody else has stopped it, as a machine that is taken away does: to be tried elsewhere.
    """
    from faircmr.segmentation.distributed import fit_in_processes

    if isinstance(before, FaircmrError):
        return before
    if is_stopped(run):
        return StoppedError(job.name, "not begun", "a run that goes on", REMEDY)
    try:
        return fit(job, partial(fit_in_processes, should_stop=partial(is_stopped, run)))
    except StoppedError as error:
        if not is_stopped(run):
            raise
        return error
    except FaircmrError as error:
        return error
    except Exception as error:  # noqa: BLE001 - its text may quote what no log may hold
        return FaircmrError(job.name, type(error).__name__, "a fit that ends well", "run it again without --runner")


def _outcome(future: Future[Any], job: FitJob) -> Outcome:
    try:
        outcome: Outcome = future.result()
    except KilledWorker as error:
        lost = f"its worker was lost {error.allowed_failures + 1} times"
        return FaircmrError(job.name, lost, "workers that live", f"their memory may be short; {REMEDY}")
    except StoppedError as error:
        return error
    return outcome


def _key(run: str, job: FitJob) -> str:
    """The same for the same fit: strategies share localisers, and a node may begin anew.

    Dask expects tasks of one name (what stands before the first hyphen) to take equally long, and gives several to one
    worker if it thinks them short, as fits are that were finished before. So each has a name of its own.
    """
    digest = hashlib.sha256(job.model_dump_json().encode()).hexdigest()[:16]
    return f"fit_{run}_{digest}-{job.folder.parent.name}/{job.folder.name}"


def _require_gpus(client: Client, jobs: Sequence[FitJob]) -> None:
    """Refuse what no worker can take: Dask would wait for such a worker for ever."""
    needed = max((job.training.devices for job in jobs if job.training.device == "cuda"), default=0)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    most = max((worker["resources"].get(GPU, 0) for worker in workers), default=0)
    if needed > most:
        raise InvalidParameterError(
            "training.devices",
            f"{needed} with training.device cuda",
            f"at most {most:.0f}, the GPUs of the largest worker",
            'set cluster.gpus, start workers with --resources "GPU=1", or set training.device=cpu',
        )
