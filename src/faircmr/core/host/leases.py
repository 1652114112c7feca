"""Leases: one process at a time writes an output, also where several machines share a file system.

A lease is a hidden file next to its output. It names the process that holds it, which touches it every few seconds.
A process takes a lease by creating the file exclusively; only one process can, also on NFS. To replace the lease of a
process that has ended, a process first takes a second lease whose name contains the token of the first one.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from glob import escape
from pathlib import Path
from secrets import token_hex
from threading import Event, Thread
from time import monotonic, sleep

from faircmr.core import OutputError
from faircmr.core.host.files import guards, write_error
from faircmr.core.host.processes import pid_namespace_digest, process_is_running, process_start


@dataclass(frozen=True)
class Holder:
    """Who holds a lease.

    Attributes:
        host: Name of the machine.
        pid: Number of the process.
        since: When the lease was taken, local time with its offset from UTC.
        place: Where the number means this process: see :func:`~faircmr.core.host.processes.pid_namespace_digest`.
        start: When the process began: see :func:`~faircmr.core.host.processes.process_start`.
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


def lease_holder(output: Path) -> Holder | None:
    """The process that holds the lease of an output, running or not; ``None`` if there is none or it is unfinished."""
    return read_holder(lease_path(output))


def new_holder() -> Holder:
    """A holder with a new token for this process."""
    pid, now = os.getpid(), datetime.now().astimezone().isoformat(timespec="seconds")
    return Holder(socket.gethostname(), pid, now, pid_namespace_digest(), process_start(pid), token_hex(4))


def read_holder(path: Path) -> Holder | None:
    """The process that holds a lease; ``None`` where the file is absent, or not written yet."""
    try:
        return Holder(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


HEARTBEAT = 5.0
"""Seconds between two touches of a lease."""
DEAD_AFTER = 120.0
"""Seconds without a touch after which a lease of another machine is nobody's: NFS may tell of one a minute late."""
LOOK_AGAIN = 0.1
"""Seconds between two attempts to take a lease."""


@contextmanager
def lease(output: Path, what: str, patience: float = 0.0) -> Iterator[None]:
    """Hold the lease of an output; while it is held, no file of the output can be changed once it is lost.

    Args:
        output: File or folder; need not exist.
        what: How people know it: its name in the catalog, or that of the fit.
        patience: Seconds to wait for another process: some for what is written in a moment, none for what takes long.

    Raises:
        OutputError: Another process holds it, or it cannot be written.
    """
    path, own = lease_path(output), new_holder()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        taken = _take_within(patience, path, own)
    except OSError as error:
        raise write_error(path.parent, error) from None
    if not taken:
        raise _lease_error(what, read_holder(path))
    guards[output] = lambda: _check_held(path, own, what)
    done = Event()
    beat = Thread(target=_touch_until, args=(done, path, own), daemon=True)
    beat.start()
    failed = True
    try:
        yield
        failed = False
    finally:
        done.set()
        beat.join()
        del guards[output]
        _release_or_raise(path, own, quietly=failed)


def _release_or_raise(path: Path, own: Holder, *, quietly: bool) -> None:
    """Remove a lease.

    Args:
        path: Of the lease.
        own: Its holder.
        quietly: Whether another error is on its way, which says more. Once its process has ended, a lease that is left
            is dead.
    """
    try:
        _release(path, own)
    except OSError as error:
        if not quietly:
            raise write_error(path.parent, error) from None


def _is_dead(path: Path) -> bool:
    """Whether the holder of a lease is gone, as far as can be seen; makes a file for a moment to know the time."""
    holder = read_holder(path)
    running = None if holder is None else process_is_running(holder.place, holder.pid, holder.start)
    if running is not None:
        return not running
    # only for a moment is a lease there and says nothing
    longest = 2 * HEARTBEAT if holder is None else DEAD_AFTER
    return _file_system_time(path) - path.stat().st_mtime > longest


def _take_within(seconds: float, path: Path, own: Holder) -> bool:
    last = monotonic() + seconds
    while not (taken := _take(path, own)) and monotonic() < last:
        sleep(LOOK_AGAIN)
    return taken


def _take(path: Path, own: Holder) -> bool:
    """Create the lease, or take over a dead one; of several who try exactly one succeeds."""
    if _create_lease(path, own):
        return True
    seen = read_holder(path)
    try:
        if not _is_dead(path):
            return False
    except FileNotFoundError:  # given back just now
        return _create_lease(path, own)
    succession = path.with_name(f"{path.name}.{'' if seen is None else seen.token}")
    if not _take(succession, own):
        return False
    try:
        return _replace_dead_lease(path, seen, own)
    finally:
        _release(succession, own)


def _replace_dead_lease(path: Path, seen: Holder | None, own: Holder) -> bool:
    """Replace the lease of a process that has ended, if it is still the lease that was read before."""
    # whoever comes late finds another lease, or none, where the dead one was
    if not path.exists():
        return _create_lease(path, own)
    if read_holder(path) != seen or not _is_dead(path):
        return False
    replacement = path.with_name(f"{path.name}-{own.token}")
    _create_lease(replacement, own)
    replacement.replace(path)
    for left in path.parent.glob(f"{escape(path.name)}-*"):  # by those who died here
        left.unlink(missing_ok=True)
    return True


def _create_lease(path: Path, own: Holder) -> bool:
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        os.write(number, json.dumps(asdict(own)).encode())
    except OSError:  # a full disk holds an empty file, which would be a lease
        path.unlink()
        raise
    finally:
        os.close(number)
    return True


def _file_system_time(path: Path) -> float:
    """The present time by the clock of the file system, which sets the times of leases."""
    probe = path.with_name(f"{path.name}-{token_hex(4)}")
    try:
        with probe.open("x") as file:
            return os.fstat(file.fileno()).st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _touch_until(done: Event, path: Path, own: Holder) -> None:
    while not done.wait(HEARTBEAT):
        # what cannot be touched now may be later, and what is lost is found out before anything is changed
        with suppress(OSError):
            if read_holder(path) == own:
                os.utime(path)


def _check_held(path: Path, own: Holder, what: str) -> None:
    holder = read_holder(path)
    if holder != own:
        raise _lease_error(what, holder)


def _release(path: Path, own: Holder) -> None:
    if read_holder(path) == own:
        path.unlink(missing_ok=True)


def _lease_error(what: str, holder: Holder | None) -> OutputError:
    by = "another process" if holder is None else f"process {holder.pid} on {holder.host} since {holder.since}"
    remedy = "wait until it is done or end it, then run again; other fits and outputs can be made meanwhile"
    return OutputError(what, f"being written by {by}", "one process at a time", remedy)
