"""Atomic, durable file writes (also after a power cut), and folders for unfinished work."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from errno import EDQUOT, EINVAL, ENOSPC, ENOTSUP
from pathlib import Path

from faircmr.core import OutputError
from faircmr.core.host.processes import can_see_processes, pid_namespace_digest, process_start

PRIVATE = 0o600
"""Mode of a file that only its owner may read."""
FULL = frozenset({ENOSPC, EDQUOT})
"""A disk, or the user's share of it, is full."""
NOT_FOR_FOLDERS = frozenset({EINVAL, ENOTSUP})
"""How some file systems say that a folder needs no fsync."""
LONGEST_WRITE = 3600.0
"""Seconds after which a file beside its target is nobody's, wherever its writer ran."""
UNFINISHED = re.compile(r"\.([0-9a-f]{8})-(\d+)-.")
"""Name of a file that is being written: place and number of its writer, then the name that it will have."""

guards: dict[Path, Callable[[], None]] = {}
"""By output that somebody here has a lease of: raises an error when it is lost. See :mod:`faircmr.core.host.leases`."""
_swept: set[Path] = set()


def write_atomically(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file atomically and durably: a reader sees the old content or the new, never a part of it.

    Args:
        path: The file; missing folders above it are made.
        content: All of it.
        mode: Permissions of a new file before the umask; :data:`PRIVATE` for the key file.

    Raises:
        OutputError: The folder cannot be written; only the folder is named, not the file. Or the file belongs to an
            output whose lease is lost.
    """
    # the suffix stays (.nii.gz): some readers go by it
    beside = path.with_name(f".{pid_namespace_digest()}-{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _remove_unfinished(path.parent, beside)
        check_lease(path)
        beside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise write_error(path.parent, error) from None
    finally:
        with suppress(OSError):
            beside.unlink()


def remove_durably(path: Path) -> None:
    """Remove a file if it exists, and wait until its removal is on the disk.

    Raises:
        OutputError: The folder cannot be written, or the lease of the output is lost.
    """
    check_lease(path)
    try:
        path.unlink()
        sync_folder(path.parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise write_error(path.parent, error) from None


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: a power cut may otherwise bring old ones back."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows writes names by itself, and opens no folder
        return
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    except OSError as error:
        if error.errno not in NOT_FOR_FOLDERS:
            raise
    finally:
        os.close(number)


def check_lease(path: Path) -> None:
    """Refuse to change a file of an output that was leased here, and is another's by now.

    Raises:
        OutputError: The lease is lost.
    """
    for output in (path, *path.parents) if guards else ():
        if output in guards:
            guards[output]()


def is_content(path: Path, folder: Path) -> bool:
    """Whether a file below a folder belongs to what is kept there; leases and what is being written are hidden."""
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def check_is_file(path: Path) -> None:
    """Refuse paths that are not regular files: reading a pipe may block, and reading a device may never end.

    Raises:
        FileNotFoundError: Nothing is there.
        OSError: It is something else.
    """
    if not path.is_file():
        raise OSError if path.exists() else FileNotFoundError


def write_error(folder: Path, error: OSError) -> OutputError:
    """The error of a folder in which a file cannot be written."""
    if error.errno in FULL:
        remedy = "make room, or choose another data_root, and run again: what is finished is kept"
        return OutputError(f"folder {folder}", error.strerror, "a disk with room for the file", remedy)
    return OutputError(
        f"folder {folder}",
        error.strerror or "cannot be written",
        "a folder that can be written",
        "choose another data_root",
    )


def _remove_unfinished(folder: Path, own: Path) -> None:
    """Remove temporary files of killed writers; once a process and folder, because listing a folder takes time."""
    if folder in _swept:
        return
    _swept.add(folder)
    now = own.stat().st_mtime  # by the clock of the file system
    with os.scandir(folder) as entries:
        left = [entry for entry in entries if UNFINISHED.match(entry.name) and entry.name != own.name]
    for entry in left:
        with suppress(FileNotFoundError):  # another sweeper was faster, or its writer is done
            if _is_abandoned(entry.name) or now - entry.stat().st_mtime > LONGEST_WRITE:
                Path(entry.path).unlink()


def _is_abandoned(name: str) -> bool:
    found = UNFINISHED.match(name)
    return (
        found is not None
        and found[1] == pid_namespace_digest()
        and can_see_processes()
        and not process_start(int(found[2]))
    )


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
