"""Names of files, cases and folders: what they mean, and which are permitted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath

from faircmr.core import LONGEST_NAME, InvalidCohortError, NotPermittedError

NIFTI_SUFFIXES = (".nii.gz", ".nii")
_USUAL = NIFTI_SUFFIXES[0]
TABLE_SUFFIXES = (".csv", ".parquet")
MACOS_FOLDER = "__MACOSX"
"""Where macOS keeps what it adds to an archive."""
_MACOS_LENGTH = len(MACOS_FOLDER)


def is_clutter(name: str) -> bool:
    """Whether a file or folder is no data: hidden (``.DS_Store``, ``._scan.nii``), or macOS's ``__MACOSX``."""
    # lengths first: this is asked of every file of a cohort
    return name.startswith(".") or (len(name) == _MACOS_LENGTH and name.upper() == MACOS_FOLDER)


def has_suffix(name: str, suffixes: str | tuple[str, ...]) -> bool:
    """Whether a name ends in one of some suffixes, in any case, and is no clutter.

    Args:
        name: File name without folders.
        suffixes: In lower case, with their point.
    """
    return name.lower().endswith(suffixes) and not is_clutter(name)


def nifti_stem(name: str) -> str | None:
    """Name of a NIfTI file without its suffix.

    Args:
        name: File name without folders.

    Returns:
        ``patient001`` for ``patient001.nii``, ``patient001.nii.gz`` and ``patient001.NII.GZ``; ``None`` for a name
        with another suffix, for clutter (:func:`is_clutter`) and for a suffix alone.
    """
    return stem_before(name, NIFTI_SUFFIXES)


def stem_before(name: str, suffixes: tuple[str, ...]) -> str | None:
    """Name of a file without one of some suffixes.

    Args:
        name: File name without folders.
        suffixes: In lower case, with their point; the longer first where one ends in another.

    Returns:
        ``None`` for a name with another suffix, for clutter and for a suffix alone.
    """
    lower = name.lower()
    for suffix in suffixes:
        if lower.endswith(suffix):
            stem = name[: len(name) - len(suffix)]
            return stem if stem and not is_clutter(name) else None
    return None


def is_nifti(name: str) -> bool:
    """Whether a file is NIfTI by its name."""
    return nifti_stem(name) is not None


def nifti_by_stem(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """NIfTI files by their names without the suffix.

    Args:
        names: Names of the files of one folder.

    Returns:
        All files of each stem, sorted: two where ``scan.nii`` lies next to ``scan.nii.gz``.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        # most names of a large cohort end so
        is_usual = name.endswith(_USUAL) and not name.startswith(".") and name != _USUAL
        stem = name[: -len(_USUAL)] if is_usual else nifti_stem(name)
        if stem is not None:
            found[stem] = (name,) if stem not in found else tuple(sorted((*found[stem], name)))
    return found


def copies(files: Mapping[str, Collection[str]]) -> int:
    """How many stems of :func:`nifti_by_stem` have several files, of which nobody can tell the right one."""
    return sum(len(names) > 1 for names in files.values())


def named(names: Iterable[str], wanted: str) -> tuple[str, ...]:
    """The files that have a fixed name such as ``Info.cfg``, in any case: one, none, or several; sorted."""
    lower = wanted.lower()
    return tuple(sorted(name for name in names if name.lower() == lower))


def table_suffix(name: str) -> str | None:
    """Suffix of a table in lower case: ``.csv`` of ``people.CSV``; ``None`` for a name with another suffix.

    Args:
        name: File name without folders. A user names the file, so that it may begin with a point.
    """
    return next((each for each in TABLE_SUFFIXES if name.lower().endswith(each)), None)


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


_STRATEGY = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)
_NNUNET_DATASET = re.compile(r"Dataset\d{3}_[A-Za-z0-9]\w*", re.ASCII)


def strategy_name(value: str) -> str:
    """The name of a strategy.

    Raises:
        NotPermittedError: No strategy can be called so.
    """
    if _STRATEGY.fullmatch(value) is None or len(value) > LONGEST_NAME:
        permitted = f"the name of a strategy, of at most {LONGEST_NAME} letters, digits and _"
        raise NotPermittedError(permitted, "e.g. baseline")
    return value


def nnunet_dataset_name(value: str) -> str:
    """The name of a raw data set's folder, as nnU-Net takes it.

    Raises:
        NotPermittedError: nnU-Net would not take it.
    """
    if _NNUNET_DATASET.fullmatch(value) is None or len(value) > LONGEST_NAME:
        permitted = f"Dataset<three digits>_<letters and digits>, at most {LONGEST_NAME} characters"
        raise NotPermittedError(permitted, "e.g. Dataset101_Study")
    return value
