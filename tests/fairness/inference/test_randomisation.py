"""Random orders against NumPy's own, and blocks that leave nobody out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from faircmr.fairness.inference import shuffles, subject_blocks
from faircmr.fairness.inference.permutation import SUBJECTS_AT_ONCE


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 6), st.integers(0, 1000))
def test_shuffles_are_those_of_numpy_and_leave_the_generator_where_numpy_does(values: list[int], count: int, seed: int):
    codes, own, reference = np.array(values), np.random.default_rng(seed), np.random.default_rng(seed)

    found = shuffles(codes, count, own)

    np.testing.assert_array_equal(found, reference.permuted(np.tile(codes, (count, 1)), axis=1))
    assert own.random() == reference.random()
    np.testing.assert_array_equal(codes, values)


@given(st.integers(1, 5 * SUBJECTS_AT_ONCE))
def test_blocks_have_every_subject_once(subjects: int):
    np.testing.assert_array_equal(
        np.concatenate([np.arange(subjects)[some] for some in subject_blocks(subjects)]), np.arange(subjects)
    )
