"""What differs between the fit that a folder holds and the one that is asked for, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from faircmr.segmentation.jobs import FitJob, identity, same_fit
from faircmr.segmentation.models import JOB_NAME

BY_SUBJECT = frozenset({"training_subjects", "validation_subjects", "keys", "rois"})
"""Long, and about people: it is said that they differ, not how."""
ABSENT = "absent"


def differences_from(folder: Path, recorded: str, job: FitJob, fingerprint: str) -> tuple[str, ...]:
    """Why work in a folder is not gone on with.

    Args:
        folder: Holds a fit's ``job.json`` and its work.
        recorded: Fingerprint of that work.
        job: The fit that is asked for.
        fingerprint: Its own.

    Returns:
        One phrase a difference; nothing where both are the same fit.
    """
    if same_fit(recorded, fingerprint):
        return ()
    there = _stored(folder / JOB_NAME)
    if there is None:
        return (f"{JOB_NAME} is missing or of another version",)
    here = job.model_dump(mode="json")
    found = named_differences(identity(there), identity(here))
    if job.code and there.get("code", "") != job.code:
        found = (*found, "code of faircmr")
    # a job holds no tensors: where all that it holds is equal, they are what is left
    return found or ("preprocessed subjects",)


def named_differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> tuple[str, ...]:
    """Values that differ, e.g. ``plans.patch is [64, 64] there and [96, 96] here``.

    Args:
        there: JSON of a job, of plans or of other parameters.
        here: As ``there``.
    """
    return tuple(_phrases("", there, here))


def _phrases(place: str, there: Any, here: Any) -> Iterator[str]:
    if there == here:
        return
    if place in BY_SUBJECT:
        yield place.replace("_", " ")
    elif isinstance(there, Mapping) and isinstance(here, Mapping):
        for name in (*here, *(name for name in there if name not in here)):
            yield from _phrases(f"{place}.{name}" if place else name, there.get(name, ABSENT), here.get(name, ABSENT))
    else:
        yield f"{place} is {_shown(there)} there and {_shown(here)} here"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _stored(path: Path) -> dict[str, Any] | None:
    """A job as it was written, by whatever version."""
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return stored if isinstance(stored, dict) else None
