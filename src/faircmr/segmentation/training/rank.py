"""One process of a fit on several devices: ``python -m faircmr.segmentation.training.rank job.json``.

What it imports takes seconds, and longer on a busy machine. It therefore listens from its first moment on whether the
process that started it is still there, and imports the rest later.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from signal import SIGTERM
from threading import Event, Thread

STOPPED = 128 + SIGTERM


def main(arguments: Sequence[str]) -> int:
    """Fit the job of a file together with the other ranks; returns the exit status.

    Args:
        arguments: Path of the job.
    """
    imported = Event()
    Thread(target=_end_with_standard_input, args=(imported,), daemon=True).start()
    from faircmr.segmentation.training.fit_process import main as fit

    # from here on the fit itself listens, and keeps what it has trained
    imported.set()
    return fit([*arguments, "--piped"])


def _end_with_standard_input(imported: Event) -> None:
    """End this process at once where its standard input ends before there is anything to lose."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    if not imported.is_set():
        os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
