"""Which rows belong to which group, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidScoresError
from faircmr.fairness.metrics import by_group
from tests.fairness.metrics.clinical_rows import groups, rows

ERRORS = rows([1, 2, 3, 4], [0, 0, 0, 0])


def sizes(labels):
    return [(name, part["error"].tolist()) for name, part in by_group(ERRORS, labels)]


def test_groups_stand_in_the_order_of_the_alphabet_and_everybody_last():
    assert sizes(groups(["B", "A", "B", None])) == [
        ("A", [2.0]),
        ("B", [1.0, 3.0]),
        ("not recorded", [4.0]),
        ("all", [1.0, 2.0, 3.0, 4.0]),
    ]


def test_categories_keep_their_order():
    labels = groups(["old", "young", "young", np.nan]).astype(pd.CategoricalDtype(["young", "old", "none of these"]))

    assert [name for name, _ in sizes(labels)] == ["young", "old", "not recorded", "all"]


def test_refuses_errors_of_two_models():
    with pytest.raises(InvalidScoresError, match="a measure of a subject twice; errors of one model"):
        by_group(pd.concat([ERRORS, ERRORS]), groups(list("AABB")))


def test_refuses_subjects_that_do_not_join_and_says_how_many_and_not_who():
    with pytest.raises(InvalidCohortError, match="2 without an entry in groups") as error:
        by_group(ERRORS, groups(list("AB")))
    assert "sub-" not in str(error.value)


def test_refuses_a_subject_of_two_groups():
    labels = groups(list("AABB"))

    with pytest.raises(InvalidCohortError, match="groups: 1 repeated; one group a subject"):
        by_group(ERRORS, pd.concat([labels, labels.iloc[:1]]))
