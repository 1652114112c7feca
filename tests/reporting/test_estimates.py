"""Estimates in the terminal: a line a fit, a sum where there are several, and what it was measured on."""

import pandas as pd
import pytest

from faircmr.reporting.terminal_tables import render_estimates

COMMON = {
    "patch": "64 x 64",
    "batch": 24,
    "training_subjects": 320,
    "validation_subjects": 18,
    "finished": 0,
    "fits": 1,
}
MEASURED = {"weights_bytes": 3 * 2**20, "checkpoints_bytes": 12 * 2**20, "memory_mib": 812.4, "seconds_a_step": 0.25}
MACHINE = {"device": "cpu", "machine": "EPYC, 2 CPUs", "threads": 2}


@pytest.fixture
def table() -> pd.DataFrame:
    fit = {
        "level": "fit",
        "epochs": 10,
        "steps": 1250,
        "weights": 786432,
        "hours": 1.234,
        "hours_left": 1.234,
        **COMMON,
    }
    rows = [
        {**fit, "strategy": "baseline", "fit": "seed-0/shared", "finished": 1, "hours_left": 0.0},
        {**fit, "strategy": "groups", "fit": "seed-0/shared"},
        {**fit, "strategy": "groups", "fit": "seed-0/group-A"},
        {"level": "strategy", "strategy": "baseline", "fits": 1, "finished": 1, "steps": 1250},
        {"level": "strategy", "strategy": "groups", "fits": 2, "finished": 0, "steps": 2500, "hours": 2.468},
        {
            "level": "study",
            "strategy": "study",
            "fits": 3,
            "finished": 1,
            "steps": 3750,
            "hours": 3.7,
            "hours_left": 2.468,
        },
    ]
    return pd.DataFrame([{**MEASURED, **row, **MACHINE} for row in rows])


def cells(text: str) -> list[list[str]]:
    return [[word.strip() for word in line.split("  ") if word.strip()] for line in text.splitlines()]


def test_a_fit_has_its_sizes_and_costs(table: pd.DataFrame):
    lines = cells(render_estimates(table, "Estimate"))

    costs = ["0.250", "1.23", "812", "3.0", "12.0"]
    assert ["baseline", "seed-0/shared", "320", "18", "10", "1,250", "24", "64 x 64", "786,432", *costs, "yes"] in lines
    assert [line for line in lines if line[:1] == ["seed-0/group-A"]], "the strategy is named once"


def test_a_sum_is_shown_where_there_is_more_than_one_fit(table: pd.DataFrame):
    lines = cells(render_estimates(table, "Estimate"))

    assert [line[0] for line in lines if "fits" in " ".join(line[:2])] == ["2 fits", "study"]
    (study,) = (line for line in lines if line[:1] == ["study"])
    assert study[-1] == "1 of 3"


def test_says_what_it_was_measured_on_and_how_to_measure_again(table: pd.DataFrame):
    text = render_estimates(table, "Estimate")

    assert "Measured on cpu (EPYC, 2 CPUs), 2 threads." in text
    assert "2.47 of them are left" in text
    assert "kedro run --pipelines estimate --from-nodes measure_steps" in text


def test_what_could_not_be_measured_is_a_dash(table: pd.DataFrame):
    numbers = [*MEASURED, "weights", "hours", "hours_left"]
    text = render_estimates(table.assign(**dict.fromkeys(numbers, float("nan")), device=None), "Estimate")

    assert cells(text)[-1] == cells(render_estimates(table, ""))[-1]
    assert any(line.count("-") == 6 for line in cells(text))
    assert "Measured on nothing: no kind of step could be." in text


def test_a_strategy_that_cannot_be_trained_is_named_below(table: pd.DataFrame):
    row = {"level": "strategy", "strategy": "rare", "fits": 0, "finished": 0, "reason": "too few subjects"}

    text = render_estimates(pd.concat([pd.DataFrame([row]), table], ignore_index=True), "Fits")

    assert text.splitlines()[-1] == "Not estimated: rare: too few subjects"
