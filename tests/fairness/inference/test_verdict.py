"""Four verdicts, and that nothing found is never called fair."""

import numpy as np
import pytest

from faircmr.core import InvalidParameterError
from faircmr.fairness.inference import Verdict, verdicts


def test_the_four_outcomes_of_two_tests():
    found = verdicts([0.01, 0.01, 0.2, 0.2], [0.2, 0.01, 0.01, 0.2], [30, 30, 30, 30], min_group_size=10)

    assert found.tolist() == ["different", "different, within the margin", "equivalent", "insufficient evidence"]


def test_p_values_at_the_level_reject():
    assert verdicts([0.05], [1.0], [30], min_group_size=10).tolist() == [Verdict.DIFFERENT]


@pytest.mark.parametrize(("size", "expected"), [(9, Verdict.INSUFFICIENT_EVIDENCE), (10, Verdict.DIFFERENT)])
def test_a_group_that_is_too_small_says_nothing(size, expected):
    assert verdicts([0.001], [0.9], [size], min_group_size=10).tolist() == [expected]


def test_what_was_not_tested_is_insufficient_evidence():
    assert verdicts([np.nan], [np.nan], [30], min_group_size=2).tolist() == [Verdict.INSUFFICIENT_EVIDENCE]


def test_strategies_are_judged_together():
    found = verdicts([[0.01, 0.5], [0.5, 0.5]], [[0.5, 0.01], [0.5, 0.5]], [20, 30], min_group_size=10)

    assert found.tolist() == [["different", "equivalent"], ["insufficient evidence", "insufficient evidence"]]


def test_no_word_is_fair():
    assert not any("fair" in word or "significant" in word for word in Verdict)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_group_size": 1}, "min_group_size: 1; at least 2"),
        ({"min_group_size": 5, "alpha": 0.0}, "alpha: 0.0; above 0 and below 1"),
        ({"min_group_size": 5, "alpha": 1.0}, "alpha: 1.0; above 0 and below 1"),
    ],
    ids=["min_group_size", "alpha 0", "alpha 1"],
)
def test_refuses_parameters_out_of_range(options, message):
    with pytest.raises(InvalidParameterError, match=message):
        verdicts([0.1], [0.1], [10], **options)
