"""A study's folder inside a git work tree: nothing of it may be committed by accident."""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

from faircmr.core.files import write_whole

logger = logging.getLogger(__name__)

IGNORE_ALL = "# Written by faircmr: data of a study, and its table of ids, are never committed.\n*\n"
ANY_FILE = "01_raw/key.csv"


def keep_out_of_git(study: Path) -> None:
    """Write a ``.gitignore`` with ``*`` into a study's folder that is in a git work tree and not ignored there.

    A folder that has a ``.gitignore`` of its own is left as it is, with a warning.

    Raises:
        OutputError: The folder cannot be written.
    """
    if not _in_work_tree(study) or _is_ignored(study):
        return
    file = study / ".gitignore"
    if file.exists():
        logger.warning("git does not ignore data_root, and data_root has a .gitignore of its own: add a line * to it")
        return
    write_whole(file, IGNORE_ALL.encode())
    logger.warning("data_root is inside of a git work tree: wrote .gitignore there, so that no file is committed")


def _in_work_tree(study: Path) -> bool:
    place = study.resolve()
    return any((folder / ".git").exists() for folder in (place, *place.parents))


def _is_ignored(study: Path) -> bool:
    place = study.resolve()
    above = next(folder for folder in (place, *place.parents) if folder.is_dir())
    command = ["git", "-C", str(above), "check-ignore", "--quiet", str(place / ANY_FILE)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:  # no git here; others may have it
        return False
