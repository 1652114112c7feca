"""Run fits in parallel on the workers of a Dask cluster, each in its own process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client, Future, KilledWorker

from faircmr.core import FaircmrError, InvalidParameterError, text_digest
from faircmr.core.host import REMEDY, StoppedError
from faircmr.pipelines.training import Fit
from faircmr.runners.node_run import NeededFits, Outcome, stop_requested
from faircmr.segmentation.training import FitJob

GPU = "GPU"
"""Resource of a worker: how many GPUs its fits may take."""


class FitsOnCluster:
    """The fits of a run: each is made once, as soon as a worker is free.

    No more fits are submitted than workers have threads. Dask would distribute the rest at once by estimated durations,
    which it does not know: some workers were idle for half a minute while others had many fits queued.

    Args:
        client: Of the cluster.
        run: Id of the run; distinguishes its fits from those of other runs on the same cluster.
        retries: How often a fit may lose its worker.
    """

    def __init__(self, client: Client, run: str, retries: int) -> None:
        self._client, self._run, self._retries = client, run, retries
        self._waiting: dict[Path, tuple[Fit, FitJob]] = {}
        self._futures: dict[Path, Future[Any]] = {}
        self._outcomes: dict[Path, Outcome] = {}

    @property
    def under_way(self) -> list[Future[Any]]:
        """Futures of fits that have not ended."""
        return [future for folder, future in self._futures.items() if folder not in self._outcomes]

    def queue(self, needed: NeededFits) -> None:
        """Queue fits that are not yet queued, submitted or made."""
        try:
            _require_gpus(self._client, needed.jobs)
        except InvalidParameterError as error:
            self._outcomes.update({job.folder: error for job in needed.jobs})
            return
        for job in needed.jobs:
            if job.folder not in self._futures:
                self._waiting.setdefault(job.folder, (needed.fit, job))

    def submit_ready(self) -> None:
        """Submit as many fits as there are free workers; a fit that starts from another one waits for it."""
        free = max(1, sum(self._client.nthreads().values())) - len(self.under_way) if self._waiting else 0
        for fit, job in self._ready()[: max(0, free)]:
            del self._waiting[job.folder]
            self._futures[job.folder] = self._submit(fit, job)

    def _ready(self) -> list[tuple[Fit, FitJob]]:
        """Fits that can start; first those that others wait for."""
        needed = {job.after.folder for _, job in self._waiting.values() if job.after}
        ready = [one for one in self._waiting.values() if one[1].after is None or one[1].after.folder in self._outcomes]
        return sorted(ready, key=lambda one: one[1].folder not in needed)

    def record_outcomes(self, ended: Iterable[Future[Any]]) -> None:
        """Store the outcomes of fits that have ended."""
        done = set(ended)
        for folder, future in self._futures.items():
            if future in done:
                self._outcomes[folder] = _outcome_of_future(future, "/".join(folder.parts[-2:]))

    def are_made(self, needed: NeededFits) -> bool:
        """Whether every fit has an outcome."""
        return all(job.folder in self._outcomes for job in needed.jobs)

    def outcomes(self, needed: NeededFits) -> dict[Path, Outcome]:
        """Outcomes of the fits, by their folders."""
        return {job.folder: self._outcomes[job.folder] for job in needed.jobs}

    def _submit(self, fit: Fit, job: FitJob) -> Future[Any]:
        return self._client.submit(
            fit_on_worker,
            fit,
            job,
            self._run,
            self._outcomes[job.after.folder] if job.after else None,
            key=_task_key(self._run, job),
            retries=self._retries,
            resources={GPU: job.training.devices} if job.training.device == "cuda" else None,
        )


def fit_on_worker(fit: Fit, job: FitJob, run: str, before: Outcome | None) -> Outcome:
    """Make one fit in its own process, because threads and signals are managed by process.

    Args:
        fit: How to make it.
        job: What to make.
        run: The run that it belongs to, which may be stopped.
        before: Outcome of the fit that this one starts from.

    Returns:
        Its record, or the expected error that ended it or the fit before it.

    Raises:
        StoppedError: The fit was stopped by something other than this run, e.g. because its machine is
            withdrawn; Dask is to retry it elsewhere.
    """
    from faircmr.segmentation.training import fit_in_processes

    if isinstance(before, FaircmrError):
        return before
    if stop_requested(run):
        return StoppedError(job.name, "not begun", "a run that goes on", REMEDY)
    try:
        return fit(job, partial(fit_in_processes, should_stop=partial(stop_requested, run)))
    except StoppedError as error:
        if not stop_requested(run):
            raise
        return error
    except FaircmrError as error:
        return error
    except Exception as error:  # noqa: BLE001 - its text may quote what no log may hold
        return FaircmrError(job.name, type(error).__name__, "a fit that ends well", "run it again without --runner")


def _outcome_of_future(future: Future[Any], name: str) -> Outcome:
    try:
        outcome: Outcome = future.result()
    except KilledWorker as error:
        lost = f"its worker was lost {error.allowed_failures + 1} times"
        return FaircmrError(name, lost, "workers that live", f"their memory may be short; {REMEDY}")
    except StoppedError as error:
        return error
    return outcome


def _task_key(run: str, job: FitJob) -> str:
    """A Dask key that is unique to a fit.

    Dask expects tasks of one name (what stands before the first hyphen) to take equally long, and gives several to one
    worker if it thinks them short, as fits are that were finished before. So each has a name of its own.
    """
    digest = text_digest(job.model_dump_json(), 16)
    return f"fit_{run}_{digest}-{job.folder.parent.name}/{job.folder.name}"


def _require_gpus(client: Client, jobs: Sequence[FitJob]) -> None:
    """Refuse what no worker can take: Dask would wait for such a worker for ever."""
    needed = max((job.training.devices for job in jobs if job.training.device == "cuda"), default=0)
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    # none that could be asked is no answer: the only job of SLURM may be in its queue again
    most = max((worker["resources"].get(GPU, 0) for worker in workers), default=needed)
    if needed > most:
        raise InvalidParameterError(
            "training.devices",
            f"{needed} with training.device cuda",
            f"at most {most:.0f}, the GPUs of the largest worker",
            'set cluster.gpus, start workers with --resources "GPU=1", or set training.device=cpu',
        )
