"""Values of label images are translated, or named where they stand for nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from faircmr.core import InvalidScanError
from faircmr.core.scans import Structure
from faircmr.sources.label_values import map_label, translate_prediction

ACDC_LABELS = {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}


@given(npst.arrays(np.uint8, (2, 3, 3), elements=st.integers(0, 3)))
def test_mapping_there_and_back_changes_nothing(label):
    label[0, 0, 0] = 1
    back = {int(structure): Structure(value) for value, structure in ACDC_LABELS.items()}

    once = map_label(label.astype(np.float32), ACDC_LABELS)

    np.testing.assert_array_equal(map_label(once.astype(np.float32), back), label)


def test_nothing_but_background_is_a_prediction_and_no_drawing():
    empty = np.zeros((1, 2, 2), dtype=np.float32)

    assert not translate_prediction(empty, ACDC_LABELS).any()
    with pytest.raises(InvalidScanError, match="all background"):
        map_label(empty, ACDC_LABELS)


@pytest.mark.parametrize("value", [4.0, 1.5, -1.0, 257.0, 256.0, np.inf, np.nan])
def test_no_value_passes_as_what_it_is_cut_to(value: float):
    with pytest.raises(InvalidScanError, match=r"the label holds the values .*; only 0, 1, 2, 3"):
        translate_prediction(np.array([0.0, value], dtype=np.float32), ACDC_LABELS)
