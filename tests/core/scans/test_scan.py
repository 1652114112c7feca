"""The box around everything that is not zero."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core.scans import extent, nonzero_box

margins = st.tuples(st.integers(0, 3), st.integers(0, 3))


@given(margins, margins, margins)
def test_a_margin_of_zeros_is_left_out(slices: tuple[int, int], rows: tuple[int, int], columns: tuple[int, int]):
    image = np.pad(np.full((2, 3, 4), -1.0, dtype=np.float32), (slices, rows, columns))
    image[slices[0], rows[0] + 1, columns[0] + 1] = 0.0  # a hole is no margin

    box = nonzero_box(image)

    assert image[box].shape == (2, 3, 4)
    assert [side.start for side in box] == [slices[0], rows[0], columns[0]]


def test_of_nothing_there_is_an_empty_box():
    assert nonzero_box(np.zeros((2, 3, 4), dtype=np.float32)) == (slice(0, 0),) * 3
    assert extent(np.array([False, True, False, True, False])) == slice(1, 4)
