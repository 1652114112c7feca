"""A study needs no network and asks for none: it is run where the kernel gives no socket, and those asked for noted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.conftest import CUT_OFF, SOCKETS_LOG, watching
from tests.studies import Project

PROBE = "urllib3/util/connection.py"
"""Asks on import for a socket of IPv6 that it binds to this machine: is there IPv6? It connects to nothing."""
OF_THIS_MACHINE = {"127.0.0.1", "::1", "localhost"}
CONNECTION = "socket.create_connection(('127.0.0.1', 9))"
ENDED = {
    "a connection": CONNECTION,
    "a name looked up": "socket.getaddrinfo('example.org', 443)",
    "a port opened": "socket.create_server(('127.0.0.1', 0))",
    "a message without connection": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
}
IN_A_CHILD = f"subprocess.call([sys.executable, '-c', \"import socket; {CONNECTION}\"])"


def cut_off(folder: Path, attempt: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, str]]]:
    """The process that makes the attempt, and what was noted."""
    (folder / "attempt.py").write_text(f"import socket, subprocess, sys\n{attempt}\n")
    command = [sys.executable, str(CUT_OFF), "attempt"]
    environment = watching(os.environ, folder / SOCKETS_LOG)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return done, noted_in(folder)


def noted_in(folder: Path) -> list[dict[str, str]]:
    log = folder / SOCKETS_LOG
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.mark.parametrize("attempt", ENDED.values(), ids=ENDED)
def test_an_attempt_ends_the_process_and_is_noted(tmp_path: Path, attempt: str):
    done, noted = cut_off(tmp_path, attempt)

    assert done.returncode == -signal.SIGSYS
    assert 'attempt.py", line 2' in done.stderr
    assert Path(noted[0]["by"]).name == "attempt.py"


def test_an_attempt_in_another_process_ends_that_one(tmp_path: Path):
    done, noted = cut_off(tmp_path, f"print({IN_A_CHILD})")

    assert (done.returncode, done.stdout.split()) == (0, [str(-signal.SIGSYS)])
    assert noted


def test_ipv6_is_refused_and_noted(tmp_path: Path):
    done, noted = cut_off(tmp_path, "socket.socket(socket.AF_INET6)")

    assert "PermissionError" in done.stderr
    assert [one["event"] for one in noted] == ["socket.__new__"]


def test_processes_of_one_machine_can_still_talk(tmp_path: Path):
    done, noted = cut_off(tmp_path, "socket.socketpair()")

    assert (done.returncode, noted) == (0, [])


def test_no_part_of_a_study_asks_for_a_connection(guarded_study: Project):
    noted = noted_in(guarded_study.folder)

    assert [one for one in noted if not one["by"].endswith(PROBE) or one["event"] != "socket.__new__"] == []


def test_a_study_without_network_has_the_same_tables_predictions_and_weights(
    guarded_study: Project, finished_study: Project
):
    before, now = finished_study.contents(), guarded_study.contents()
    # receipts and keys know when a scan was written, and that is never the same twice
    of_baseline = [name for name in before if "baseline" in name and name.endswith((".csv", ".gz", ".safetensors"))]

    assert {Path(name).suffix for name in of_baseline} == {".csv", ".gz", ".safetensors"}
    assert [name for name in of_baseline if now.get(name) != before[name]] == []


@pytest.mark.slow
def test_a_cluster_of_ones_own_talks_within_this_machine(tiny_project: Project):
    command = [sys.executable, "-m", "kedro", "run", "--runner", "faircmr.runners.DaskRunner"]
    done = subprocess.run(
        [*command, "--pipelines", "baseline"],
        cwd=tiny_project.folder,
        env=watching(tiny_project.environment(), tiny_project.folder / SOCKETS_LOG),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [one for one in noted_in(tiny_project.folder) if one["event"] != "socket.__new__"]

    assert {"socket.bind", "socket.connect"} <= {one["event"] for one in asked}
    assert {
        one["what"] for one in asked if one["what"] not in OF_THIS_MACHINE and not one["by"].endswith(PROBE)
    } == set()
