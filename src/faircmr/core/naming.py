"""The three ways to name the subjects of a study: by number, by a pseudonym, by the source's own id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidParameterError
from faircmr.core.given_paths import given_path
from faircmr.core.keys import STUDY, UNLABELLED, assign_keys, assign_pseudonyms, keep_source_ids
from faircmr.core.pseudonyms import pseudonym, read_salt
from faircmr.core.validation import NotPermittedError, shown_value

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
        """The table of keys of :func:`~faircmr.core.keys.assign_keys`.

        Raises:
            InvalidCohortError: Subjects cannot be named so.
        """

    def gave(self, existing: pd.DataFrame) -> bool:
        """Whether these keys may have been given in this way."""


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
        """As of :func:`~faircmr.core.keys.assign_keys`."""
        return assign_keys(existing, paths, self.prefix)

    def gave(self, existing: pd.DataFrame) -> bool:
        """Whether all are numbers; a source may well call its subjects sub-0001 itself."""
        return bool(existing["subject_id"].str.fullmatch(_NUMBERED).astype(bool).all())


class SourceIds:
    """The source's own: for public data only."""

    def names(self, existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
        """As of :func:`~faircmr.core.keys.keep_source_ids`."""
        return keep_source_ids(paths)

    def gave(self, existing: pd.DataFrame) -> bool:
        """Whether all are source ids."""
        return bool((existing["subject_id"] == existing["source_id"]).all())


@dataclass(frozen=True)
class Pseudonyms:
    """``sub-1f0c93be7a42``, ...: the same in every study that knows the secret."""

    salt: bytes

    def names(self, existing: pd.DataFrame, paths: Mapping[str, str]) -> pd.DataFrame:
        """As of :func:`~faircmr.core.keys.assign_pseudonyms`."""
        return assign_pseudonyms(paths, self.salt)

    def gave(self, existing: pd.DataFrame) -> bool:
        """Whether all are made with this secret."""
        expected = "sub-" + existing["source_id"].map(lambda source_id: pseudonym(source_id, self.salt))
        return bool((existing["subject_id"] == expected).all())


WAYS: Mapping[str, Callable[[str], Naming]] = {"numbered": Numbered, "source_ids": lambda _prefix: SourceIds()}


def naming_of(names: Names, prefix: str = STUDY) -> Naming:
    """The way that a catalog entry asks for.

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
        raise InvalidParameterError(offender, shown_value(value), str(error), error.remedy) from None
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
    if not naming.gave(existing):
        raise InvalidCohortError(
            f"{entry}.names",
            "not as this study has begun",
            "one way to name the subjects of a study",
            "set it as it was, or start a new study in another data_root",
        )
    return naming.names(existing, paths)


def is_text(name: str) -> bool:
    """Whether a table can hold the name of a file: UTF-8 without control characters."""
    return _NO_TEXT.search(name) is None


def _check_names(paths: Mapping[str, str]) -> None:
    odd = sum(not is_text(f"{source_id}{path}") for source_id, path in paths.items())
    if odd:
        raise InvalidCohortError(
            "names of files and folders",
            f"{odd} of {len(paths)} subjects have names that are no text",
            "names in UTF-8, without line breaks and other control characters",
            "rename the files, for example with: convmv -f latin1 -t utf8",
        )
