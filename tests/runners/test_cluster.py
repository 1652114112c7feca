"""A local cluster: nobody else reaches it, its workers are as the process that starts them, and it ends whole."""

from __future__ import annotations

import os
import signal
import sys

import dask
import psutil
import pytest
from distributed import Client

from faircmr.core import ClusterParameters, FaircmrError, InvalidParameterError
from faircmr.runners.cluster import _local_worker_options, cluster_client, slurm_cluster

HERE = "127.0.0.1"
VARIABLES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "TTY_COMPATIBLE")


def _ours() -> list[psutil.Process]:
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def _listening() -> set[str]:
    return {
        connection.laddr.ip
        for process in _ours()
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


def test_a_local_cluster_is_this_machines_alone_and_ends_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    before, listening = set(_ours()), _listening()

    with cluster_client(ClusterParameters(workers=2, gpus=2)) as client:
        client.wait_for_workers(2, timeout=60)
        assert _listening() - listening == {HERE}
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        assert [(worker["nthreads"], worker["resources"]) for worker in workers] == [(1, {"GPU": 2})] * 2
        variables = client.run(lambda: [os.environ.get(name) for name in VARIABLES])
        assert sorted(variables.values()) == [["0,1", "3", "0"], ["2,3", "3", "0"]]
        _survives(client, signal.SIGINT)
        _survives(client, signal.SIGTERM)

    left = {process for process in _ours() if "resource_tracker" not in " ".join(process.cmdline())}
    assert left <= before
    assert "KEDRO_LOGGING_CONFIG" not in os.environ


def _survives(client: Client, number: signal.Signals) -> None:
    pids = client.run(os.getpid)
    for pid in pids.values():
        os.kill(pid, number)
    assert client.run(os.getpid) == pids


@pytest.mark.parametrize(
    ("visible", "first", "second"), [(None, "0,1", "2,3"), ("", "0,1", "2,3"), ("4,5,6,7", "4,5", "6,7")]
)
def test_a_local_worker_takes_gpus_that_this_process_may_use(
    monkeypatch: pytest.MonkeyPatch, visible: str | None, first: str, second: str
):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    given = [_local_worker_options(number, gpus=2)["env"] for number in range(2)]
    assert given == [{"CUDA_VISIBLE_DEVICES": first}, {"CUDA_VISIBLE_DEVICES": second}]


def test_more_gpus_than_this_process_may_use_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5")

    with (
        pytest.raises(InvalidParameterError, match=r"^cluster.gpus: 2 for each worker; at most 3 in all, .*2,3,5"),
        cluster_client(ClusterParameters(workers=2, gpus=2)),
    ):
        pass


def test_a_scheduler_that_does_not_answer_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faircmr.runners.cluster.DASK_SETTINGS", {"distributed.comm.timeouts.connect": "500ms"})

    with (
        pytest.raises(FaircmrError, match=r"^cluster.address: tcp://127.0.0.1:9 \(OSError\); a cluster that"),
        cluster_client(ClusterParameters(address="tcp://127.0.0.1:9")),
    ):
        pass


def test_jobs_of_slurm_do_not_change_what_ctrl_c_does(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.startswith("dask_jobqueue")]:
        monkeypatch.delitem(sys.modules, name)
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]

    # no SLURM is at hand: it is imported, and asks for a queue's memory in vain
    with pytest.raises(ValueError, match="memory"), dask.config.set({"jobqueue.slurm.memory": None}):
        slurm_cluster(ClusterParameters(address="slurm", workers=1), jobs=0)

    assert "dask_jobqueue.slurm" in sys.modules
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
