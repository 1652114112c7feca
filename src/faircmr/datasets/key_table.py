"""The table of study keys on disk, readable by its owner alone."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pandas as pd

from faircmr.core.errors import OutputError
from faircmr.core.files import PRIVATE, write_whole
from faircmr.core.keys import KEY_COLUMNS, no_keys


def read_keys(path: Path) -> pd.DataFrame:
    """Keys given so far; none where there is no table yet.

    Raises:
        OutputError: The table is damaged. It is never replaced by guesswork: every result of the
            study is named by it.
    """
    try:
        # every id is text, also one that looks like a number or like a missing value
        keys = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (FileNotFoundError, NotADirectoryError):
        return no_keys()
    except (OSError, ValueError):
        raise _damaged(path) from None
    if tuple(keys.columns) != KEY_COLUMNS or keys["subject_id"].duplicated().any():
        raise _damaged(path)
    return keys


def write_keys(path: Path, keys: pd.DataFrame) -> None:
    """Write the table, mode 0600, unless it already says the same.

    Raises:
        OutputError: The folder cannot be written.
    """
    content = StringIO()
    keys.to_csv(content, index=False, lineterminator="\n")
    encoded = content.getvalue().encode()
    if not path.is_file() or path.read_bytes() != encoded:
        write_whole(path, encoded, PRIVATE)


def _damaged(path: Path) -> OutputError:
    return OutputError(
        path.name,
        "cannot be read as the table of study keys",
        f"columns {', '.join(KEY_COLUMNS)}, each key once",
        "restore it from a backup; without it, start a new study in another data_root",
    )
