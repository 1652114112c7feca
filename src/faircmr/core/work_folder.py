"""A folder in which a step keeps its unfinished work, and the code that may go on with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkFolder:
    """Where a resumable step keeps its unfinished work.

    Attributes:
        path: The folder; it need not exist.
        code: Digest of the code that runs the step and of all before it; empty where work begun by
            any code may be gone on with. On what else a piece of work depends is known to whoever does it.
    """

    path: Path
    code: str
