"""Clinical classes of ejection fractions: their borders, and whom a model puts elsewhere."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from statsmodels.stats.proportion import proportion_confint

from faircmr.fairness.metrics.agreement import (
    LVEF_CLASSES,
    RVEF_CLASSES,
    Cutoff,
    EjectionFractionClasses,
    cross_table,
    reclassification_rows,
)
from faircmr.fairness.metrics.clinical import Measure
from tests.fairness.metrics.clinical_rows import groups, rows

percents = st.one_of(st.floats(-20.0, 100.0), st.just(float("nan")))


@pytest.mark.parametrize(
    ("percent", "name"),
    [
        (-5.0, "reduced"),
        (40.0, "reduced"),
        (40.1, "mildly reduced"),
        (49.9, "mildly reduced"),
        (50.0, "preserved"),
        (100.0, "preserved"),
    ],
)
def test_the_borders_of_lvef_are_those_of_the_guideline(percent, name):
    assert LVEF_CLASSES.names[LVEF_CLASSES.place(percent)] == name


def test_rvef_is_reduced_below_45():
    assert RVEF_CLASSES.place([44.9, 45.0, np.nan]).tolist() == [0, 1, -1]


class TestCrossTable:
    ERRORS = rows([35, 45, 55, np.nan, 60], [35, 55, 45, 38, np.nan])

    def test_counts_by_the_class_drawn_and_the_class_found(self):
        table = cross_table(self.ERRORS, groups(list("AAAAA")), LVEF_CLASSES)
        counts = table[table["group"] == "all"].drop(columns="group").set_index("reference")

        assert counts.columns.tolist() == counts.index.tolist() == [*LVEF_CLASSES.names, "undefined"]
        assert counts.to_numpy().tolist() == [[1, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0]]

    def test_ignores_other_measures(self):
        nothing = cross_table(self.ERRORS, groups(list("AAAAA")), RVEF_CLASSES)

        assert nothing.drop(columns=["group", "reference"]).to_numpy().sum() == 0


class TestReclassified:
    # of A one each: unchanged, upward, downward, undefined, without reference; of B two unchanged
    ERRORS = rows([35, 55, 45, np.nan, 60, 60, 42], [35, 45, 55, 38, np.nan, 70, 48])
    GROUPS = groups(list("AAAAABB"))

    def shares(self):
        return reclassification_rows(self.ERRORS, self.GROUPS, LVEF_CLASSES).set_index(["group", "outcome"])

    def test_counts_every_subject_that_has_a_reference_once(self):
        table = self.shares()

        assert table["count"].unstack().loc[["A", "B", "all"]].to_dict("index") == {
            "A": {"unchanged": 1, "upward": 1, "downward": 1, "undefined": 1},
            "B": {"unchanged": 2, "upward": 0, "downward": 0, "undefined": 0},
            "all": {"unchanged": 3, "upward": 1, "downward": 1, "undefined": 1},
        }
        assert table["n"].unstack()["upward"].to_dict() == {"A": 4, "B": 2, "all": 6}
        assert table["without_reference"].unstack()["upward"].to_dict() == {"A": 1, "B": 0, "all": 1}

    def test_intervals_are_wilson_s(self):
        row = self.shares().loc[("A", "upward")]

        assert row["share"] == 0.25
        # statsmodels
        assert (row["low"], row["high"]) == pytest.approx(proportion_confint(1, 4, method="wilson"))

    def test_a_group_without_references_has_no_share(self):
        table = reclassification_rows(rows([50], [np.nan]), groups(["A"]), LVEF_CLASSES)

        assert (table["n"] == 0).all()
        assert table[["share", "low", "high"]].isna().all(axis=None)

    @settings(max_examples=30)
    @given(st.lists(st.tuples(percents, percents), min_size=1, max_size=20))
    def test_agrees_with_the_cross_table(self, pairs):
        errors, everybody = rows(*zip(*pairs, strict=True)), groups(["A"] * len(pairs))
        table, shares = (count(errors, everybody, LVEF_CLASSES) for count in (cross_table, reclassification_rows))

        names = list(LVEF_CLASSES.names)
        counts = table[table["group"] == "all"].set_index("reference").loc[names, names].to_numpy()
        found = shares[shares["group"] == "all"].set_index("outcome")
        assert found.loc[["unchanged", "upward", "downward"], "count"].tolist() == [
            np.trace(counts),
            np.triu(counts, 1).sum(),
            np.tril(counts, -1).sum(),
        ]
        assert found["count"].sum() == found["n"].iloc[0]


@pytest.mark.parametrize(
    ("names", "percents", "message"),
    [
        (("low", "high"), (40.0, 50.0), "names must be one more than cutoffs"),
        (("all",), (), "cutoffs one at least"),
        (("low", "middle", "high"), (50.0, 40.0), "cutoffs must ascend"),
        (("low", "low"), (40.0,), "names must differ"),
        (("low", "undefined"), (40.0,), "none may be 'undefined'"),
    ],
)
def test_refuses_classes_that_are_not_divided_by_ascending_cutoffs(names, percents, message):
    cutoffs = tuple(Cutoff(percent=percent, belongs_to="upper") for percent in percents)

    with pytest.raises(ValidationError, match=message):
        EjectionFractionClasses(measure=Measure.LVEF, names=names, cutoffs=cutoffs)


def test_refuses_a_measure_that_is_no_ejection_fraction():
    with pytest.raises(ValidationError, match="an ejection fraction: LVEF or RVEF"):
        EjectionFractionClasses(measure="LVEDV", names=("a", "b"), cutoffs=(Cutoff(percent=40.0, belongs_to="upper"),))
