"""What two sets of scores must share to stand in one table, as one readable string.

A study key lists the parts of a study with a digest each, ``training:1a2b plans:3c4d splits:5e6f``,
so that a refusal can name the part that differs.
"""

from __future__ import annotations

from collections.abc import Mapping

from faircmr.core.errors import StudyMismatchError


def compose_study_key(digests: Mapping[str, str]) -> str:
    """Join the digests of a study's parts, sorted by name.

    Args:
        digests: Digest of each part (``training``, ``plans``, ``splits``, ``cohort``); neither
            names nor digests hold spaces or colons.

    Returns:
        The study key.
    """
    return " ".join(f"{name}:{digests[name]}" for name in sorted(digests))


def check_same_study(study_keys: Mapping[str, str]) -> None:
    """Refuse to compare results of different studies.

    Args:
        study_keys: Study key of each strategy.

    Raises:
        StudyMismatchError: Two strategies have different keys; names both and the parts that differ.
    """
    names = list(study_keys)
    for name in names[1:]:
        differing = _differing_parts(study_keys[names[0]], study_keys[name])
        if differing:
            raise StudyMismatchError(
                f"{names[0]} and {name}",
                f"scored under different {', '.join(differing)}",
                "strategies of one study in one table",
                "run both again with the same settings",
            )


def _differing_parts(first: str, second: str) -> list[str]:
    parts, others = _digests(first), _digests(second)
    return sorted(name for name in parts.keys() | others.keys() if parts.get(name) != others.get(name))


def _digests(study_key: str) -> dict[str, str]:
    return {name: digest for name, _, digest in (part.partition(":") for part in study_key.split())}
