"""Dask clusters: started and ended here, or joined where they are; and their workers."""

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

VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus_of(number: int, gpus: int) -> list[str]:
    """GPUs of one local worker, among those that this process may use: others may be somebody else's.

    Raises:
        InvalidParameterError: There are not as many.
    """
    first, last = number * gpus, (number + 1) * gpus
    if not (named := os.environ.get(VISIBLE, "")):
        return [str(one) for one in range(first, last)]
    visible = named.split(",")
    if last > len(visible):
        permitted = f"at most {len(visible)} in all, of {VISIBLE}={named}"
        raise InvalidParameterError("cluster.gpus", f"{gpus} for each worker", permitted, "set fewer cluster.workers")
    return visible[first:last]


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


HERE = "127.0.0.1"
SECONDS_TO_REPLACE = 10.0
"""Between looks for jobs that are lost."""
OURS = "faircmr"
"""Logger whose records workers pass on to the process that waits for them."""
SETTINGS: Mapping[str, object] = {
    # workers have no numbers of threads of their own: BLAS with another number rounds otherwise
    "distributed.nanny.pre-spawn-environ": {},
    # for a dashboard, which there is not; every process takes 4 % of a processor for them from fits that need it
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
}
"""Of Dask, for a cluster that is started here."""
QUIET = {
    "DASK_LOGGING__DISTRIBUTED": "critical",
    "KEDRO_LOGGING_CONFIG": str(Path(__file__).with_name("worker_logging.yml")),
    # Python's own, of a run that is ended while it ends its workers: they leave nothing behind
    "PYTHONWARNINGS": ",".join(filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:resource_tracker:UserWarning"])),
}
"""Variables of workers that are started here, from their first moment."""


@contextmanager
def client_of(parameters: ClusterParameters) -> Iterator[Client]:
    """A client of the cluster that the parameters describe, whose workers know of studies.

    What was started for it has ended when the block is left, in whatever way.

    Raises:
        FaircmrError: No cluster can be started, or none answers.
    """
    # Dask says of a task that fails what it was given
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with dask.config.set(SETTINGS), ExitStack() as stack:
        try:
            client = _connected(parameters, stack)
        except (OSError, RuntimeError, ValueError) as error:
            raise FaircmrError(
                "cluster.address",
                f"{parameters.address} ({type(error).__name__})",
                "a cluster that can be started, or a scheduler that answers",
                "see that it runs, and that Dask's settings distributed.comm.tls or jobqueue.slurm are its own",
            ) from None
        client.register_plugin(StudyWorker(started_here=parameters.address == LOCAL), PLUGIN)
        client.forward_logging(OURS, logging.INFO)
        if parameters.address not in STARTED:
            stack.callback(_forget, client)
        yield client


def _connected(parameters: ClusterParameters, stack: ExitStack) -> Client:
    stack.enter_context(_variables(QUIET))
    if parameters.address in STARTED:
        client = Client(stack.enter_context(STARTED[parameters.address](parameters)))
    else:
        # certificates as Dask's own settings distributed.comm.tls name them
        encrypted = parameters.address.startswith("tls://")
        client = Client(parameters.address, security=Security(require_encryption=encrypted))
    entered: Client = stack.enter_context(client)
    return entered


def _local(parameters: ClusterParameters) -> SpecCluster:
    """Workers on this machine, which no other machine can reach, and no dashboard."""
    count = parameters.workers or max(1, len(os.sched_getaffinity(0)) // 2)
    scheduler = {
        "host": HERE,
        "dashboard": False,
        "dashboard_address": f"{HERE}:0",
        "allowed_failures": parameters.retries,
    }
    return SpecCluster(
        scheduler={"cls": Scheduler, "options": scheduler},
        workers={number: {"cls": Nanny, "options": _worker(number, parameters.gpus)} for number in range(count)},
        silence_logs=logging.CRITICAL,
    )


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Variables of this process, and of what it starts, for a while."""
    before = {name: os.environ[name] for name in values if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]
        os.environ.update(before)


def _worker(number: int, gpus: int) -> dict[str, object]:
    """Options of one local worker, which sees GPUs of its own."""
    options: dict[str, object] = {
        "host": HERE,
        "nthreads": 1,
        # what takes memory are scans and fits: Dask itself holds nothing that it could put aside
        "memory_limit": 0,
        "silence_logs": logging.CRITICAL,
    }
    if gpus:
        options |= {"resources": {"GPU": gpus}, "env": {VISIBLE: ",".join(gpus_of(number, gpus))}}
    return options


@contextmanager
def _slurm(parameters: ClusterParameters) -> Iterator[SpecCluster]:
    """As many jobs as are asked for, and another one for each that is lost.

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
    with signals_as_before():
        from dask_jobqueue.slurm import SLURMCluster

    resources = ["--resources", f"GPU={parameters.gpus}"] if parameters.gpus else []
    return SLURMCluster(
        n_workers=jobs,
        processes=1,
        security=True if parameters.encrypted else None,
        # what it says of itself in plain text is for this machine alone
        scheduler_options={
            "dashboard": False,
            "dashboard_address": f"{HERE}:0",
            "allowed_failures": parameters.retries,
        },
        # one thread, however many cores a job has: those are the fit's
        worker_extra_args=["--nthreads", "1", "--no-dashboard", *resources],
    )


STARTED: Mapping[str, Callable[[ClusterParameters], AbstractContextManager[SpecCluster]]] = {
    LOCAL: _local,
    SLURM: _slurm,
}
"""Clusters that are started here, by the address that asks for them."""


def _forget(client: Client) -> None:
    """Leave nothing of this run with workers that go on living."""
    if client.status == "running":
        client.unforward_logging(OURS)
        client.unregister_worker_plugin(PLUGIN)


@contextmanager
def signals_as_before() -> Iterator[None]:
    """Undo what the block does to the handlers of signals: dask_jobqueue has SIGINT exit as soon as it is imported."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
