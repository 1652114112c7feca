"""The forest plot shows every group of every model, and tells verdicts apart without colour."""

import math

import pandas as pd
import pytest

from faircmr.fairness.inference import Verdict
from faircmr.reporting import draw_forest, forest_figure
from faircmr.reporting.figures import FOREST_MARKERS, TOO_FEW
from tests.reporting.test_figures import words

NAN = math.nan
ROWS = [
    ("baseline", "A", 90.0, 89.5, 90.5, Verdict.DIFFERENT),
    ("baseline", "Übrige", 85.0, 82.0, 87.0, Verdict.INSUFFICIENT_EVIDENCE),
    ("balanced", "A", 88.0, 87.5, 88.5, Verdict.EQUIVALENT),
    ("balanced", "Übrige", 88.1, 0.0, 100.0, Verdict.INSUFFICIENT_EVIDENCE),
    ("baseline", "C", 70.0, NAN, NAN, Verdict.INSUFFICIENT_EVIDENCE),
]
GROUPS = pd.DataFrame(ROWS, columns=["model", "group", "mean", "low", "high", "verdict"])
DISPARITY = pd.DataFrame({"model": ["baseline", "balanced"], "mean": [89.0, 88.05]})


def panels(groups: pd.DataFrame = GROUPS, disparity: pd.DataFrame = DISPARITY):
    return draw_forest(groups, disparity, "DSC (%)").axes


def test_names_every_model_and_group_and_what_marks_mean():
    said = set(words(forest_figure(GROUPS, DISPARITY, "DSC (%)")))

    assert {"baseline", "balanced", "A", "Übrige", "C", "DSC (%)"} <= said
    assert {"different", "equivalent", "insufficient evidence", TOO_FEW, "mean of all subjects"} <= said
    assert "different, within the margin" not in said


def test_means_and_intervals_stand_where_the_table_says():
    baseline, balanced = panels()

    dashed, *marks = baseline.lines
    assert [list(mark.get_xdata()) for mark in marks] == [[90.0], [85.0], [70.0]]
    assert [list(mark.get_ydata()) for mark in marks] == [[0], [1], [2]]
    assert list(dashed.get_xdata()) == [89.0, 89.0]
    assert balanced.collections[0].get_segments()[0].tolist() == [[87.5, 0.0], [88.5, 0.0]]


def test_verdicts_have_marks_of_their_own_in_grey():
    looks = [(look["marker"], look.get("markerfacecolor", "filled")) for look in FOREST_MARKERS.values()]

    assert set(FOREST_MARKERS) == {*map(str, Verdict), TOO_FEW}
    assert len(set(looks)) == len(looks)
    assert [mark.get_marker() for mark in panels()[0].lines[1:]] == ["o", "o", "x"]


def test_an_interval_without_a_bound_does_not_squeeze_the_others():
    low, high = panels()[0].get_xlim()

    assert 60.0 < low < 70.0
    assert 90.5 < high < 95.0


def test_all_models_have_one_axis_and_an_empty_place_shows_nothing():
    three = pd.concat([DISPARITY, pd.DataFrame({"model": ["third"], "mean": [88.0]})])

    drawn = panels(GROUPS, three)

    assert [panel.get_visible() for panel in drawn] == [True, True, True, False]
    assert len({panel.get_xlim() for panel in drawn}) == 1


@pytest.mark.parametrize("name", ["$x^$", "a -- b", "<b>&", "x" * 80])
def test_any_name_can_be_drawn(name: str):
    svg = forest_figure(GROUPS.replace("A", name).replace("baseline", name), DISPARITY.replace("baseline", name), name)

    assert svg.startswith("<?xml")


def test_scores_that_are_all_alike_can_be_drawn():
    alike = GROUPS.iloc[:2].assign(mean=90.0, low=90.0, high=90.0)

    low, high = panels(alike, DISPARITY.iloc[:1])[0].get_xlim()

    assert low < 90.0 < high


def test_equal_tables_give_equal_text():
    assert forest_figure(GROUPS, DISPARITY, "DSC (%)") == forest_figure(GROUPS, DISPARITY, "DSC (%)")
