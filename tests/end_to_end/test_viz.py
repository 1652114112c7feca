"""Kedro-Viz serves the lineage of the project, layer by layer."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.studies import Project

pytestmark = pytest.mark.slow
LAYERS = ["raw", "intermediate", "primary", "model_input", "models", "model_output", "reporting"]


@pytest.fixture
def lineage(tiny_project: Project) -> Iterator[dict]:
    port = free_port()
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=tiny_project.folder,
        env=tiny_project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        yield json.loads(answer(server, f"http://127.0.0.1:{port}/api/main"))
    finally:
        server.terminate()
        server.wait(timeout=60)


def free_port() -> int:
    """A port that nobody listens on, and below those that the system hands out: it may hand them out again at once."""
    for port in range(20000 + os.getpid() % 9000, 32000):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def answer(server: subprocess.Popen, address: str) -> bytes:
    """What the server says once it is up; how long that takes is not judged."""
    while server.poll() is None:
        try:
            with urlopen(address) as response:
                return response.read()
        except URLError:
            time.sleep(0.5)
    raise AssertionError(server.stderr.read().decode())


def test_shows_every_layer_and_the_strategies_of_the_paper(lineage: dict):
    names = {node["name"] for node in lineage["nodes"]}

    assert lineage["layers"] == LAYERS
    assert {"cohort", "subjects", "tensors", "baseline.model", "stratified.scores", "table2"} <= names
    assert {"index_cohort", "compare_strategies"} <= names
    assert {node["name"] for node in lineage["nodes"] if node["type"] == "modularPipeline"} == {
        "baseline",
        "stratified",
        "meta_learning",
        "protected_groups",
        "balanced",
    }
