"""``kedro`` in a process group of its own, to which something happens after some seconds of computing.

    python -m disturbed kill "" 3.2 run --pipelines baseline
    python -m disturbed kill "split_cohort: " 0.1 run --pipelines baseline

The second counts seconds from when the log says that this node runs, if it does.

It is run in the folder of a project, whose source is the one that is imported; nothing of this repository is. Seconds
are those that the process has computed, and so as far into the study on a busy machine as on an idle one. Linux only.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM

BALLAST = Path("data/ballast")
"""What fills the file system, beside the studies that lie on it."""
PAGE = 4096
LOG = Path("logs/faircmr.log")
"""What is there before it is started counts as said."""
SENT = Path("sent.txt")
"""When a run was told to stop, in seconds since 1970."""
COMPUTED = Path("seconds.txt")
"""Where a run that ends by itself leaves how many seconds it has computed."""


def kill_group(_: int) -> None:
    """Kill the process group: the run, and all that it started."""
    os.killpg(0, SIGKILL)


def tell_to_stop(run: int) -> None:
    """Send the run SIGTERM, and it alone."""
    SENT.write_text(str(time.time()))
    os.kill(run, SIGTERM)


def fill_disk(_: int) -> None:
    """Leave no page of the file system below ``data`` free."""
    with suppress(OSError), BALLAST.open("wb", buffering=0) as ballast:
        while ballast.write(bytes(PAGE)):
            pass


def leave_alone(_: int) -> None:
    """Let it run."""


DISTURBANCES: dict[str, Callable[[int], None]] = {
    "kill": kill_group,
    "stop": tell_to_stop,
    "fill": fill_disk,
    "nothing": leave_alone,
}


def main(disturbance: str, after: str, seconds: str, *arguments: str) -> None:
    """Become ``kedro`` with these arguments."""
    os.setsid()
    watched = os.getpid()
    if os.fork() == 0:
        _watch(watched, DISTURBANCES[disturbance], after, float(seconds))
    sys.argv = ["kedro", *arguments]
    try:
        runpy.run_module("kedro", run_name="__main__", alter_sys=True)
    finally:
        COMPUTED.write_text(str(time.process_time()))


def _watch(watched: int, disturb: Callable[[int], None], after: str, seconds: float) -> None:
    with suppress(OSError):  # the run has ended
        begun = 0.0
        while after and after not in _said():
            time.sleep(0.002)
            begun = _computed(watched)
        while _computed(watched) < begun + seconds:
            time.sleep(0.002)
        disturb(watched)
    os._exit(0)


def _said() -> str:
    return LOG.read_text() if LOG.is_file() else ""


def _computed(pid: int) -> float:
    """Seconds that a process has computed, all its threads together."""
    # the number that clock_getcpuclockid(3) gives, which Python does not offer
    return time.clock_gettime((~pid << 3) | 2)


if __name__ == "__main__":
    main(*sys.argv[1:])
