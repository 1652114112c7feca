"""Two processes that measure in turn: each waits while the other works. Standard library only."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

Measured = dict[str, list[float]]
ANSWER = "answer "
"""Marks the lines that are for us among those that a library prints."""


def serve(measure: Callable[[int], Measured]) -> None:
    """Answer each number of steps on stdin with a marked line of JSON on stdout, after one when ready."""
    print(f"{ANSWER}{{}}", flush=True)
    for line in sys.stdin:
        print(f"{ANSWER}{json.dumps(measure(int(line)))}", flush=True)


class Side(AbstractContextManager["Side"]):
    """A process that runs :func:`serve`."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self.log = log
        with log.open("w") as errors:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self._answer()

    def measure(self, steps: int) -> Measured:
        """Seconds of this many steps."""
        if self.process.stdin is None:
            raise RuntimeError("no pipe")
        print(steps, file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> Measured:
        for line in self.process.stdout or ():
            if line.startswith(ANSWER):
                measured: Measured = json.loads(line.removeprefix(ANSWER))
                return measured
        raise SystemExit(f"a side ended early:\n{self.log.read_text()[-4000:]}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.wait()
