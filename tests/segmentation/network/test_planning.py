"""Planning by nnU-Net's rules: nnU-Net's plans of ACDC, and properties of plans for any data."""

from math import prod
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from faircmr.core import InvalidParameterError
from faircmr.core.study import index_scans
from faircmr.datasets import CohortDataset
from faircmr.segmentation.network import PlanOverrides, Plans, make_plans, take_fingerprint
from faircmr.segmentation.network.planning import activations
from tests.segmentation.grids import scans_of

grids = st.tuples(
    st.integers(1, 20),
    st.integers(8, 400),
    st.integers(8, 400),
    st.floats(5, 20),
    st.floats(0.8, 3),
    st.floats(0.8, 3),
)
SHORT_AXIS = (10, 256, 256, 10.0, 1.4, 1.4)
FREE = PlanOverrides()


def planned(*grid: tuple[float, ...], **overrides: object) -> Plans:
    return make_plans(take_fingerprint(scans_of(*grid)), PlanOverrides.model_validate(overrides))


@pytest.fixture(scope="module")
def training_scans(acdc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to the folders of the 40 training subjects: all but every fifth in name order."""
    root = tmp_path_factory.mktemp("acdc")
    for number, folder in enumerate(sorted(acdc_root.glob("patient*")), start=1):
        if number % 5:
            (root / folder.name).symlink_to(folder, target_is_directory=True)
    return root


def test_acdc_is_planned_as_nnunet_plans_it(training_scans: Path, tmp_path: Path):
    # nnU-Net v2.8.1, `plan_and_preprocess -c 2d` of these 80 volumes
    cohort = CohortDataset("faircmr.sources.acdc.Acdc", str(training_scans), str(tmp_path / "key.csv")).load()
    scans = index_scans(cohort).scans
    assert len(scans) == 80
    assert (scans["cropped_columns"] < scans["columns"]).any(), "some have a margin of zeros"

    plans = make_plans(take_fingerprint(scans), FREE)

    assert plans.spacing == (1.5625, 1.5625)
    assert plans.patch == (256, 224)
    assert plans.batch_size == 48
    assert plans.filters == (32, 64, 128, 256, 512, 512)
    assert plans.strides == ((1, 1), *((2, 2),) * 5)
    assert set(plans.kernels) == {(3, 3)}
    assert plans.deep_supervision_heads == 4, "five resolutions, the lowest without weight"


@given(st.lists(grids, min_size=1, max_size=5))
def test_any_data_set_gets_a_network_that_halves_down_to_four_pixels_or_more(grid: list[tuple[float, ...]]):
    plans = planned(*grid)

    assert all(size // reduction >= 4 for size, reduction in zip(plans.patch, plans.reduction, strict=True))
    assert len(plans.filters) >= 3
    assert plans.filters[0] == 32
    assert max(plans.filters) <= 512
    assert plans.batch_size >= 2


@pytest.mark.parametrize(
    ("grid", "spacing"),
    [
        ((1, 200, 200, 8.0, 1.5, 1.5), (1.5, 1.5)),
        ((10, 200, 200, 25.0, 1.25, 1.25), (1.25, 1.25)),
        ((10, 256, 32, 8.0, 1.0, 12.0), (1.0, 12.0)),
    ],
    ids=["one slice", "slices 20 times as far apart as pixels", "pixels 12 times as long as wide"],
)
def test_unusual_grids_are_planned_in_plane(grid: tuple[float, ...], spacing: tuple[float, float]):
    plans = planned(grid, grid)

    assert plans.spacing == spacing
    assert all(grid[axis + 1] <= plans.patch[axis] < grid[axis + 1] + 64 for axis in (0, 1))


def test_a_median_image_that_ends_in_half_a_pixel_fits_the_patch_as_in_nnunet():
    plans = planned((10, 320, 400, 10.0, 1.5, 1.5), (10, 321, 400, 10.0, 1.5, 1.5))

    assert plans.patch == (384, 448), "nnU-Net v2.8.1 pads 320.5 to the next multiple of 64"


def test_pixels_too_coarse_for_three_stages_are_refused_by_the_name_of_the_value():
    with pytest.raises(InvalidParameterError, match=r"plans\.filters: \(32, 64\); .*at least 3"):
        planned((10, 16, 16, 8.0, 1.0, 12.0))


def test_single_values_can_be_fixed_and_the_rest_follows():
    plans = planned(
        (10, 200, 200, 8.0, 1.0, 1.0), spacing=(2.0, 2.0), patch=(60, 64), batch_size=24, base_filters=16, stages=4
    )

    assert (plans.spacing, plans.batch_size) == ((2.0, 2.0), 24)
    assert plans.patch == (64, 64), "rounded up to what three halvings divide"
    assert plans.filters == (16, 32, 64, 128)


VALUES = {
    "spacing": (2.0, 1.5),
    "patch": (128, 96),
    "batch_size": 7,
    "filters": (8, 16, 24),
    "kernels": ((3, 1), (3, 3), (5, 5), (3, 3)),
    "strides": ((1, 1), (2, 1), (2, 2), (1, 2)),
    "deep_supervision_heads": 2,
}


@pytest.mark.parametrize("name", VALUES)
def test_every_value_can_be_fixed_by_itself(name: str):
    free, plans = planned(SHORT_AXIS), planned(SHORT_AXIS, **{name: VALUES[name]})

    assert getattr(plans, name) == VALUES[name] != getattr(free, name)


def test_every_value_of_the_plans_but_those_of_the_anatomy_is_among_them():
    assert VALUES.keys() == Plans.model_fields.keys() - {"channels", "structures"}
    assert Plans.model_fields.keys() - PlanOverrides.model_fields.keys() == {"channels", "structures"}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"filters": (8, 16, 32), "kernels": ((3, 3),) * 4}, "kernels lists 4 stages and filters 3"),
        ({"strides": ((1, 1), *((2, 2),) * 9)}, "kernels lists 7 stages and filters 10"),
        ({"stages": 3, "deep_supervision_heads": 3}, "deep_supervision_heads is 3: 3 stages have at most 2"),
        ({"patch": (16, 16), "strides": ((1, 1), (4, 4), (4, 4))}, r"patch is \(16, 16\) .* at least twice"),
        ({"kernels": ((3, 3), (2, 2), (3, 3))}, "every size must be odd"),
        ({"strides": ((2, 2), (2, 2), (2, 2))}, r"the first stride is \(2, 2\)"),
    ],
    ids=str,
)
def test_values_that_describe_no_network_are_refused(overrides: dict[str, object], message: str):
    with pytest.raises(InvalidParameterError, match=rf"^plans: .*{message}"):
        planned((10, 260, 260, 8.0, 1.4, 1.4), **overrides)


def test_a_smaller_memory_makes_a_smaller_batch():
    scans = [(12, 256, 256, 8.0, 1.4, 1.4)] * 500

    large, small = (planned(*scans, memory_gb=memory).batch_size for memory in (8.0, 4.0))

    assert small == pytest.approx(large / 2, abs=1)


@given(st.integers(64, 600), st.integers(64, 600), st.floats(0.05, 1.0))
def test_a_patch_of_which_the_memory_does_not_hold_two_is_made_smaller(rows: int, columns: int, memory: float):
    grid = (10, rows, columns, 8.0, 1.4, 1.4)

    plans = planned(grid, memory_gb=memory)

    assert plans.batch_size * activations(plans) <= 85e6 * 12 * memory / 8 * (1 + 0.5 / plans.batch_size)
    assert all(side <= whole for side, whole in zip(plans.patch, planned(grid).patch, strict=True))


def test_a_patch_that_is_asked_for_stays_whatever_the_memory():
    assert planned(SHORT_AXIS, patch=(256, 256), memory_gb=0.01).patch == (256, 256)


def test_a_memory_that_holds_no_patch_is_refused():
    with pytest.raises(InvalidParameterError, match=r"plans\.memory_gb: 0\.001; memory for 2 patches of 16 pixels"):
        planned(SHORT_AXIS, memory_gb=0.001)


def test_a_batch_covers_five_percent_of_the_data_at_most():
    plans = planned(*[(10, 128, 128, 8.0, 1.5, 1.5)] * 3)

    assert plans.batch_size * prod(plans.patch) <= 2 * prod(plans.patch) + 0.05 * 3 * 10 * 128 * 128


def test_a_patch_too_small_for_a_network_is_refused():
    with pytest.raises(ValidationError, match="greater than or equal to 16"):
        PlanOverrides(patch=(12, 64))
