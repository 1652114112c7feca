"""Which process this is, and whether another one still runs: process numbers come round again, and are no names."""

from __future__ import annotations

import functools
import hashlib
import os
import socket
from pathlib import Path

PROC = Path("/proc")
ENDED = ("Z", "X")
"""States of a process that does nothing any more and only waits to be asked how it ended."""


@functools.cache
def place() -> str:
    """Eight digits for where process numbers mean what they mean here: host, start of its system, and container.

    Two containers may have one host's name, and a host that was started again has other processes.
    """
    parts = [socket.gethostname(), _text(PROC / "sys/kernel/random/boot_id"), _link(PROC / "self/ns/pid")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]


def start_of(pid: int) -> str:
    """When a process began, in the system's own count; empty where none of this number runs, or nobody can tell."""
    # the name of the program comes second, in brackets, and may hold anything
    fields = _text(PROC / str(pid) / "stat").rpartition(")")[2].split()
    # proc(5): 3 is the state and 22 the start, counted from 1
    return "" if not fields or fields[0] in ENDED else fields[19]


def can_tell() -> bool:
    """Whether this system says which processes run; Linux does."""
    return start_of(os.getpid()) != ""


def still_runs(where: str, pid: int, start: str) -> bool | None:
    """Whether a process of this place, number and start still runs; ``None`` where that cannot be seen from here."""
    return start_of(pid) == start if where == place() and can_tell() else None


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
