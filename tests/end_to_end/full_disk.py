"""``kedro run`` on a disk that has become full: whatever creates a file writes to ``/dev/full``.

The kernel answers every write to that device as it would on a full disk, and who is asked needs no privilege.
"""

from __future__ import annotations

import os
import runpy
import sys

_open = os.open


def open_on_a_full_disk(path: os.PathLike[str] | str, flags: int, mode: int = 0o777, **options: int) -> int:
    """As ``os.open``, but a file that is created stays empty: what is written goes to the full device."""
    opened = _open(path, flags, mode, **options)
    if not flags & os.O_CREAT:
        return opened
    os.close(opened)
    return _open("/dev/full", os.O_WRONLY)


if __name__ == "__main__":
    os.open = open_on_a_full_disk  # type: ignore[assignment]
    sys.argv[0] = "kedro"
    runpy.run_module("kedro", run_name="__main__", alter_sys=True)
