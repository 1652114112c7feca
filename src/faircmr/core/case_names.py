"""Whose image a file is, by its name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from faircmr.core.errors import InvalidCohortError

SUFFIXES = (".nii.gz", ".nii", ".mha", ".nrrd")


def subject_and_phase(name: str, pattern: str) -> tuple[str, str]:
    """Subject and phase (or an empty text) of a case by its file name.

    Args:
        name: File name or path, with or without the suffix of an image.
        pattern: Regular expression of the whole name without its suffix, with the group ``subject`` and, if
            there is one, ``phase``.

    Raises:
        InvalidCohortError: It does not match; the name, which may be a person's, is not quoted.
    """
    stem = PurePosixPath(name.replace("\\", "/")).name
    for suffix in SUFFIXES:
        stem = stem.removesuffix(suffix)
    found = re.fullmatch(pattern, stem)
    if found is None or not found["subject"]:
        raise InvalidCohortError("a case", "its name is not read", f"names that match {pattern}", "set case_pattern")
    return found["subject"], found.groupdict().get("phase") or ""
