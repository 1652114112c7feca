"""One input, one outcome: a value, a refusal in the project's own words, or a fault."""

from __future__ import annotations

import logging
import os
import re
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from faircmr.core import FaircmrError
from tests.fuzz.readers import Reader
from tests.fuzz.variants import Link, Tree
from tests.sources.dicom.written import SECRET

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = frozenset(
    {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.utime"}
)
FORBIDDEN = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "socket.connect"})
"""Events of ``sys.addaudithook`` (docs.python.org, audit events table)."""
PACKAGE = f"{os.sep}faircmr{os.sep}"
SHOWN = 90


@dataclass(frozen=True)
class Outcome:
    """What became of an input.

    Attributes:
        signature: The same for inputs that ended at the same place in the same way.
        fault: Why the reader is at fault; empty where it did its duty.
        seconds: CPU time.
    """

    signature: str
    fault: str = ""
    seconds: float = 0.0


class Examiner:
    """Lets a reader read one folder after another below a folder of its own."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self._reader = reader
        # what would tell a path would tell the secret
        self._root, self._own = folder / f"source-{SECRET}", folder / "own"
        self._messages: list[str] = []

    def examine(self, tree: Tree, change: Callable[[Path], object] | None = None) -> Outcome:
        """Write a folder, change what is no matter of content, and let the reader read it."""
        for folder in (self._root, self._own):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
        write_tree(self._root, tree)
        if change is not None:
            change(self._root)
        before = _listed(self._root)
        self._messages = []
        start = time.process_time()
        with _heard(self._messages), _watched(self._own) as stray:
            signatures, faults = self._steps()
        seconds = time.process_time() - start
        if stray or _listed(self._root) != before:
            faults.append(f"a file outside the study: {', '.join(stray) or 'the source changed'}")
        if any(SECRET in message for message in self._messages):
            leak = next(message for message in self._messages if SECRET in message)
            faults.append(f"told the secret: {leak[:1000]}")
        return Outcome(" | ".join(sorted(signatures)), "\n".join(faults), seconds)

    def _steps(self) -> tuple[set[str], list[str]]:
        signatures: set[str] = set()
        faults: list[str] = []
        steps = iter(self._reader.read(self._root, self._own))
        while True:
            step = self._guarded(lambda: next(steps, None), signatures, faults)
            if step is None:
                return signatures or {"value"}, faults
            told = self._guarded(step, signatures, faults)
            if isinstance(told, tuple | list):
                self._messages.append(repr(told))
                signatures.add(f"value {_without_numbers(repr(told))}")

    def _guarded(self, call: Callable[[], Any], signatures: set[str], faults: list[str]) -> Any:
        try:
            return call()
        except FaircmrError as error:
            self._messages.append("".join(traceback.format_exception(error, limit=0)))
            signatures.add(_signature(error))
        except Exception as error:  # noqa: BLE001 whatever else comes out is what is looked for
            signatures.add(f"fault {_signature(error)}")
            faults.append("".join(traceback.format_exception(error, limit=-6))[:4000])
        return None


def write_tree(root: Path, tree: Tree) -> None:
    """Write files; those whose names are in each other's way are left out.

    Links come last, and none below another: nothing is written through one.
    """
    for name, entry in sorted(tree.items(), key=lambda each: isinstance(each[1], Link)):
        path = root / name
        try:
            if isinstance(entry, Link):
                _write_link(path, entry, root)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(entry)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue


def _write_link(path: Path, link: Link, root: Path) -> None:
    if not any(folder.is_symlink() for folder in path.parents if folder.is_relative_to(root)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(link.target)


def _signature(error: BaseException) -> str:
    """Kind of an error, its words without numbers, and the line at which the first error behind it arose."""
    behind = error
    while (further := behind.__cause__ or behind.__context__) is not None:
        behind = further
    frames = traceback.extract_tb(behind.__traceback__)
    last = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    own = next((frame.lineno for frame in reversed(frames) if PACKAGE in frame.filename), 0)
    return f"{type(error).__name__} {own} {type(behind).__name__} {last}: {_without_numbers(str(error))}"


def _without_numbers(words: str) -> str:
    return re.sub(r"-?[\d.]+(?:e[+-]?\d+)?|nan|inf", "#", words)[:SHOWN]


def _shown_to(messages: list[str]) -> Callable[..., None]:
    """In the place of ``warnings.showwarning``."""

    def show(message: Warning | str, *others: object, **more: object) -> None:
        messages.append(str(message))

    return show


@contextmanager
def _heard(messages: list[str]) -> Iterator[None]:
    """Everything that is logged or warned of."""

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(self.format(record))

    listener, root, shown = Listener(), logging.getLogger(), warnings.showwarning
    level = root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    warnings.showwarning = _shown_to(messages)
    try:
        yield
    finally:
        warnings.showwarning = shown
        root.setLevel(level)
        root.removeHandler(listener)


class _Watch:
    """Hears of every file that Python opens to write, and of every other change of a folder."""

    def __init__(self) -> None:
        self.permitted: str | None = None
        self.stray: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.permitted is None:
            return
        if event in FORBIDDEN:
            self.stray.append(event)
        elif event in CHANGES or (event == "open" and _writes(*arguments[1:3])):
            path = os.path.realpath(os.fsdecode(arguments[0])) if isinstance(arguments[0], str | bytes) else ""
            if path and not f"{path}{os.sep}".startswith(self.permitted):
                self.stray.append(f"{event} {path}")


def _writes(mode: object, flags: object) -> bool:
    if isinstance(mode, str):
        return bool(set(mode) & set("wax+"))
    return isinstance(flags, int) and bool(flags & WRITING)


@cache
def _watch() -> _Watch:
    watch = _Watch()
    # a hook stays for the life of the process
    sys.addaudithook(watch)
    return watch


@contextmanager
def _watched(own: Path) -> Iterator[list[str]]:
    watch = _watch()
    watch.stray, watch.permitted = [], os.path.realpath(own) + os.sep
    try:
        yield watch.stray
    finally:
        watch.permitted = None


def _listed(root: Path) -> list[tuple[str, int]]:
    """Names and sizes below a folder."""
    return sorted((os.fsdecode(path), path.lstat().st_size) for path in root.rglob("*"))
