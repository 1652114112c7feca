"""Work on several things at once: results in order, and only a few under way at any time.

Threads and not processes: reading a scan (gzip, NumPy) and resampling it (SciPy's sparse products) let other
threads run meanwhile, nothing has to be copied between processes, and a worker of a cluster may start threads
where it may not start processes.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from faircmr.core.errors import InvalidParameterError

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


def in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
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
