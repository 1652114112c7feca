"""Groups of subjects keep their order, and are summarised for every strategy at once."""

import numpy as np
import pytest

from faircmr.core import InvalidScoresError
from faircmr.fairness.inference import Groups

LABELS = ["b", "a", "b", "a", "b", "c"]
VALUES = np.array([[0.5, 0.1, 0.7, 0.3, 0.9, 0.4], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])


def test_are_ordered_by_the_alphabet_or_as_asked():
    assert Groups.of(LABELS).names == ("a", "b", "c")
    groups = Groups.of(LABELS, order=["c", "b", "a"])

    assert groups.names == ("c", "b", "a")
    assert groups.sizes.tolist() == [1, 3, 2]
    assert groups.codes.tolist() == [1, 2, 1, 2, 1, 0]


def test_means_and_variances_are_those_of_each_group_alone():
    groups = Groups.of(LABELS)

    np.testing.assert_allclose(groups.means(VALUES), [[0.2, 0.7, 0.4], [3.0, 3.0, 6.0]])
    np.testing.assert_allclose(groups.variances(VALUES), [[0.02, 0.04, np.nan], [2.0, 4.0, np.nan]])


@pytest.mark.parametrize(
    ("labels", "order", "said"),
    [
        (["a", "a"], None, "groups: a; at least two groups"),
        ([], None, "groups: none; at least two"),
        (["a", "b"], ["a", "b", "c"], "a group without subjects"),
        (["a", "z"], ["a", "b"], "groups: z; one of a, b"),
    ],
)
def test_refuses_what_cannot_be_compared(labels: list[str], order: list[str] | None, said: str):
    with pytest.raises(InvalidScoresError, match=said):
        Groups.of(labels, order)
