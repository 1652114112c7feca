"""Dice of whole volumes: against its definition, by hand, and at its edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from faircmr.core import InvalidScoresError
from faircmr.core.scans import Structure
from faircmr.fairness.metrics.scan import dice_score

SHAPE = (2, 4, 3)
labels = arrays(np.uint8, SHAPE, elements=st.integers(0, 3))


def volume(**voxels: int) -> np.ndarray:
    """One row of voxels: so many of each structure, one after the other, then background."""
    values = [Structure[name] for name, count in voxels.items() for _ in range(count)]
    return np.array(values + [0] * (12 - len(values)), dtype=np.uint8).reshape(1, 1, 12)


def test_is_twice_the_overlap_over_the_sum_of_both_sizes():
    # LVBP: 4 and 6 voxels, 4 shared; LVM: 4 and 3 voxels, 2 shared (positions 4..7 against 6..8)
    score = dice_score(volume(LVBP=4, LVM=4), volume(LVBP=6, LVM=3), [Structure.LVBP, Structure.LVM])

    assert score == pytest.approx([8 / 10, 4 / 7])


def test_counts_all_slices_of_a_volume_together():
    prediction, reference = np.zeros((2, 2, 1, 10), np.uint8)
    prediction[0, 0, :8] = reference[0, 0, :8] = Structure.LVBP  # a large slice, found whole
    reference[1, 0, :2] = Structure.LVBP  # a small one, missed: a mean over slices would say 0.5

    assert dice_score(prediction, reference, [Structure.LVBP]) == pytest.approx([16 / 18])


def test_scores_the_structures_asked_for_in_their_order():
    both = volume(LVBP=2, RVBP=3)

    forward = dice_score(both, volume(LVBP=2), [Structure.LVBP, Structure.RVBP])
    backward = dice_score(both, volume(LVBP=2), [Structure.RVBP, Structure.LVBP])

    assert forward.tolist() == backward[::-1].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(("predicted", "true"), [(0, 5), (5, 0)], ids=["missed", "invented"])
def test_scores_zero_where_only_one_image_holds_the_structure(predicted, true):
    assert dice_score(volume(RVBP=predicted), volume(RVBP=true), [Structure.RVBP]) == [0.0]


def test_is_no_score_where_neither_image_holds_the_structure():
    assert np.isnan(dice_score(volume(LVBP=3), volume(LVBP=3), [Structure.RVBP])).all()


@given(labels, labels)
def test_agrees_with_the_definition_on_sets_and_is_symmetric(prediction, reference):
    scores = dice_score(prediction, reference)

    assert scores == pytest.approx(dice_score(reference, prediction), nan_ok=True)
    for structure, score in zip(Structure, scores, strict=True):
        found = {tuple(voxel) for voxel in np.argwhere(prediction == structure)}
        drawn = {tuple(voxel) for voxel in np.argwhere(reference == structure)}
        if found | drawn:
            assert score == pytest.approx(2 * len(found & drawn) / (len(found) + len(drawn)))


@given(labels)
def test_is_one_for_every_structure_of_an_image_against_itself(image):
    assert set(dice_score(image, image)[np.isin(list(Structure), image)]) <= {1.0}


def test_refuses_images_of_different_grids():
    with pytest.raises(InvalidScoresError, match=r"prediction: \(1, 1, 12\); the shape of its reference, \(1, 12\)"):
        dice_score(volume(LVBP=1), volume(LVBP=1)[0])
