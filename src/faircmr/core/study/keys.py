"""Study keys: pseudonymous ids of subjects, and the table that maps them to source ids.

The table of keys (``01_raw/key.csv``; of unlabelled scans ``01_raw/predict_key.csv``) is the only file that contains
both study keys and source ids. Subjects of unlabelled scans are ``new-0001``, ...: one ``data_root`` has both tables,
and ``sub-0001`` of the cohort must not be taken for another subject. ``predict_key.csv`` also has the files that were
left out (``file-0001``, ...); those have a path and no source id.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidParameterError, NotPermittedError, format_value
from faircmr.core.host import PRIVATE, write_atomically
from faircmr.core.user_input import given_path

LENGTH = 12
"""Hexadecimal digits: among 500,000 people two share a name with a probability of 1 in 2,000."""
SALT_BYTES = 32
SHORTEST = 16
"""Bytes of a secret, below which it could be guessed."""


def pseudonym(name: str, salt: bytes) -> str:
    """Twelve hexadecimal digits that stand for a name.

    Args:
        name: A source id, or an annotator's name.
        salt: The secret. Without one every 7-digit id could be found by trying all.

    Source:
        HMAC with SHA-256 (RFC 2104).
    """
    return hmac.digest(salt, name.encode(), "sha256").hex()[:LENGTH]


def read_or_create_salt(path: Path) -> bytes:
    """Read the secret of this study; create it on first use, readable by its owner only.

    Raises:
        InvalidParameterError: The file is damaged.
        OutputError: The folder cannot be written.
    """
    if not path.exists():
        write_atomically(path, secrets.token_hex(SALT_BYTES).encode(), PRIVATE)
    return read_salt(path)


def read_salt(path: Path) -> bytes:
    """A secret that several studies share.

    Raises:
        InvalidParameterError: There is no such file, or too little in it.
    """
    try:
        salt = path.read_bytes().strip()
    except OSError:
        salt = b""
    if len(salt) < SHORTEST:
        raise InvalidParameterError(
            path.name,
            "missing, or too short to be a secret" if not salt else f"{len(salt)} bytes",
            f"a file with a secret of at least {SHORTEST} characters",
            "make one, e.g. with: openssl rand -hex 32",
        )
    return salt


KEY_COLUMNS = ("subject_id", "source_id", "path")
STUDY, UNLABELLED, LEFT_OUT_FILE = "sub", "new", "file"
"""What the keys of subjects of the cohort, of subjects of unlabelled scans, and of files begin with."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def empty_key_table() -> pd.DataFrame:
    """The table of keys without rows."""
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
    return _key_table(source_ids, known_paths | dict(paths), sorted(source_ids, key=_number))


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
    return _key_table({source_id: source_id for source_id in paths}, paths)


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
    return _key_table(keys, paths)


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])


def _key_table(
    source_ids: Mapping[str, str], paths: Mapping[str, str], ordered: Sequence[str] | None = None
) -> pd.DataFrame:
    keys = sorted(source_ids, key=lambda key: (len(key), key)) if ordered is None else ordered
    rows = [(key, source_ids[key], paths[source_ids[key]]) for key in keys]
    return pd.DataFrame(rows, columns=list(KEY_COLUMNS), dtype="str")


_NO_TEXT = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and bytes of a file's name that are not UTF-8, as Python has them (PEP 383)."""
_NUMBERED = re.compile(rf"(?:{STUDY}|{UNLABELLED})-\d{{4,}}")
"""Subjects of unlabelled scans were ``sub-0001`` too, and keep that key."""
SALT_FILE = "salt_file"
Names = str | Mapping[str, str]
"""How a catalog entry says it."""


class Naming(Protocol):
    """One way."""

    def names(self, existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
        """The table of keys of :func:`assign_keys`.

        Raises:
            InvalidCohortError: Subjects cannot be named so.
        """

    def matches(self, existing: pd.DataFrame) -> bool:
        """Whether these keys have the form of this naming."""


@dataclass(frozen=True)
class Numbered:
    """``sub-0001``, ...: of subjects that are new at the same time, in the order of their source ids.

    Without the list of all ids a key tells the rank of its subject among them; with it, which subject it is
    (decision 0031). Order and id are hidden by :class:`Pseudonyms`.

    Attributes:
        prefix: What new keys begin with.
    """

    prefix: str = STUDY

    def names(self, existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
        """As of :func:`assign_keys`."""
        return assign_keys(existing, paths, self.prefix)

    def matches(self, existing: pd.DataFrame) -> bool:
        """Whether all are numbers; a source may well call its subjects sub-0001 itself."""
        return bool(existing["subject_id"].str.fullmatch(_NUMBERED).astype(bool).all())


class SourceIds:
    """The source's own: for public data only."""

    def names(self, existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
        """As of :func:`keep_source_ids`."""
        return keep_source_ids(paths)

    def matches(self, existing: pd.DataFrame) -> bool:
        """Whether all are source ids."""
        return bool((existing["subject_id"] == existing["source_id"]).all())


@dataclass(frozen=True)
class Pseudonyms:
    """``sub-1f0c93be7a42``, ...: the same in every study that knows the secret."""

    salt: bytes

    def names(self, existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
        """As of :func:`assign_pseudonyms`."""
        return assign_pseudonyms(paths, self.salt)

    def matches(self, existing: pd.DataFrame) -> bool:
        """Whether all are made with this secret."""
        expected = "sub-" + existing["source_id"].map(lambda source_id: pseudonym(source_id, self.salt))
        return bool((existing["subject_id"] == expected).all())


WAYS: Mapping[str, Callable[[str], Naming]] = {"numbered": Numbered, "source_ids": lambda _prefix: SourceIds()}


def parse_naming(names: Names, prefix: str = STUDY) -> Naming:
    """The naming that a catalog entry requests.

    Args:
        names: ``numbered``, ``source_ids``, or ``{salt_file: <path>}`` for pseudonyms with the secret in this file.
        prefix: What numbered keys begin with.

    Raises:
        InvalidParameterError: It is none of these, or the file holds no secret.
    """
    if isinstance(names, Mapping) and names.keys() == {SALT_FILE}:
        return Pseudonyms(read_salt(_salt_path(names[SALT_FILE])))
    if not isinstance(names, str) or names not in WAYS:
        raise InvalidParameterError("names", repr(names), f"{', '.join(WAYS)} or {{{SALT_FILE}: <path>}}")
    return WAYS[names](prefix)


def _salt_path(value: object) -> Path:
    offender = f"names.{SALT_FILE}"
    try:
        path = Path(given_path(value))
    except NotPermittedError as error:
        raise InvalidParameterError(offender, format_value(value), str(error), error.remedy) from None
    if not path.is_absolute():
        # relative to what? A command may be started in any folder of the project
        permitted = "a path from / or ~, outside of the project"
        raise InvalidParameterError(offender, "a relative path", permitted, "write all of it")
    return path


def name_subjects(existing: pd.DataFrame, paths: Mapping[str, str], naming: Naming, entry: str) -> pd.DataFrame:
    """Give every subject of a source its key.

    Args:
        existing: The table of keys so far.
        paths: Where each subject's first file lies, by source id.
        naming: The way to do it.
        entry: The catalog's entry, for the error.

    Raises:
        InvalidCohortError: The study has begun to name its subjects in another way, they cannot be named so, or files
            have names that no table can hold.
    """
    _check_names(paths)
    if not naming.matches(existing):
        raise InvalidCohortError(
            f"{entry}.names",
            "not as this study has begun",
            "one way to name the subjects of a study",
            "set it as it was, or start a new study in another data_root",
        )
    return naming.names(existing, paths)


def is_storable_name(name: str) -> bool:
    """Whether a table can hold the name of a file: UTF-8 without control characters."""
    return _NO_TEXT.search(name) is None


def _check_names(paths: Mapping[str, str]) -> None:
    odd = sum(not is_storable_name(f"{source_id}{path}") for source_id, path in paths.items())
    if odd:
        raise InvalidCohortError(
            "names of files and folders",
            f"{odd} of {len(paths)} subjects have names that are no text",
            "names in UTF-8, without line breaks and other control characters",
            "rename the files, for example with: convmv -f latin1 -t utf8",
        )
