"""Rotation, scaling and mirroring change image and label in the same way."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from faircmr.segmentation import AugmentationParameters, FactorRange, PositiveRange, RandomRange
from faircmr.segmentation.data import crop_shape
from faircmr.segmentation.data.augmentation import _moved_label, crop_centre, draw_strengths, mirror, rotate_and_scale

NEVER = {"probability": 0.0, "low": 1.0, "high": 1.0}
LABEL = torch.zeros(2, 33, 33, dtype=torch.uint8)
LABEL[:, 16, 16:24] = 1
IMAGE = LABEL.unsqueeze(1).float()


def only(rotation: float = 0.0, scaling: float = 1.0) -> AugmentationParameters:
    return AugmentationParameters(
        rotation=RandomRange(probability=float(rotation != 0), low=rotation, high=rotation),
        scaling=PositiveRange(probability=float(scaling != 1), low=scaling, high=scaling),
    )


def moved(augmentation: AugmentationParameters) -> tuple[torch.Tensor, torch.Tensor]:
    return rotate_and_scale(IMAGE, LABEL, (21, 21), augmentation, torch.Generator().manual_seed(0))


def test_nothing_happens_with_probability_zero():
    image, label = moved(only())

    assert torch.equal(image, IMAGE[..., 6:27, 6:27])
    assert torch.equal(label, LABEL[..., 6:27, 6:27])


def test_a_quarter_turn_takes_rows_to_columns():
    image, label = moved(only(rotation=90.0))

    line = label[0, :, 10].nonzero().flatten().tolist()
    assert len(line) in {7, 8}, "the line of eight pixels stands upright, from the centre"
    assert label[0].sum() == len(line)
    torch.testing.assert_close(image[0, 0], torch.rot90(IMAGE[0, 0])[6:27, 6:27], atol=1e-4, rtol=0)


def test_a_larger_extent_shrinks_as_in_nnunet():
    """Its ``SpatialTransform`` says of its scaling: larger numbers = smaller objects."""
    label = moved(only(scaling=2.0))[1]

    assert label[0, 10].sum() == pytest.approx(4, abs=1)


def test_what_lies_outside_is_zero():
    image, label = rotate_and_scale(
        torch.ones(1, 1, 21, 21),
        torch.ones(1, 21, 21, dtype=torch.uint8),
        (21, 21),
        only(scaling=2.0),
        torch.Generator(),
    )

    assert image[0, 0, 0, 0] == 0
    assert label[0, 0, 0] == 0
    assert image[0, 0, 10, 10] == pytest.approx(1)


@given(st.integers(8, 64), st.integers(8, 64), st.floats(1.0, 3.0))
def test_a_crop_fills_any_turned_and_shrunk_patch_and_shares_its_centre(rows: int, columns: int, largest: float):
    augmentation = AugmentationParameters(scaling=PositiveRange(probability=1, low=0.7, high=largest))

    crop = crop_shape((rows, columns), augmentation)

    for size, patch in zip(crop, (rows, columns), strict=True):
        assert size >= (rows**2 + columns**2) ** 0.5 * largest - 1e-6
        assert (size - patch) % 2 == 0


def test_a_crop_is_the_patch_where_nothing_moves():
    still = AugmentationParameters.model_validate({"rotation": NEVER, "scaling": NEVER})

    assert crop_shape((16, 24), still) == (16, 24)


def test_mirroring_flips_image_and_label_alike_and_not_always():
    image = torch.arange(2000.0).reshape(500, 1, 2, 2)
    label = image[:, 0].clone()

    flipped, flipped_label = mirror(image.clone(), label, 0.5, torch.Generator().manual_seed(0))

    assert torch.equal(flipped[:, 0], flipped_label)
    corner = flipped[:, 0, 0, 0] - image[:, 0, 0, 0]
    counts = [int((corner == moved).sum()) for moved in (0, 1, 2, 3)]
    assert sum(counts) == 500
    assert min(counts) > 90, "none, rows, columns and both, a quarter each"


def test_the_centre_is_what_lies_around_the_middle():
    assert crop_centre(torch.arange(36).reshape(1, 6, 6), (2, 2)).tolist() == [[[14, 15], [20, 21]]]


def test_half_of_the_factors_lie_below_one_and_half_above():
    """As batchgeneratorsv2's ``BGContrast``: uniform in 0.7..1, and in 1..1.5."""
    drawn = draw_strengths(
        20_000, FactorRange(probability=1.0, low=0.7, high=1.5), torch.Generator().manual_seed(0)
    ).numpy()

    below, above = drawn[drawn < 1], drawn[drawn >= 1]
    assert len(below) / len(drawn) == pytest.approx(0.5, abs=0.02)
    assert (below.min(), below.mean()) == pytest.approx((0.7, 0.85), abs=0.005)
    assert (above.max(), above.mean()) == pytest.approx((1.5, 1.25), abs=0.005)


def test_a_moved_label_is_the_largest_of_interpolated_masks():
    label = torch.randint(0, 4, (2, 40, 40), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    grid = functional.affine_grid(
        torch.tensor([[[0.8, 0.3, 0.0], [-0.3, 0.8, 0.0]]] * 2), [2, 1, 20, 20], align_corners=False
    )

    moved = _moved_label(label, grid)

    masks = torch.stack([(label == value).float() for value in range(4)], dim=1)
    expected = functional.grid_sample(masks, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    assert moved.equal(expected.argmax(dim=1).to(torch.uint8))
    assert moved.dtype == torch.uint8
