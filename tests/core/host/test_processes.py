"""Processes are told apart by number and start, and a dead one that nobody has asked about does not run."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faircmr.core.host import process_is_running, processes
from faircmr.core.host.processes import can_see_processes, pid_namespace_digest, process_start

pytestmark = pytest.mark.skipif(not can_see_processes(), reason="no /proc on this system")


def test_a_process_has_one_start_and_another_process_another():
    before = process_start(os.getpid())
    time.sleep(0.02)  # the system counts hundredths of a second
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        later = process_start(other.pid)

    assert before == process_start(os.getpid())
    assert int(later) > int(before)
    assert process_start(other.pid) == "", "it has ended"


def test_a_killed_process_that_nobody_has_asked_about_has_ended():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        os.kill(other.pid, signal.SIGKILL)
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)

        assert process_start(other.pid) == ""


def test_the_name_of_a_program_may_hold_what_it_likes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "7").mkdir()
    numbers = " ".join(str(number) for number in range(4, 52))
    (tmp_path / "7" / "stat").write_text(f"7 (a) Z 1) S {numbers}\n")
    monkeypatch.setattr(processes, "PROC", tmp_path)

    assert process_start(7) == "22", "fields are counted from 1 in proc(5)"
    assert process_start(8) == ""


def test_a_place_has_eight_digits_and_is_another_in_another_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    here = pid_namespace_digest()
    (tmp_path / "self" / "ns").mkdir(parents=True)
    (tmp_path / "self" / "ns" / "pid").symlink_to("pid:[4026531999]")
    monkeypatch.setattr(processes, "PROC", tmp_path)

    assert len(bytes.fromhex(here)) == 4
    assert pid_namespace_digest.__wrapped__() != here


def test_a_process_runs_for_as_long_as_it_is_the_one_that_began_then():
    own = os.getpid()

    assert process_is_running(pid_namespace_digest(), own, process_start(own)) is True
    assert process_is_running(pid_namespace_digest(), own, "1") is False, "the number came round again"
    assert process_is_running("00000000", own, process_start(own)) is None, "somebody else's numbers mean nothing here"
