"""Rules for file names that every reader shares: suffixes in any case, and files that archives and systems leave."""

from __future__ import annotations

NIFTI_SUFFIXES = (".nii.gz", ".nii")


def is_clutter(name: str) -> bool:
    """Whether a file or folder is no data: hidden (``.DS_Store``, ``._scan.nii``), or macOS's ``__MACOSX``."""
    return name.startswith(".") or name.upper() == "__MACOSX"


def nifti_stem(name: str) -> str | None:
    """Name of a NIfTI file without its suffix.

    Args:
        name: File name without folders.

    Returns:
        ``patient001`` for ``patient001.nii``, ``patient001.nii.gz`` and ``patient001.NII.GZ``; ``None`` for a name
        with another suffix, for clutter (:func:`is_clutter`) and for a suffix alone.
    """
    suffix = next((each for each in NIFTI_SUFFIXES if name.lower().endswith(each)), "")
    stem = name[: len(name) - len(suffix)]
    return stem if suffix and stem and not is_clutter(name) else None
