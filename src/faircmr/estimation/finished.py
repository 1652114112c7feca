"""Whether a fit that is planned is one that is finished."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from faircmr.segmentation.jobs import identity


def job_digest(job: Mapping[str, Any]) -> str:
    """Digest of all that a job says of its weights but the heart's regions, which are not known before training.

    It knows neither images nor code: where one of them has changed since, a run may train the fit again.

    Args:
        job: As JSON has it.
    """
    content = json.dumps(_without_rois(identity(job)), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _without_rois(content: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in content.items() if name != "rois"}
    if isinstance(before := rest.get("after"), Mapping):
        rest["after"] = _without_rois(before)
    return rest
