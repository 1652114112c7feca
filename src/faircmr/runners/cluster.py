"""Start Dask clusters (local or SLURM) or connect to running ones, and prepare their workers."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster, Worker, WorkerPlugin
from tornado.ioloop import PeriodicCallback

from faircmr.core import LOCAL, SLURM, ClusterParameters, FaircmrError, InvalidParameterError

VISIBLE_GPUS = "CUDA_VISIBLE_DEVICES"


def visible_gpus(number: int, gpus: int) -> list[str]:
    """GPUs of one local worker, among those that this process may use.

    Raises:
        InvalidParameterError: There are too few GPUs.
    """
    first, last = number * gpus, (number + 1) * gpus
    if not (named := os.environ.get(VISIBLE_GPUS, "")):
        return [str(one) for one in range(first, last)]
    visible = named.split(",")
    if last > len(visible):
        permitted = f"at most {len(visible)} in all, of {VISIBLE_GPUS}={named}"
        raise InvalidParameterError("cluster.gpus", f"{gpus} for each worker", permitted, "set fewer cluster.workers")
    return visible[first:last]


PLUGIN_NAME = "faircmr"


class StudyWorker(WorkerPlugin):
    """Worker plugin: log records go to the process that waits for the worker, and are not shown by the worker.

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
                signal.signal(number, _ignore_signal)


def _ignore_signal(*_: Any) -> None:
    """Do nothing."""


LOCAL_HOST = "127.0.0.1"
SECONDS_TO_REPLACE = 10.0
"""Interval between checks for lost jobs."""
PROJECT_LOGGER = "faircmr"
"""Logger whose records workers pass on to the process that waits for them."""
DASK_SETTINGS: Mapping[str, object] = {
    # workers have no numbers of threads of their own: BLAS with another number rounds otherwise
    "distributed.nanny.pre-spawn-environ": {},
    # for a dashboard, which there is not; every process takes 4 % of a processor for them from fits that need it
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}
"""Dask settings of a cluster that is started here."""
WORKER_VARIABLES = {
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "KEDRO_LOGGING_CONFIG": str(Path(__file__).with_name("worker_logging.yml")),
    # Python's own, of a run that is ended while it ends its workers: they leave nothing behind
    "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning"])),
}
"""Environment variables of workers that are started here."""


@contextmanager
def cluster_client(parameters: ClusterParameters) -> Iterator[Client]:
    """Connect to the cluster that the parameters describe, and prepare its workers.

    Everything that was started for it is stopped when the block is left.

    Raises:
        FaircmrError: No cluster can be started, or none answers.
    """
    # Dask says of a task that fails what it was given
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(DASK_SETTINGS), ExitStack() as stack:
        try:
            client = _connect(parameters, stack)
        except (OSError, RuntimeError, ValueError) as error:
            raise FaircmrError(
                "cluster.address",
                f"{parameters.address} ({type(error).__name__})",
                "a cluster that can be started, or a scheduler that answers",
                "see that it runs, and that Dask's settings distributed.comm.tls or jobqueue.slurm are its own",
            ) from None
        client.register_plugin(StudyWorker(started_here=parameters.address == LOCAL), PLUGIN_NAME)
        client.forward_logging(PROJECT_LOGGER, logging.INFO)
        if parameters.address not in CLUSTER_FACTORIES:
            stack.callback(_unregister, client)
        yield client


def _connect(parameters: ClusterParameters, stack: ExitStack) -> Client:
    stack.enter_context(_environment_variables(WORKER_VARIABLES))
    if parameters.address in CLUSTER_FACTORIES:
        client = Client(stack.enter_context(CLUSTER_FACTORIES[parameters.address](parameters)))
    else:
        # certificates as Dask's own settings distributed.comm.tls name them
        encrypted = parameters.address.startswith("tls://")
        client = Client(parameters.address, security=Security(require_encryption=encrypted))
    entered: Client = stack.enter_context(client)
    return entered


def _local_cluster(parameters: ClusterParameters) -> SpecCluster:
    """Workers on this machine, which no other machine can reach, and no dashboard."""
    count = parameters.workers or max(1, len(os.sched_getaffinity(0)) // 2)
    scheduler = {
        "host": LOCAL_HOST,
        "dashboard": False,
        "dashboard_address": f"{LOCAL_HOST}:0",
        "allowed_failures": parameters.retries,
    }
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers={
            number: {"cls": Nanny, "options": _local_worker_options(number, parameters.gpus)} for number in range(count)
        },
        silence_logs=logging.CRITICAL,
    )


@contextmanager
def _environment_variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables of this process and its children inside the block."""
    before = {name: os.environ[name] for name in values if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
        os.environ.update(before)


def _local_worker_options(number: int, gpus: int) -> dict[str, object]:
    """Options of one local worker, with its own GPUs."""
    options: dict[str, object] = {
        "host": LOCAL_HOST,
        "nthreads": 1,
        # what takes memory are scans and fits: Dask itself holds nothing that it could put aside
        "memory_limit": 0,
        "silence_logs": logging.CRITICAL,
    }
    if gpus:
        options |= {"resources": {"GPU": gpus}, "env": {VISIBLE_GPUS: ",".join(visible_gpus(number, gpus))}}
    return options


@contextmanager
def _slurm_cluster_with_replacements(parameters: ClusterParameters) -> Iterator[SpecCluster]:
    """Submit the requested number of SLURM jobs, and replace each lost job.

    Dask forgets a worker that does not come back within ``distributed.deploy.lost-worker-timeout``, cancels its job,
    which SLURM may have put back into its queue, and submits none by itself.
    """
    jobs = parameters.workers or 0
    with slurm_cluster(parameters, jobs) as cluster:
        replacing = PeriodicCallback(partial(cluster.scale, jobs=jobs), SECONDS_TO_REPLACE * 1000)
        cluster.loop.add_callback(replacing.start)
        try:
            yield cluster
        finally:
            cluster.loop.add_callback(replacing.stop)


def slurm_cluster(parameters: ClusterParameters, jobs: int) -> SpecCluster:
    """Workers that are jobs of SLURM, as Dask's own settings ``jobqueue.slurm`` describe them.

    Args:
        parameters: GPUs of a worker, retries, and whether what is sent is encrypted.
        jobs: How many to submit.
    """
    with restore_signal_handlers():
        from dask_jobqueue.slurm import SLURMCluster

    resources = ["--resources", f"GPU={parameters.gpus}"] if parameters.gpus else []
    return SLURMCluster(
        n_workers=jobs,
        processes=1,
        security=True if parameters.encrypted else None,
        # what it says of itself in plain text is for this machine alone
        scheduler_options={
            "dashboard": False,
            "dashboard_address": f"{LOCAL_HOST}:0",
            "allowed_failures": parameters.retries,
        },
        # one thread, however many cores a job has: those are the fit's
        worker_extra_args=["--nthreads", "1", "--no-dashboard", *resources],
    )


CLUSTER_FACTORIES: Mapping[str, Callable[[ClusterParameters], AbstractContextManager[SpecCluster]]] = {
    LOCAL: _local_cluster,
    SLURM: _slurm_cluster_with_replacements,
}
"""Functions that start a cluster, by the value of ``cluster.address``."""


def _unregister(client: Client) -> None:
    """Remove log forwarding and the plugin of this run from workers that keep running."""
    if client.status == "running":
        client.unforward_logging(PROJECT_LOGGER)
        client.unregister_worker_plugin(PLUGIN_NAME)


@contextmanager
def restore_signal_handlers() -> Iterator[None]:
    """Restore signal handlers after the block: importing dask_jobqueue makes SIGINT exit."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
