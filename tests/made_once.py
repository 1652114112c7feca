"""What takes long to make is made by the first test process that asks for it, for all that share a run of the tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from fcntl import LOCK_EX, flock
from pathlib import Path
from shutil import rmtree

import pytest


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that ``make`` has filled, in this process or another; only to be read.

    Args:
        folders: Pytest's folders of this test process.
        name: Of the folder, one in a run of the tests.
        make: Makes and fills the folder that it is given, which is moved when it is through.
    """
    own = folders.getbasetemp()
    # pytest-xdist puts the folder of every test process into that of the run
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made, unfinished = shared / name, shared / f"{name}-unfinished"
    with (shared / f"{name}.lock").open("w") as lock:
        flock(lock, LOCK_EX)
        if not made.exists():
            rmtree(unfinished, ignore_errors=True)
            make(unfinished)
            unfinished.rename(made)
    return made
