"""Identity of processes, a description of this machine, and thread pools.

Threads are used instead of processes: reading a scan (gzip, NumPy) and resampling it (sparse products of SciPy) let
other threads run meanwhile, nothing has to be copied between processes, and a worker of a cluster may start threads
where it may not start processes.
"""

from __future__ import annotations

import functools
import os
import platform
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from faircmr.core import InvalidParameterError, text_digest

PROC = Path("/proc")
ENDED = ("Z", "X")
"""States of a process that does nothing any more and only waits to be asked how it ended."""


@functools.cache
def pid_namespace_digest() -> str:
    """Digest (8 digits) of host, boot and PID namespace: process numbers are comparable only where it is equal.

    Two containers may have one host's name, and a host that was started again has other processes.
    """
    parts = [socket.gethostname(), _text(PROC / "sys/kernel/random/boot_id"), _link(PROC / "self/ns/pid")]
    return text_digest("\n".join(parts), 8)


def process_start(pid: int) -> str:
    """Start time of a process, in clock ticks since boot; empty if it does not run, or ``/proc`` does not show it."""
    # the name of the program comes second, in brackets, and may hold anything
    fields = _text(PROC / str(pid) / "stat").rpartition(")")[2].split()
    # proc(5): 3 is the state and 22 the start, counted from 1
    return "" if not fields or fields[0] in ENDED else fields[19]


def can_see_processes() -> bool:
    """Whether ``/proc`` shows which processes run, as on Linux."""
    return process_start(os.getpid()) != ""


def process_is_running(where: str, pid: int, start: str) -> bool | None:
    """Whether a process still runs; ``None`` if it is of another PID namespace, or ``/proc`` is not available."""
    return process_start(pid) == start if where == pid_namespace_digest() and can_see_processes() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def child_environment(**variables: str) -> dict[str, str]:
    """Variables under which a Python that is started here also finds what this process finds.

    Args:
        **variables: Others to set.
    """
    paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return {**os.environ, "PYTHONPATH": paths, **variables}


PROCESS_FILES, DEV = Path("/proc"), Path("/dev")


def this_machine(proc: Path = PROCESS_FILES, dev: Path = DEV) -> str:
    """Processor, number of CPUs, and the GPUs that a process may see, e.g. ``AMD EPYC 7B13, 2 CPUs``.

    Args:
        proc: Where Linux describes itself; elsewhere Python says what it knows of the processor.
        dev: Where its devices lie.
    """
    return ", ".join([processor(proc), f"{os.cpu_count()} CPUs", *_gpus(proc, dev)])


def processor(proc: Path = PROCESS_FILES) -> str:
    """Name of the processor."""
    names = _values(proc / "cpuinfo", "model name")
    return next(names, platform.processor() or platform.machine())


def _gpus(proc: Path, dev: Path) -> Iterator[str]:
    """Models as the driver lists them; where it lists none, how many devices there are."""
    models = [
        model for file in sorted(proc.glob("driver/nvidia/gpus/*/information")) for model in _values(file, "Model")
    ]
    count = len(list(dev.glob("nvidia[0-9]*")))
    yield from models or ([f"{count} NVIDIA devices"] if count else [])
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None and (models or count):
        yield f"CUDA_VISIBLE_DEVICES={visible}"


def _values(file: Path, name: str) -> Iterator[str]:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        found, _, value = line.partition(":")
        if found.strip() == name:
            yield value.strip()


Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_BY_DEFAULT = 8
"""Headers and tables hold the interpreter: more threads would wait for each other, each with a subject in memory."""


def worker_count(workers: object) -> int:
    """Threads that work at the same time.

    Args:
        workers: What the configuration says; ``None`` for as many as this process has CPUs, at most
            :data:`MOST_BY_DEFAULT`.

    Raises:
        InvalidParameterError: It is no whole number of 1 or more.
    """
    if workers is None:
        return min(_available_cpus(), MOST_BY_DEFAULT)
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise InvalidParameterError("workers", repr(workers), "a whole number of 1 or more, or null", "correct it")
    return workers


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Results of a function for every item, in the order of the items.

    Args:
        function: May run in several threads at once.
        items: Taken one at a time, when there is room for another.
        workers: Items that are worked on at the same time.

    Yields:
        What the function returns. Of several errors that of the first item is raised, after what is
        under way has ended.
    """
    under_way: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                under_way.append(pool.submit(function, item))
                if len(under_way) > workers:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for waiting in under_way:
                waiting.cancel()


def _available_cpus() -> int:
    # a container or a batch system may leave this process fewer than the machine has; macOS does not say
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
