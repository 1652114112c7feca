"""Files that are whole or absent: written beside the target, then moved into place."""

from __future__ import annotations

import os
from contextlib import suppress
from errno import EDQUOT, ENOSPC
from pathlib import Path

from faircmr.core.errors import OutputError

PRIVATE = 0o600
"""Mode of a file that only its owner may read."""
FULL = frozenset({ENOSPC, EDQUOT})
"""A disk, or the user's share of it, is full."""


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Write a file such that a reader sees the old content or the new, never a part.

    Args:
        path: The file; missing folders above it are made.
        content: All of it.
        mode: Permissions of a new file before the umask; :data:`PRIVATE` for the key file.

    Raises:
        OutputError: The folder cannot be written; only the folder is named, not the file.
    """
    # the suffix stays (.nii.gz): some readers go by it
    beside = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        beside.replace(path)
    except OSError as error:
        raise cannot_write(path.parent, error) from None
    finally:
        with suppress(OSError):
            beside.unlink()


def remove(path: Path) -> None:
    """Remove a file if it is there.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path.parent, error) from None


def check_is_file(path: Path) -> None:
    """Refuse what is no file, nor leads to one: a pipe would be waited for, and a device may never end.

    Raises:
        FileNotFoundError: Nothing is there.
        OSError: It is something else.
    """
    if not path.is_file():
        raise OSError if path.exists() else FileNotFoundError


def cannot_write(folder: Path, error: OSError) -> OutputError:
    """What to say of a folder that refuses a file."""
    if error.errno in FULL:
        remedy = "make room, or choose another data_root, and run again: what is finished is kept"
        return OutputError(f"folder {folder}", error.strerror, "a disk with room for the file", remedy)
    return OutputError(
        f"folder {folder}",
        error.strerror or "cannot be written",
        "a folder that can be written",
        "choose another data_root",
    )
