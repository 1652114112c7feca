"""A signal stops what is under way, or is heeded where the work can keep what it has; nothing goes on for long."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from faircmr.core.host import (
    StoppedError,
    defer_stop,
    exit_status,
    interruption_as_error,
    never_stop,
    request_stop,
    stop_on_signals,
    stopping,
)
from faircmr.core.host.stopping import stop_requested

BEGIN = """
import hashlib, os, signal, sys, time
from faircmr.core.host import stopping
from faircmr.core.host.stopping import StoppedError, defer_stop, exit_status, stop_on_signals
stopping.SECONDS_TO_LEAVE = float(sys.argv[1])
def ready():
    print("ready", flush=True)
"""


@pytest.fixture(autouse=True)
def _asked_nothing() -> Iterator[None]:
    yield
    stopping._request = stopping._Request()


def interrupted(project_root: Path, script: str, *signals: int, leave: float = 60.0) -> tuple[int, str]:
    """Exit status and standard error of a script that is sent signals, each once it has said that it is ready."""
    with subprocess.Popen(
        [sys.executable, "-c", BEGIN + script, str(leave)],
        env=os.environ | {"PYTHONPATH": str(project_root / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for number in signals:
            assert process.stdout.readline() == "ready\n"
            process.send_signal(number)
        said = process.stderr.read()
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_raised_where_the_work_is_and_the_handlers_come_back(number: int):
    before = [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)]

    with pytest.raises(StoppedError) as error, stop_on_signals():
        signal.raise_signal(number)

    assert str(error.value) == (
        f"run: stopped by {signal.Signals(number).name}; what is finished is kept; run the same command again to go on"
    )
    assert exit_status() == 128 + number
    assert [signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGINT)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_library_that_handles_every_error_neither_goes_on_nor_makes_another_of_it():
    went_on = []

    def library() -> None:
        try:
            signal.raise_signal(signal.SIGTERM)
        except Exception as error:
            went_on.append(error)
            raise ValueError("no such column") from error
        went_on.append("to save")

    with pytest.raises(StoppedError), stop_on_signals():
        library()

    assert went_on == []


def test_where_the_interrupted_work_ends_it_is_an_error_that_may_be_handled():
    handled = []

    with stop_on_signals():
        try:
            with interruption_as_error():
                signal.raise_signal(signal.SIGTERM)
        except Exception as error:  # noqa: BLE001 - as a library does
            handled.append(error)

    assert [type(error) for error in handled] == [StoppedError]


def test_where_it_is_deferred_the_work_asks_and_what_follows_does_not_begin():
    done = []

    def work() -> None:
        with stop_on_signals(), defer_stop() as should_stop:
            for step in range(3):
                done.append((step, should_stop()))
                signal.raise_signal(signal.SIGTERM)
        done.append("what follows")

    with pytest.raises(StoppedError):
        work()
    assert done == [(0, False), (1, True), (2, True)]


def test_what_it_raises_while_it_is_deferred_stays_what_it_is():
    def fail() -> None:
        with stop_on_signals(), defer_stop():
            signal.raise_signal(signal.SIGTERM)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()


def test_each_run_begins_unasked():
    with pytest.raises(StoppedError), stop_on_signals():
        signal.raise_signal(signal.SIGTERM)

    with stop_on_signals(), defer_stop() as should_stop:
        assert not should_stop()
    assert not never_stop()


def test_other_threads_leave_signals_alone():
    seen = []

    def look() -> None:
        with stop_on_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = Thread(target=look)
    thread.start()
    thread.join()

    assert seen == [signal.getsignal(signal.SIGTERM)]


def test_what_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_on_signals():
            signal.raise_signal(signal.SIGINT)
        assert not stop_requested()
    finally:
        signal.signal(signal.SIGINT, before)


def test_any_thread_may_ask():
    def work() -> None:
        with stop_on_signals(), defer_stop() as should_stop:
            thread = Thread(target=request_stop)
            thread.start()
            thread.join()
            assert should_stop()

    with pytest.raises(StoppedError):
        work()
    assert exit_status() == 143


def test_a_command_ends_as_shells_and_schedulers_expect(project_root: Path):
    script = (
        "try:\n"
        "    with stop_on_signals():\n"
        "        ready()\n"
        "        time.sleep(60)\n"
        "except StoppedError as error:\n"
        "    sys.exit(exit_status())\n"
    )

    assert interrupted(project_root, script, signal.SIGTERM) == (143, "")
    assert interrupted(project_root, script, signal.SIGINT) == (130, "")


def test_a_second_signal_ends_it_at_once(project_root: Path):
    script = (
        "with stop_on_signals(repeats=0.05), defer_stop() as should_stop:\n"
        "    ready()\n"
        "    while not should_stop():\n"
        "        time.sleep(0.01)\n"
        "    time.sleep(0.1)\n"
        "    ready()\n"
        "    time.sleep(60)\n"
    )

    status, said = interrupted(project_root, script, signal.SIGTERM, signal.SIGINT)

    assert status == 143, "what it was asked first"
    assert said == "Error: run: stopped by SIGTERM; what is finished is kept; run the same command again to go on\n"


def test_a_signal_that_comes_twice_at_once_is_one(project_root: Path):
    script = (
        "with stop_on_signals(repeats=60), defer_stop() as should_stop:\n"
        "    ready()\n"
        "    while not should_stop():\n"
        "        time.sleep(0.01)\n"
        "    ready()\n"
        "    time.sleep(0.3)\n"
        "    os._exit(7)\n"
    )

    assert interrupted(project_root, script, signal.SIGTERM, signal.SIGTERM) == (7, "")


@pytest.mark.parametrize(
    "stuck",
    ["hashlib.pbkdf2_hmac('sha256', b'', b'', 1 << 30)", "time.sleep(60)"],
    ids=["in a library that does not return", "in code that hears nothing"],
)
def test_who_does_not_leave_is_ended(project_root: Path, stuck: str):
    script = (
        "with stop_on_signals():\n"
        "    while True:\n"
        "        try:\n"
        "            ready()\n"
        f"            {stuck}\n"
        "        except BaseException:\n"
        "            pass\n"
    )

    status, said = interrupted(project_root, script, signal.SIGTERM, leave=0.2)

    assert (status, said.count("\n")) == (143, 1)
