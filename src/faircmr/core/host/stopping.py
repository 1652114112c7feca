"""Stop a run at SIGTERM (sent by cluster schedulers) or SIGINT (Ctrl-C).

The first signal interrupts the main thread. Outputs are written atomically, so only unfinished outputs are lost. The
interruption is a ``BaseException``, because libraries such as pandera catch every ``Exception``; at the end of the
interrupted block it becomes a :class:`StoppedError`. Long work such as training uses :func:`defer_stop`, checks between
its steps whether to stop, and saves its state. A process that has not stopped in time is ended.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Thread, Timer, current_thread, main_thread
from types import FrameType

from faircmr.core import FaircmrError

SECONDS_TO_LEAVE = 10.0
"""After which a process that was asked to stop, and could not, is ended."""
SECONDS_OF_ONE_REQUEST = 1.0
"""Schedulers signal a process and its children, which then signal theirs: so soon after the first it is no second."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)
REMEDY = "run the same command again to go on"

ShouldStop = Callable[[], bool]


class StoppedError(FaircmrError):
    """Work was ended as asked: by a signal, or because the process that started this one has ended."""


class _Interruption(BaseException):
    """What a signal raises."""


@dataclass
class _Request:
    """What this process was asked: there is one process, and so one of this.

    Attributes:
        number: The first signal.
        since: When it came.
        ending: What ends this process if nothing else does.
        deferred: Blocks under way that ask by themselves.
        raised: Whether the main thread has been told.
        repeats: Seconds within which another signal is the same request.
    """

    number: int | None = None
    since: float = 0.0
    ending: Timer | None = None
    deferred: int = 0
    raised: bool = False
    repeats: float = SECONDS_OF_ONE_REQUEST


_request = _Request()


def never_stop() -> bool:
    """Return ``False``: the ``ShouldStop`` of work that nothing stops."""
    return False


def stop_requested() -> bool:
    """Whether this process was asked to stop."""
    return _request.number is not None


def exit_status() -> int:
    """What a stopped process ends with: 128 and the signal, as shells and schedulers have it."""
    return 128 + int(_request.number or signal.SIGTERM)


def request_stop(number: int = signal.SIGTERM) -> None:
    """Ask this process to stop, from any thread; a second request ends it at once.

    Args:
        number: Of the signal that stands for it.
    """
    _request.number = _request.number or number
    if _request.ending is None:
        _request.since = time.monotonic()
        _request.ending = Timer(SECONDS_TO_LEAVE, _exit_now)
        _request.ending.daemon = True
        _request.ending.start()
    elif time.monotonic() - _request.since > _request.repeats:
        _exit_now()


@contextmanager
def stop_on_signals(repeats: float = SECONDS_OF_ONE_REQUEST) -> Iterator[None]:
    """Heed SIGTERM and SIGINT for a while; nothing changes outside the main thread, which alone is sent signals.

    A thread of its own hears of them as well: the main thread may wait for a library that does not return.

    Args:
        repeats: Seconds within which another signal is the same request; a later one ends this process at once.

    Raises:
        StoppedError: In the block, at the first signal, unless it is deferred.
    """
    if current_thread() is not main_thread():
        yield
        return
    global _request  # noqa: PLW0603 - what was asked before is over
    _request = _Request(repeats=repeats)
    # what nohup and shells have told this process to ignore stays ignored
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
    with _signal_listener(), interruption_as_error():
        handlers = {number: signal.signal(number, _raise_unless_deferred) for number in heeded}
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


@contextmanager
def interruption_as_error() -> Iterator[None]:
    """Make an error of what a signal interrupts, for whoever handles errors at the end of the block.

    Raises:
        StoppedError: A signal has interrupted the block.
    """
    try:
        yield
    except _Interruption as interruption:
        raise _stopped() from interruption


@contextmanager
def defer_stop() -> Iterator[ShouldStop]:
    """Let no signal interrupt the block, which asks instead whether it is to stop.

    Yields:
        Whether this process was asked to stop.

    Raises:
        StoppedError: After a block that ended well although it was to stop.
    """
    _request.deferred += 1
    try:
        yield stop_requested
    finally:
        _request.deferred -= 1
    if stop_requested():
        _request.raised = True
        raise _stopped()


def _raise_unless_deferred(number: int, _: FrameType | None) -> None:
    _request.number = _request.number or number
    if not _request.deferred and not _request.raised:
        _request.raised = True
        raise _Interruption


def _stopped() -> StoppedError:
    name = signal.Signals(_request.number or signal.SIGTERM).name
    return StoppedError("run", f"stopped by {name}", "what is finished is kept", REMEDY)


@contextmanager
def _signal_listener() -> Iterator[None]:
    """Have a thread told of every signal, which ends this process if nothing else does before the block is left."""
    hears, tells = os.pipe()
    os.set_blocking(tells, False)
    before = signal.set_wakeup_fd(tells, warn_on_full_buffer=False)
    listener = Thread(target=_listen, args=(hears,), daemon=True)
    listener.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(tells)
        listener.join()
        if _request.ending:
            _request.ending.cancel()


def _listen(hears: int) -> None:
    """Hear of every signal, also while the main thread does not look."""
    with os.fdopen(hears, "rb", buffering=0) as told:
        while number := told.read(1):
            if number[0] in SIGNALS:
                request_stop(number[0])


def _exit_now() -> None:
    """End this process where it stands: what it has not written whole is not there."""
    with suppress(OSError, ValueError):
        sys.stderr.write(f"Error: {_stopped()}\n")
        sys.stderr.flush()
    os._exit(exit_status())
