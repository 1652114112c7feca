"""``kedro viz run`` while a test needs it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.error import URLError
from urllib.request import urlopen

from tests.studies import Project

NOBODY = "http://127.0.0.1:9"
"""In the place of a proxy: Kedro-Viz asks PyPI for its newest version."""


@contextmanager
def viz_server(project: Project) -> Iterator[str]:
    """The address at which Kedro-Viz serves a project."""
    port = free_port()
    command = [sys.executable, "-m", "kedro", "viz", "run", "--no-browser", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=project.folder,
        env={**project.environment(), "HTTPS_PROXY": NOBODY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(server, f"{address}/api/main")
        yield address
    finally:
        # the command has started the server in a process of its own, which would outlive it
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=60)


def free_port() -> int:
    """A port that nobody listens on, and below those that the system hands out: it may hand them out again at once."""
    for port in range(20000 + os.getpid() % 9000, 32000):
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def wait_for(server: subprocess.Popen, address: str) -> None:
    """Until the server is up; how long that takes is not judged."""
    while server.poll() is None:
        try:
            with urlopen(address):
                return
        except URLError:
            time.sleep(0.5)
    raise AssertionError(server.stderr.read().decode())
