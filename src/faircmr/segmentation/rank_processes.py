"""The processes of one fit, one a device: started together, watched, and ended together whichever of them ends first.

All of them read one pipe, which this process holds open, and stop when it ends: when it is closed here, or when this
process is gone. They meet at a store of ``torch.distributed`` in this process, as they do in the launcher
``torch.distributed.run``. A launcher between this process and them would be one more process that can be killed.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from subprocess import STDOUT, Popen, TimeoutExpired
from threading import Event, Thread
from typing import IO

from torch.distributed import TCPStore  # type: ignore[attr-defined]

from faircmr.core.stopping import SECONDS_TO_LEAVE, ShouldStop

SECONDS_AFTER_FAILURE = 3.0
"""After which the processes that are left are killed once one has failed: they may wait for it without end."""
SECONDS_TO_END = 10.0
"""For SIGTERM to work before SIGKILL is sent."""
SECONDS_BETWEEN_CHECKS = 0.2
LOOPBACK = "127.0.0.1"


@dataclass
class RankProcesses:
    """The processes of one fit.

    Attributes:
        processes: By rank.
        output: All that they print, in lines; it ends when all of them have ended.
        stop_requested: Whether they were asked to stop because this process is to stop, and not because one failed.
    """

    processes: Sequence[Popen[bytes]]
    output: IO[str]
    stop_requested: Event = field(default_factory=Event)
    _input: int | None = None

    def ask_to_stop(self) -> None:
        """Close the pipe that all of them read."""
        number, self._input = self._input, None
        if number is not None:
            os.close(number)

    def failed(self) -> bool:
        """Whether any of them has ended otherwise than well."""
        return any(process.poll() not in (None, 0) for process in self.processes)

    def kill(self) -> None:
        """Send SIGKILL to those that still run."""
        for process in self.processes:
            process.kill()

    def end(self) -> None:
        """End those that still run, and wait for all of them."""
        self.ask_to_stop()
        for process in self.processes:
            process.terminate()
        last = time.monotonic() + SECONDS_TO_END
        for process in self.processes:
            with suppress(TimeoutExpired):
                process.wait(max(0.0, last - time.monotonic()))
        self.kill()
        for process in self.processes:
            process.wait()


@contextmanager
def rank_processes(
    command: Sequence[str], environment: Mapping[str, str], count: int, should_stop: ShouldStop
) -> Iterator[RankProcesses]:
    """Start a command in one process a rank; all have ended when the block is left in whatever way.

    Where one of them fails, the others are asked to stop, and killed after :data:`SECONDS_AFTER_FAILURE`. Where this
    process is to stop, they have :data:`SECONDS_TO_LEAVE` more.

    Args:
        command: Stops when its standard input ends.
        environment: Variables of every process; those of its rank are added where there is more than one.
        count: Processes.
        should_stop: Asked now and then, from a thread.
    """
    with _meeting_point(count) as port, _started(command, _environments(environment, count, port)) as started:
        ended = Event()
        watching = Thread(target=_watch, args=(started, should_stop, ended), daemon=True)
        watching.start()
        try:
            yield started
        finally:
            ended.set()
            watching.join()


def _watch(started: RankProcesses, should_stop: ShouldStop, ended: Event) -> None:
    """Ask all processes to stop when they are to, or one has failed; kill those that do not."""
    kill_at, failed = float("inf"), False
    while not ended.wait(SECONDS_BETWEEN_CHECKS):
        if not failed and started.failed():
            failed = True
            kill_at = min(kill_at, time.monotonic() + SECONDS_AFTER_FAILURE)
            started.ask_to_stop()
        if not started.stop_requested.is_set() and should_stop():
            started.stop_requested.set()
            kill_at = min(kill_at, time.monotonic() + SECONDS_TO_LEAVE + SECONDS_AFTER_FAILURE)
            started.ask_to_stop()
        if time.monotonic() > kill_at:
            started.kill()


@contextmanager
def _started(command: Sequence[str], environments: Sequence[Mapping[str, str]]) -> Iterator[RankProcesses]:
    (input_of_all, own_input), (own_output, output_of_all) = os.pipe(), os.pipe()
    processes: list[Popen[bytes]] = []
    with os.fdopen(own_output, encoding="utf-8", errors="replace") as output:
        started = RankProcesses(processes, output, _input=own_input)
        try:
            try:
                for environment in environments:
                    one = Popen(command, stdin=input_of_all, stdout=output_of_all, stderr=STDOUT, env=environment)
                    processes.append(one)
            finally:
                # each end that is left open here would keep the pipe from ending
                os.close(input_of_all)
                os.close(output_of_all)
            yield started
        finally:
            started.end()


@contextmanager
def _meeting_point(count: int) -> Iterator[int]:
    """Port of the store at which several ranks meet; only this machine can connect to it."""
    if count == 1:
        yield 0
        return
    # on its own TCPStore would listen at every address of this machine
    listening = socket.create_server((LOOPBACK, 0), backlog=count + 1)
    port = listening.getsockname()[1]
    number = listening.detach()
    store = TCPStore(LOOPBACK, port, count, is_master=True, wait_for_workers=False, master_listen_fd=number)
    try:
        yield port
    finally:
        del store


def _environments(environment: Mapping[str, str], count: int, port: int) -> list[dict[str, str]]:
    """Variables of each rank, as ``torch.distributed.run`` sets them; a process that is alone needs none."""
    if count == 1:
        return [dict(environment)]
    world = {
        "MASTER_ADDR": LOOPBACK,
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_RANK": "0",
        "TORCHELASTIC_RUN_ID": str(os.getpid()),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
    }
    return [{**environment, **world, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(count)]
