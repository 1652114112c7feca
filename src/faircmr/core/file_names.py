"""Rules for file names that every reader shares: suffixes in any case, and files that archives and systems leave."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

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
