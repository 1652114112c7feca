"""Label values that are exchanged show in which structure encloses which."""

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.scans import DECLARED, HEART, Phase, Structure, infer_pool_and_wall
from faircmr.sources import Acdc, NoParameters, read_scan
from tests.fairness.metrics.hearts import drawn_heart

ACDC = Path("../shared/data/acdc")
ORDERS = list(permutations(HEART))


def with_values(label, order):
    """The same drawing with the values of other structures."""
    table = np.arange(256, dtype=np.uint8)
    table[list(HEART)] = order
    return table[label]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("phase", Phase)
def test_the_pool_is_found_whatever_its_value(order, phase):
    label = drawn_heart(3, phase)

    inner, outer, _ = order
    assert infer_pool_and_wall(with_values(label, order)) == (inner, outer)


@given(st.integers(0, 10_000), st.sampled_from(ORDERS), st.booleans(), st.integers(0, 2))
def test_any_heart_with_or_without_right_ventricle_is_told_in_any_orientation(seed, order, has_right, turns):
    label = drawn_heart(seed, Phase.ED)
    if not has_right:
        label = np.where(label == Structure.RVBP, 0, label).astype(np.uint8)
    label = np.rot90(label, turns, axes=(1, 2))
    found = infer_pool_and_wall(with_values(label, order))

    inner, outer, right = order
    if not has_right and right in DECLARED:
        assert found is None, "LVBP or LVM is not shown: nothing can be told"
    else:
        assert found == (inner, outer)


@pytest.mark.parametrize(
    "label",
    [
        np.zeros((2, 4, 4), np.uint8),
        np.full((2, 4, 4), Structure.LVBP, np.uint8),
        np.full((1, 1, 1), Structure.RVBP, np.uint8),
    ],
)
def test_nothing_is_told_of_a_label_without_a_pool_and_its_wall(label):
    assert infer_pool_and_wall(label) is None


def test_a_heart_that_is_cut_off_by_the_image_is_as_declared():
    label = drawn_heart(5, Phase.ED)
    shown = np.flatnonzero((label == Structure.LVBP).any(axis=(0, 1)))

    assert infer_pool_and_wall(label[:, :, : shown[len(shown) // 2]]) == DECLARED


@pytest.mark.skipif(not ACDC.is_dir(), reason="needs scans of ACDC")
def test_scans_of_acdc_are_as_declared_and_every_exchange_is_found():
    source = Acdc(ACDC, NoParameters())
    source.prepare(ACDC)
    for files in list(source.scan_files().values())[:10]:
        label = read_scan(files, source.label_values).label
        for order in ORDERS:
            assert infer_pool_and_wall(with_values(label, order)) == order[:2]
