"""``python -m <module>`` in a process of its own that need not load the libraries first.

Loading them takes longer than most commands that tests try. A server, started once in a test process, has loaded
them (:mod:`tests.warm_modules`) and forks itself for every command.
"""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).parents[1]
SECONDS = 600

_server = get_context("forkserver")
_server.set_forkserver_preload(["tests.warm_modules"])


@dataclass(frozen=True)
class Command:
    """What to run, where, and with which variables; ``PYTHONPATH`` begins with the project's source."""

    module: str
    arguments: Sequence[str]
    folder: Path
    environment: Mapping[str, str]

    @property
    def paths(self) -> list[str]:
        return self.environment["PYTHONPATH"].split(os.pathsep)


def run_warm(command: Command) -> subprocess.CompletedProcess[str]:
    """Run a module as ``python -m`` would; output captured, exit code not judged.

    Raises:
        subprocess.TimeoutExpired: It took longer than ten minutes.
    """
    with TemporaryDirectory() as place:
        printed = [Path(place) / name for name in ("stdout", "stderr")]
        process = _server.Process(target=_become, args=(command, *printed))
        with chdir(REPOSITORY):  # where the first one starts the server
            process.start()
        process.join(SECONDS)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(command.module, SECONDS)
        stdout, stderr = (path.read_text() for path in printed)
    return subprocess.CompletedProcess([command.module, *command.arguments], process.exitcode, stdout, stderr)


def _become(command: Command, stdout: Path, stderr: Path) -> None:
    from tests.warm_modules import forget_other_source

    for stream, path in ((1, stdout), (2, stderr)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), stream)
    os.chdir(command.folder)
    os.environ.clear()
    os.environ.update(command.environment)
    forget_other_source(Path(command.paths[0]))
    ours = {"", str(REPOSITORY), str(REPOSITORY / "src")}
    sys.path[:] = [str(command.folder), *command.paths, *(path for path in sys.path if path not in ours)]
    sys.argv = [command.module, *command.arguments]
    runpy.run_module(command.module, run_name="__main__", alter_sys=True)
