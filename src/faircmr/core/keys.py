"""Study keys: the names of subjects inside a study, and the only way back to their source.

The table of keys (``01_raw/key.csv``; of unlabelled scans ``01_raw/predict_key.csv``) is the one place where
a study key meets a source id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.pseudonyms import pseudonym

KEY_COLUMNS = ("subject_id", "source_id", "path")
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def no_keys() -> pd.DataFrame:
    """The table of keys of a study that has not begun."""
    return pd.DataFrame({name: pd.Series(dtype="str") for name in KEY_COLUMNS})


def assign_keys(existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
    """Give every subject a study key that it keeps for the life of the study.

    Args:
        existing: Columns ``subject_id``, ``source_id``, ``path``: the keys given so far.
        paths: For each source id now present, where its first scan lies.

    Returns:
        The same columns, sorted by key. Subjects already known keep their key, new ones take the
        next numbers in the order of their source ids (``sub-0001``, ...), and the keys of subjects
        that are gone stay reserved.
    """
    keys = dict(zip(existing["source_id"], existing["subject_id"], strict=True))
    known_paths = dict(zip(existing["source_id"], existing["path"], strict=True))
    first = 1 + max((int(key.removeprefix("sub-")) for key in keys.values()), default=0)
    new = sorted(set(paths) - set(keys))
    keys |= {source_id: f"sub-{number:04d}" for number, source_id in enumerate(new, start=first)}
    return _table({key: source_id for source_id, key in keys.items()}, known_paths | dict(paths))


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
            "set names to numbered",
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


def _table(source_ids: Mapping[str, str], paths: Mapping[str, str]) -> pd.DataFrame:
    # by length first, so that sub-10000 follows sub-9999
    keys = sorted(source_ids, key=lambda key: (len(key), key))
    rows = [(key, source_ids[key], paths[source_ids[key]]) for key in keys]
    return pd.DataFrame(rows, columns=list(KEY_COLUMNS), dtype="str")
