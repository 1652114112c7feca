"""The Pareto plot names every strategy where it can be read, and marks the front and the baseline without colour."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Annotation

from faircmr.fairness.tables import pareto_front
from faircmr.reporting import draw_pareto, pareto_figure
from tests.reporting.test_figures import words

STRATEGIES = (
    *("baseline", "balanced", "stratified", "meta_learning", "protected_groups", "reweighing", "group_dro"),
    *("group_calibration", "meta_learning_uncoupled", "size_matched", "smallest_share_02", "smallest_share_05"),
    *("smallest_share_17", "stratified_meta_learning", "stratified_protected_groups", "stratified_roi", "two_stage"),
    "combined",
)


def table(seed: int = 0, spread: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    mean = 90 + spread * rng.normal(size=len(STRATEGIES))
    sd = 1.5 + 0.2 * spread * rng.normal(size=len(STRATEGIES))
    mean[0], sd[0] = 86.0, 3.0
    return pd.DataFrame({"strategy": STRATEGIES, "mean": mean, "SD": sd, "pareto": pareto_front(mean, sd)})


def labels(strategies: pd.DataFrame) -> list[Annotation]:
    panel = draw_pareto(strategies, "baseline").axes[0]
    return [text for text in panel.texts if isinstance(text, Annotation) and text.get_text()]


@pytest.mark.parametrize("spread", [1.0, 0.15], ids=["as found", "crowded"])
@pytest.mark.parametrize("seed", range(2))
def test_names_of_18_strategies_do_not_overlap_and_stay_in_the_frame(seed: int, spread: float):
    written = labels(table(seed, spread))
    boxes = [label.get_window_extent() for label in written]
    frame = written[0].axes.get_window_extent()

    assert sorted(label.get_text() for label in written) == sorted(STRATEGIES)
    assert not [pair for pair in combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    assert all(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1 for box in boxes)


def test_a_name_points_at_its_own_strategy():
    strategies = table()
    expected = dict(zip(strategies["strategy"], zip(strategies["mean"], strategies["SD"], strict=True), strict=True))

    assert {label.get_text(): label.xy for label in labels(strategies)} == expected


def test_the_front_is_a_stair_through_the_strategies_that_nothing_beats():
    strategies = pd.DataFrame(
        {
            "strategy": ["baseline", "even", "good", "between"],
            "mean": [90.0, 88.0, 92.0, 91.0],
            "SD": [3.0, 0.5, 2.0, 1.0],
            "pareto": [False, True, True, True],
        }
    )

    corners = draw_pareto(strategies, "baseline").axes[0].lines[0].get_xydata()

    assert np.asarray(corners).tolist() == [[88.0, 0.5], [88.0, 1.0], [91.0, 1.0], [91.0, 2.0], [92.0, 2.0]]


@pytest.mark.parametrize(("on_front", "said"), [(True, "baseline, on the front"), (False, "baseline, beaten")])
def test_says_what_its_marks_mean_and_nothing_that_is_not_there(on_front: bool, said: str):
    strategies = pd.DataFrame({"strategy": ["baseline"], "mean": [90.0], "SD": [1.0], "pareto": [on_front]})

    found = words(pareto_figure(strategies, "baseline"))

    assert said in found
    assert not {"on the front", "beaten by another"} & set(found)


def test_the_baseline_has_a_form_of_its_own_and_beaten_strategies_are_hollow():
    strategies = table()
    _, *marks = draw_pareto(strategies, "baseline").axes[0].lines

    assert [mark.get_marker() for mark in marks] == ["D", *["o"] * (len(STRATEGIES) - 1)]
    assert [mark.get_markerfacecolor() != "white" for mark in marks] == strategies["pareto"].tolist()


def test_equal_tables_give_equal_text():
    assert pareto_figure(table(), "baseline") == pareto_figure(table(), "baseline")


def test_strategies_with_equal_numbers_are_all_named():
    alike = table().assign(mean=90.0, SD=1.0, pareto=True)

    assert set(STRATEGIES) <= set(words(pareto_figure(alike, "baseline")))


def test_a_name_is_never_a_formula():
    strategies = table().head(3).assign(strategy=["baseline", "$x^$", "$"])

    assert {"$x^$", "$"} <= set(words(pareto_figure(strategies, "baseline")))
