"""The table of study keys on disk, readable by its owner alone."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd

from faircmr.core import OutputError, escape_formulas, unescape_formulas
from faircmr.core.host import PRIVATE, lease, write_atomically
from faircmr.core.study import KEY_COLUMNS, empty_key_table
from faircmr.core.user_input import TABLE_DAMAGE

PATIENCE = 30.0
"""Seconds in which every other process that names subjects is done: strategies that are started at once all do."""


def read_keys(path: Path) -> pd.DataFrame:
    """Keys given so far; none where there is no table yet.

    Raises:
        OutputError: The table is damaged. It is never replaced by guesswork: every result of the
            study is named by it.
    """
    try:
        # every id is text, also one that looks like a number or like a missing value
        keys = unescape_formulas(pd.read_csv(path, dtype="str", keep_default_na=False))
    except (FileNotFoundError, NotADirectoryError):
        return empty_key_table()
    except TABLE_DAMAGE:
        raise _damaged(path) from None
    if tuple(keys.columns) != KEY_COLUMNS or keys["subject_id"].duplicated().any():
        raise _damaged(path)
    return keys


def updated_keys(path: Path, name: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    """Bring the table up to date, mode 0600; where it is, nothing is written.

    Args:
        path: Of the table.
        name: Makes the keys there should be of those given so far.

    Raises:
        OutputError: The table is damaged, another process has been writing it for long, or the folder cannot be
            written.
    """
    keys = name(read_keys(path))
    if _is_written(path, keys):
        return keys
    with lease(path, path.name, PATIENCE):
        # another process may have given keys since
        keys = name(read_keys(path))
        if not _is_written(path, keys):
            write_keys(path, keys)
    return keys


def write_keys(path: Path, keys: pd.DataFrame) -> None:
    """Write the table, mode 0600.

    Raises:
        OutputError: The folder cannot be written.
    """
    write_atomically(path, _encoded(keys), PRIVATE)


def _is_written(path: Path, keys: pd.DataFrame) -> bool:
    return path.is_file() and path.read_bytes() == _encoded(keys)


def _encoded(keys: pd.DataFrame) -> bytes:
    content = StringIO()
    escape_formulas(keys).to_csv(content, index=False, lineterminator="\n")
    return content.getvalue().encode()


def _damaged(path: Path) -> OutputError:
    return OutputError(
        path.name,
        "cannot be read as the table of study keys",
        f"columns {', '.join(KEY_COLUMNS)}, each key once",
        "restore it from a backup; without it, start a new study in another data_root",
    )
