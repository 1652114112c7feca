"""What strategies choose, in words; which of them are controls."""

from __future__ import annotations

import pytest

from faircmr.mitigation import StrategyParameters
from faircmr.reporting.report import AXES, draw_strategies, strategy_choices
from faircmr.reporting.report.words import control_of


@pytest.mark.parametrize(
    ("choice", "axis", "words"),
    [
        ({}, "cohort", "natural"),
        ({"cohort": {"kind": "balanced", "within": ["sex"]}}, "cohort", "balanced, by sex too"),
        ({"cohort": {"kind": "smallest_share", "share": 0.015}}, "cohort", "smallest share, 1.5 % a group"),
        ({"sampler": "stratified_batch_sampling"}, "sampler", "stratified batch sampling"),
        ({"objective": {"kind": "fair_meta_learning", "weight": 0.5}}, "objective", "fair meta learning, lambda 0.5"),
        ({"stages": "protected_groups"}, "stages", "protected groups"),
        ({"input": "roi"}, "input", "heart region"),
        ({"output": "group_calibration"}, "output", "group calibration"),
    ],
)
def test_says_each_choice_with_what_it_depends_on(choice: dict, axis: str, words: str):
    table = strategy_choices({"mine": StrategyParameters(name="mine", **choice)})

    assert table[axis].tolist() == [words]


@pytest.mark.parametrize(
    ("choice", "control"),
    [
        ({}, ""),
        ({"cohort": "balanced"}, ""),
        ({"cohort": "size_matched"}, "size of the balanced cohort"),
        ({"cohort": {"kind": "smallest_share", "share": 0.05}}, "balance by dose"),
        ({"stages": "two"}, "second half of the schedule"),
        ({"objective": {"kind": "fair_meta_learning", "weight": 0.0}}, "joint half of the schedule"),
        ({"objective": "fair_meta_learning"}, ""),
    ],
)
def test_knows_controls_by_what_they_choose(choice: dict, control: str):
    assert control_of(StrategyParameters(name="mine", **choice)) == control


def test_the_figure_fills_what_the_first_strategy_does_not_do():
    table = strategy_choices(
        {
            "baseline": StrategyParameters(name="baseline"),
            "both": StrategyParameters(name="both", sampler="stratified_batch_sampling", input="roi"),
        }
    )

    boxes = [
        one for one in draw_strategies(table).axes[0].patches if hasattr(one, "get_boxstyle") and one.get_width() > 0
    ]

    assert len(boxes) == 2 * len(AXES)
    assert [box.get_linewidth() > 1 for box in boxes] == [False] * 6 + [axis in {"sampler", "input"} for axis in AXES]
