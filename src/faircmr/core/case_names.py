"""Parse the subject id and phase from the name of a case, and find a pattern that fits some names."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from faircmr.core.errors import InvalidCohortError

SUFFIXES = (".nii.gz", ".nii", ".mha", ".nrrd")
"""Of images, in any case."""
_PARTS = re.compile(r"[^_\-. ]+")
_DIGITS = re.compile(r"[0-9]+")
MOST_FORMS = 4
"""Ways to continue an id that a suggested pattern lists; with more of them they are no phases."""


def subject_and_phase(name: str, pattern: str, setting: str) -> tuple[str, str]:
    """Subject and phase (or an empty text) of a case by its file name.

    Args:
        name: File name or path, with or without the suffix of an image.
        pattern: Regular expression of the whole name without its suffix, with the group ``subject`` and, if
            there is one, ``phase``.
        setting: The setting of the pattern, for the error.

    Raises:
        InvalidCohortError: It does not match; the name, which may be a person's, is not quoted.
    """
    found = re.fullmatch(pattern, _stem(name))
    if found is None or not found["subject"]:
        raise InvalidCohortError("a case", "its name is not read", f"names that match {pattern}", f"set {setting}")
    return found["subject"], found.groupdict().get("phase") or ""


def fitting_pattern(names: Sequence[str], subjects: Collection[str]) -> str | None:
    """A pattern that finds known subjects in the names of cases.

    Args:
        names: File names or paths, as for :func:`subject_and_phase`.
        subjects: Ids that are known from a table.

    Returns:
        A pattern by which every name has a subject, most of them known, and no two names have the same subject and
        phase; ``None`` where none is found. What surrounds the ids is in it as a class of digits and as words that at
        least two subjects share, so that it names nobody.
    """
    stems, known = [_stem(name) for name in dict.fromkeys(names)], frozenset(subjects)
    around: dict[tuple[str, str], set[str]] = defaultdict(set)
    for stem in stems:
        for before, subject, after in _divisions(stem, known):
            around[_without_digits(before), _without_digits(after)].add(subject)
    shared = [form for form, found in around.items() if len(found) > 1]
    if not shared or len(shared) > MOST_FORMS:
        return None
    befores, afters = (list(dict.fromkeys(ends)) for ends in zip(*shared, strict=True))
    phase = f"(?P<phase>{'|'.join(sorted(filter(None, afters), key=len, reverse=True))})" if any(afters) else ""
    front = befores[0] if len(befores) == 1 else f"(?:{'|'.join(befores)})"
    pattern = f"{front}(?P<subject>.+?){phase}{'?' if phase and '' in afters else ''}"
    return pattern if _fits(pattern, stems, known) else None


def _stem(name: str) -> str:
    stem = PurePosixPath(name.replace("\\", "/")).name
    for suffix in SUFFIXES:
        if stem.lower().endswith(suffix):
            stem = stem[: len(stem) - len(suffix)]
    return stem


def _divisions(stem: str, known: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """What is before, in and after each known id in a name; an id is one or more of its parts."""
    starts, ends = ([place(part) for part in _PARTS.finditer(stem)] for place in (re.Match.start, re.Match.end))
    for start, end in ((start, end) for start in starts for end in ends if end > start):
        if stem[start:end] in known:
            yield stem[:start], stem[start:end], stem[end:]


def _without_digits(text: str) -> str:
    return r"\d+".join(re.escape(part) for part in _DIGITS.split(text))


def _fits(pattern: str, stems: Sequence[str], known: frozenset[str]) -> bool:
    found = [re.fullmatch(pattern, stem) for stem in stems]
    read = [(one["subject"], one.groupdict().get("phase") or "") for one in found if one is not None]
    matching = sum(subject in known for subject, _ in read)
    return len(read) == len(stems) == len(set(read)) and 2 * matching > len(stems)
