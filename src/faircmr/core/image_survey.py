"""All images of a study, seen once: their quality, and what they look like."""

from __future__ import annotations

from dataclasses import asdict
from typing import NamedTuple

import pandas as pd

from faircmr.core.anatomy import Phase
from faircmr.core.cohort import Cohort, ScanKey
from faircmr.core.image_quality import image_quality
from faircmr.core.near_duplicates import FEATURES, describe_image, voxel_digest
from faircmr.core.parallel import in_order


class ImageSurvey(NamedTuple):
    """Two tables of one row a scan.

    Attributes:
        quality: ``subject_id``, ``phase`` and the attributes of :class:`~faircmr.core.image_quality.ImageQuality`.
        descriptors: ``subject_id``, ``phase``, ``digest`` of the voxels, and the features that
            :func:`~faircmr.core.near_duplicates.near_duplicates` compares.
    """

    quality: pd.DataFrame
    descriptors: pd.DataFrame


def survey_images(cohort: Cohort, scans: pd.DataFrame) -> ImageSurvey:
    """Look at every scan of a study.

    Args:
        cohort: Any cohort; ``cohort.readers`` scans are in memory at a time.
        scans: ``subject_id`` and ``phase`` of those that take part.

    Raises:
        InvalidScanError: Some scan can no longer be used; the first one is named by study key and phase.
    """
    keys = [
        (str(subject_id), Phase(phase)) for subject_id, phase in zip(scans["subject_id"], scans["phase"], strict=True)
    ]

    def look(key: ScanKey) -> tuple[dict[str, object], dict[str, object]]:
        scan = cohort.read(*key)
        name = {"subject_id": key[0], "phase": str(key[1])}
        features = dict(zip(FEATURES, describe_image(scan.image), strict=True))
        return name | asdict(image_quality(scan)), name | {"digest": voxel_digest(scan.image)} | features

    seen = list(in_order(look, keys, cohort.readers))
    quality, descriptors = (pd.DataFrame([pair[side] for pair in seen]) for side in (0, 1))
    return ImageSurvey(quality, descriptors)
