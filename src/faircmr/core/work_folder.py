"""A folder that a step may use while it runs, and the key of what it is to produce there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkFolder:
    """Where a resumable step keeps its unfinished work.

    Attributes:
        path: The folder; it need not exist.
        key: Digest of everything that determines the step's result (parameters, inputs, code), so
            that work begun under another key is started over and never continued.
    """

    path: Path
    key: str
