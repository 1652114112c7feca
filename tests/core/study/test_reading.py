"""Spacing that no short-axis image has, and images too large to be held, are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from faircmr.core import InvalidScanError
from faircmr.core.study import DEFAULT_READING, ReadingParameters, check_voxels
from faircmr.core.study.usable_scans import MOST_VOXELS


@pytest.mark.parametrize(
    "spacing",
    [(8.0, 1.4, 1.4), (1.0, 0.3, 0.3), (25.0, 5.0, 5.0), (25.01, 1.4, 1.4), (10.0, 0.29995, 1.4)],
)
def test_plausible_spacing_passes_with_its_rounding(spacing: tuple[float, float, float]):
    DEFAULT_READING.check_spacing(spacing, "image")


@pytest.mark.parametrize(
    "spacing",
    [
        (8000.0, 1400.0, 1400.0),
        (0.008, 0.0014, 0.0014),
        (8.0, 1.4, 6.0),
        (8.0, 6.0, 1.4),
        (8.0, 0.2, 1.4),
        (30.0, 1.4, 1.4),
        (0.5, 1.4, 1.4),
        (float("inf"), 1.4, 1.4),
        (float("nan"), 1.4, 1.4),
    ],
)
def test_implausible_spacing_is_refused_with_both_limits_and_the_parameters(spacing: tuple[float, float, float]):
    with pytest.raises(InvalidScanError, match=r"0\.3 to 5 mm in plane and 1 to 25 mm between slices") as error:
        DEFAULT_READING.check_spacing(spacing, "label")

    assert "the label has a spacing of" in str(error.value)
    assert "reading.spacing_in_plane" in error.value.remedy


def test_limits_are_parameters():
    wide = ReadingParameters(spacing_in_plane=(0.1, 10.0), spacing_between_slices=(0.1, 50.0))

    wide.check_spacing((40.0, 0.2, 8.0), "image")


@pytest.mark.parametrize("limits", [(5.0, 0.3), (0.0, 5.0), (-1.0, 5.0), (0.3, 5000.0), (0.3,)])
def test_limits_that_cannot_be_are_refused(limits: tuple[float, ...]):
    with pytest.raises(ValidationError):
        ReadingParameters.model_validate({"spacing_in_plane": limits})


def test_an_image_of_the_largest_size_passes_and_a_larger_one_does_not():
    check_voxels((128, 512, 512), "image")

    with pytest.raises(InvalidScanError, match=f"at most {MOST_VOXELS} in a volume"):
        check_voxels((129, 512, 512), "image")
