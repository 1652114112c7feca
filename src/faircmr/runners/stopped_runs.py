"""Which runs a worker was told to stop; a worker of a shared cluster may work for several."""

from __future__ import annotations

_stopped: set[str] = set()


def stop(run: str) -> None:
    """Stop what this process does for a run, now and later."""
    _stopped.add(run)


def is_stopped(run: str) -> bool:
    """Whether this process was told to stop what it does for a run."""
    return run in _stopped
