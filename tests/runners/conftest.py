"""A cluster of two workers in this process, and a study that needs no more."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import dask
import pytest
from distributed import Client, LocalCluster

from tests.mini_study import MiniStudy, mini_study
from tests.segmentation.phantoms import write_study


@pytest.fixture(scope="package")
def client() -> Iterator[Client]:
    """Two workers that are threads: what they run can be replaced by a test."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    options = {"processes": False, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with (
        dask.config.set({"distributed.scheduler.http.routes": [], "distributed.worker.http.routes": []}),
        LocalCluster(n_workers=2, threads_per_worker=1, protocol="inproc://", **options) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MiniStudy]:
    monkeypatch.chdir(tmp_path)
    with mini_study(tmp_path) as study:
        yield study


@pytest.fixture(scope="session")
def tensors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of eight preprocessed subjects; only to be read."""
    folder = tmp_path_factory.mktemp("study") / "tensors"
    write_study(folder, subjects=8)
    return folder
