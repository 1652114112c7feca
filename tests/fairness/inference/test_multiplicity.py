"""Holm's adjustment against statsmodels', and NaN kept out of the family."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from faircmr.core import InvalidParameterError
from faircmr.fairness.inference import holm

p_values = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12)


@settings(max_examples=15)  # multipletests takes 0.1 s a call
@given(p_values)
def test_is_that_of_statsmodels(raw):
    assert holm(raw) == pytest.approx(multipletests(raw, method="holm")[1])


@given(p_values, st.integers(0, 12))
def test_a_question_that_could_not_be_asked_counts_for_nothing(raw, place):
    place = min(place, len(raw))

    found = holm([*raw[:place], np.nan, *raw[place:]])

    assert np.isnan(found[place])
    assert np.delete(found, place) == pytest.approx(holm(raw))


def test_each_row_is_a_family_of_its_own():
    raw = np.array([[0.01, 0.04, 0.03], [0.2, np.nan, 0.001]])

    assert holm(raw) == pytest.approx(np.array([[0.03, 0.06, 0.06], [0.2, np.nan, 0.002]]), nan_ok=True)


def test_a_family_without_an_answer_has_none():
    assert np.isnan(holm([np.nan, np.nan])).all()


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_refuses_what_is_no_probability(wrong):
    with pytest.raises(InvalidParameterError, match=rf"p_values: {wrong}; 0\.\.1"):
        holm([0.5, wrong])
