"""Limits of a cohort's checks, declared before anybody looks at the cohort."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from faircmr.core.parameters import Parameters

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class CohortCheckParameters(Parameters):
    """From where on a cohort is warned of. The size of a group, alpha, draws and seed are those of the audit.

    Attributes:
        score_sd: SD over subjects of the score that will be audited, in points, which the power is computed with.
            The paper prints none; 2.5 is what the audit's own tests were measured with (docs/decisions/0021). Twice
            the SD, twice the gap.
        power: Share of studies that are to find a gap.
        largest_detectable_gap: A gap, in points, that the test set must be able to find. The paper's baseline is 5 to
            10 points worse for the smallest groups; a reader cares for less.
        training_subjects: Fewest training subjects of a protected group, in every fold. A convention, not a measured
            limit.
        training_imbalance: How many times as many training subjects the largest group may have as the smallest. In the
            paper White subjects are four of five, and the smallest groups are served worst.
        missing: Share of missing values of a column within a group above which a complete-case analysis is of
            somebody else.
        standardised_difference: Smallest difference of a group from the rest, in SD, that is worth a word: Cohen's
            "small effect". With thousands of subjects anything is significant.
        duplicate_distance: Largest distance of two descriptors that counts as one image; see
            :func:`faircmr.core.near_duplicates.near_duplicates` for the distances that were measured.
        truncated: Share of scans whose label touches a side of the image.
        open_ended: Share of scans whose label reaches the outermost slice at the base or at the apex. Stacks that
            were cut to the heart (ACDC: 82 %) have many, so that volumes are lower bounds.
        labels_swapped: Share of scans whose label shows another structure than LVBP enclosed by another than LVM; none
            of 100 scans of ACDC does. Above one half the check fails.
        saturated: Share of voxels at the largest value, mean over scans. Exports that clip at percentile 99 have 0.01.
        quarantined: Share of the subjects that cannot be used.
    """

    score_sd: float = Field(default=2.5, gt=0.0)
    power: float = Field(default=0.8, gt=0.5, lt=1.0)
    largest_detectable_gap: float = Field(default=3.0, gt=0.0)
    training_subjects: int = Field(default=10, ge=1)
    training_imbalance: float = Field(default=10.0, ge=1.0)
    missing: Share = 0.05
    standardised_difference: float = Field(default=0.2, ge=0.0)
    duplicate_distance: float = Field(default=0.1, gt=0.0)
    truncated: Share = 0.02
    open_ended: Share = 0.5
    labels_swapped: Share = 0.02
    saturated: Share = 0.02
    quarantined: Share = 0.02
