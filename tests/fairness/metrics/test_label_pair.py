"""What is refused before anything is scored, and how little of an image is looked at."""

import numpy as np
import pytest

from faircmr.core import InvalidScoresError
from faircmr.core.scans import Structure
from faircmr.fairness.metrics import LabelPair
from tests.fairness.metrics.volumes import SHAPE, SPACING, block, empty


def with_label(value, dtype=np.uint8):
    image = empty().astype(dtype)
    image[0, 0, 0] = value
    return image


def test_the_masks_of_a_structure_end_where_both_images_do():
    pair = LabelPair(
        block(slice(1, 3), slice(2, 5), slice(3, 4)), block(slice(2, 4), slice(4, 9), slice(3, 6)), SPACING
    )

    predicted, drawn = pair.masks([Structure.LVBP])[0]

    assert predicted.shape == drawn.shape == (3, 7, 3)
    assert (predicted.sum(), drawn.sum()) == (6, 30)


def test_a_structure_that_is_nowhere_has_masks_without_voxels():
    predicted, drawn = LabelPair(empty(), empty(), SPACING).masks([Structure.LVBP])[0]

    assert predicted.size == drawn.size == 0


def test_the_diagonal_is_that_of_the_whole_image():
    # 3 x 4, 4 x 3 and 10 x 1.6 mm
    pair = LabelPair(empty((3, 4, 10)), empty((3, 4, 10)), (4.0, 3.0, 1.6))

    assert pair.diagonal == pytest.approx((12**2 + 12**2 + 16**2) ** 0.5)


@pytest.mark.parametrize("name", ["prediction", "reference"])
@pytest.mark.parametrize(
    ("image", "message"),
    [
        (with_label(117), r"a label that is no structure; labels 0\.\.3"),
        (with_label(-1, np.int16), r"a label that is no structure; labels 0\.\.3"),
        (empty().astype(np.float32), "values of type float32; whole numbers; convert it to uint8"),
        (empty()[0], r"shape \(12, 12\); a volume of slices, rows and columns"),
        (np.zeros((0, 4, 4), np.uint8), r"shape \(0, 4, 4\); a volume"),
    ],
    ids=["unknown", "negative", "float", "flat", "nothing"],
)
def test_refuses_what_is_no_label_image_without_quoting_voxels(name, image, message):
    with pytest.raises(InvalidScoresError, match=f"^{name}: {message}") as error:
        LabelPair(**{"prediction": empty(), "reference": empty(), name: image}, spacing=SPACING)
    assert "117" not in str(error.value)


def test_refuses_images_of_different_grids_and_says_what_to_do():
    message = r"prediction: \(6, 12, 11\); the shape of its reference, \(6, 12, 12\); resample it"
    with pytest.raises(InvalidScoresError, match=message):
        LabelPair(empty((*SHAPE[:2], 11)), empty(), SPACING)


@pytest.mark.parametrize("spacing", [(8.0, 1.5), (8.0, 1.5, 0.0), (8.0, -1.5, 1.5), (np.nan, 1.0, 1.0), (np.inf, 1, 1)])
def test_refuses_a_spacing_that_is_not_three_lengths(spacing):
    with pytest.raises(InvalidScoresError, match=r"spacing: .*; three lengths in mm, each more than 0"):
        LabelPair(empty(), empty(), spacing)
