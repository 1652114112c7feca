"""Planning by nnU-Net's rules: the plans of ACDC as nnU-Net makes them, and what must hold for any data."""

from math import prod
from pathlib import Path

import nibabel
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from faircmr.core.errors import InvalidCohortError
from faircmr.segmentation.planning import plan
from faircmr.segmentation.plans import PlanOverrides

COLUMNS = ["slices", "rows", "columns", "spacing_slice", "spacing_row", "spacing_column"]
grids = st.tuples(
    st.integers(1, 20),
    st.integers(8, 400),
    st.integers(8, 400),
    st.floats(5, 10),
    st.floats(0.8, 3),
    st.floats(0.8, 3),
)


def scans_of(*grid: tuple[float, ...]) -> pd.DataFrame:
    return pd.DataFrame(grid, columns=COLUMNS)


def test_acdc_is_planned_as_nnunet_plans_it(acdc_root: Path):
    # nnU-Net v2.8.1, `plan_and_preprocess -c 2d` of these 80 volumes (without every fifth subject)
    subjects = [folder for number, folder in enumerate(sorted(acdc_root.glob("patient*")), start=1) if number % 5]
    headers = [nibabel.load(path).header for folder in subjects for path in folder.glob("*frame??.nii.gz")]
    grid = [(*header.get_data_shape()[::-1], *map(float, header.get_zooms()[::-1])) for header in headers]
    assert len(grid) == 80

    plans = plan(scans_of(*grid), PlanOverrides())

    assert plans.spacing == (1.5625, 1.5625)
    assert plans.patch == (256, 224)
    assert plans.batch_size == 48
    assert plans.filters == (32, 64, 128, 256, 512, 512)
    assert plans.strides == ((1, 1), *((2, 2),) * 5)
    assert set(plans.kernels) == {(3, 3)}
    assert plans.deep_supervision_heads == 4, "five resolutions, the lowest without weight"


@given(st.lists(grids, min_size=1, max_size=5))
def test_any_data_set_gets_a_network_that_halves_down_to_four_pixels_or_more(grid: list[tuple[float, ...]]):
    plans = plan(scans_of(*grid), PlanOverrides())

    assert all(size // reduction >= 4 for size, reduction in zip(plans.patch, plans.reduction, strict=True))
    assert len(plans.filters) >= 3
    assert plans.filters[0] == 32
    assert max(plans.filters) <= 512
    assert plans.batch_size >= 2


def test_an_axis_that_is_coarse_is_halved_only_when_the_fine_one_has_caught_up():
    plans = plan(scans_of((10, 128, 128, 8.0, 1.0, 2.0)), PlanOverrides())

    assert plans.strides[:3] == ((1, 1), (2, 1), (2, 2))
    assert plans.kernels[:2] == ((3, 1), (3, 3))


def test_single_values_can_be_fixed_and_the_rest_follows():
    overrides = PlanOverrides(spacing=(2.0, 2.0), patch=(60, 64), batch_size=24, base_filters=16, stages=4)

    plans = plan(scans_of((10, 200, 200, 8.0, 1.0, 1.0)), overrides)

    assert (plans.spacing, plans.batch_size) == ((2.0, 2.0), 24)
    assert plans.patch == (64, 64), "rounded up to what three halvings divide"
    assert plans.filters == (16, 32, 64, 128)


def test_a_smaller_memory_makes_a_smaller_batch():
    scans = scans_of(*[(12, 256, 256, 8.0, 1.4, 1.4)] * 500)

    large, small = (plan(scans, PlanOverrides(memory_gb=memory)).batch_size for memory in (8.0, 4.0))

    assert small == pytest.approx(large / 2, abs=1)


def test_a_batch_covers_five_percent_of_the_data_at_most():
    scans = scans_of((10, 128, 128, 8.0, 1.5, 1.5), (10, 128, 128, 8.0, 1.5, 1.5), (10, 128, 128, 8.0, 1.5, 1.5))

    plans = plan(scans, PlanOverrides())

    assert plans.batch_size * prod(plans.patch) <= 2 * prod(plans.patch) + 0.05 * 3 * 10 * 128 * 128


def test_a_patch_too_small_for_a_network_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 16"):
        PlanOverrides(patch=(12, 64))


def test_nothing_to_plan_for_is_an_error():
    with pytest.raises(InvalidCohortError, match="scans: none; at least one scan"):
        plan(scans_of(), PlanOverrides())
