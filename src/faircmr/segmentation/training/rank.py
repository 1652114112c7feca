"""One rank of a fit on several devices: ``python -m faircmr.segmentation.training.rank job.json``.

Its imports take seconds, and longer on a busy machine. It therefore first starts a thread that watches whether the
parent process still runs, and then imports the rest.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from signal import SIGTERM
from threading import Event, Thread

STOPPED = 128 + SIGTERM


def main(arguments: Sequence[str]) -> int:
    """Fit the job of a file together with the other ranks and return the exit status.

    Args:
        arguments: Path of the job file.
    """
    imported = Event()
    Thread(target=_end_with_standard_input, args=(imported,), daemon=True).start()
    from faircmr.segmentation.training.fit_process import main as fit

    # from here on the fit itself watches its standard input, and saves its state before it ends
    imported.set()
    return fit([*arguments, "--piped"])


def _end_with_standard_input(imported: Event) -> None:
    """End this process at once if its standard input ends during the imports, when there is nothing to save."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    if not imported.is_set():
        os._exit(STOPPED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
