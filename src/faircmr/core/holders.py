"""Who holds a lease: the process, its machine, and since when."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from secrets import token_hex

from faircmr.core.processes import place, start_of


@dataclass(frozen=True)
class Holder:
    """Who holds a lease.

    Attributes:
        host: Name of the machine.
        pid: Number of the process.
        since: When the lease was taken, local time with its offset from UTC.
        place: Where the number means this process: see :func:`~faircmr.core.processes.place`.
        start: When the process began: see :func:`~faircmr.core.processes.start_of`.
        token: Tells this lease from every other one.
    """

    host: str
    pid: int
    since: str
    place: str
    start: str
    token: str


def lease_path(output: Path) -> Path:
    """Where the lease of a file or folder lies."""
    return output.with_name(f".{output.name}.lease")


def holder_of(output: Path) -> Holder | None:
    """Who holds the lease of an output, alive or dead; ``None`` where there is none, or it is being written."""
    return read_holder(lease_path(output))


def this_process() -> Holder:
    """This process as the holder of a new lease."""
    pid, now = os.getpid(), datetime.now().astimezone().isoformat(timespec="seconds")
    return Holder(socket.gethostname(), pid, now, place(), start_of(pid), token_hex(4))


def read_holder(path: Path) -> Holder | None:
    """Who a lease says holds it; ``None`` where it is absent or says nothing yet."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
