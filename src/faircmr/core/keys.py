"""Study keys: the names of subjects inside a study, and the only way back to their source.

The table of keys (``01_raw/key.csv``; of unlabelled scans ``01_raw/predict_key.csv``) is the one place where
a study key meets a source id. Subjects of unlabelled scans are ``new-0001``, ...: one ``data_root`` has both tables,
and ``sub-0001`` of the cohort must not be taken for another subject. ``predict_key.csv`` also has the files that were
left out (``file-0001``, ...); those have a path and no source id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.pseudonyms import pseudonym

KEY_COLUMNS = ("subject_id", "source_id", "path")
STUDY, UNLABELLED, LEFT_OUT_FILE = "sub", "new", "file"
"""What the keys of subjects of the cohort, of subjects of unlabelled scans, and of files begin with."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def no_keys() -> pd.DataFrame:
    """The table of keys of a study that has not begun."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in KEY_COLUMNS})


def assign_keys(existing: pd.DataFrame, paths: Mapping[str, str], prefix: str = STUDY) -> pd.DataFrame:
    """Give every subject a study key that it keeps for the life of the study.

    Args:
        existing: Columns ``subject_id``, ``source_id``, ``path``: the keys given so far.
        paths: For each source id now present, where its first scan lies.
        prefix: What new keys begin with; keys given so far may begin with another one.

    Returns:
        The same columns, sorted by number. Subjects already known keep their key, new ones take the
        next numbers in the order of their source ids (``sub-0001``, ...), and the keys of subjects
        that are gone stay reserved.
    """
    keys = dict(zip(existing["source_id"], existing["subject_id"], strict=True))
    known_paths = dict(zip(existing["source_id"], existing["path"], strict=True))
    first = 1 + max(map(_number, keys.values()), default=0)
    new = sorted(set(paths) - set(keys))
    keys |= {source_id: f"{prefix}-{number:04d}" for number, source_id in enumerate(new, start=first)}
    source_ids = {key: source_id for source_id, key in keys.items()}
    return _table(source_ids, known_paths | dict(paths), sorted(source_ids, key=_number))


def assign_file_keys(existing: pd.DataFrame, paths: Iterable[str]) -> pd.DataFrame:
    """Give every file that was left out a key that it keeps.

    Args:
        existing: Same columns as of :func:`assign_keys`; ``source_id`` is empty in every row.
        paths: Of the files, below the folder of the scans.

    Returns:
        The same columns, sorted by number; new files take the next numbers (``file-0001``, ...) in the order of their
        paths.
    """
    by_path = existing.assign(source_id=existing["path"])
    return assign_keys(by_path, {path: path for path in paths}, LEFT_OUT_FILE).assign(source_id="")


def keep_source_ids(paths: Mapping[str, str]) -> pd.DataFrame:
    """Keys of a public data set whose subjects may be named by their source ids.

    Args:
        paths: As for :func:`assign_keys`.

    Returns:
        As :func:`assign_keys`, with ``subject_id`` equal to ``source_id``.

    Raises:
        InvalidCohortError: Some id cannot be part of a file name.
    """
    unfit = sum(_FILE_NAME.fullmatch(source_id) is None for source_id in paths)
    if unfit:
        raise InvalidCohortError(
            "source ids",
            f"{unfit} of {len(paths)} cannot be part of a file name",
            "letters, digits, '.', '_' and '-'",
            "set names of the catalog entry to numbered",
        )
    return _table({source_id: source_id for source_id in paths}, paths)


def assign_pseudonyms(paths: Mapping[str, str], salt: bytes) -> pd.DataFrame:
    """Keys that are the same in every study with the same secret.

    Args:
        paths: As for :func:`assign_keys`.
        salt: The secret.

    Returns:
        As :func:`assign_keys`, with ``subject_id`` like ``sub-1f0c93be7a42``.

    Raises:
        InvalidCohortError: Two subjects share a key.
    """
    keys = {f"sub-{pseudonym(source_id, salt)}": source_id for source_id in paths}
    if len(keys) < len(paths):
        raise InvalidCohortError(
            "pseudonyms", "two subjects share one", "one for each subject", "choose another secret"
        )
    return _table(keys, paths)


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])


def _table(
    source_ids: Mapping[str, str], paths: Mapping[str, str], ordered: Sequence[str] | None = None
) -> pd.DataFrame:
    keys = sorted(source_ids, key=lambda key: (len(key), key)) if ordered is None else ordered
    rows = [(key, source_ids[key], paths[source_ids[key]]) for key in keys]
    return pd.DataFrame(rows, columns=list(KEY_COLUMNS), dtype="str")
