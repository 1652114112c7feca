"""A study that is told to stop is soon gone and ends as if nothing had happened; ``make reliability`` does it more."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.reliability import stops
from benchmarks.reliability.stops import Outcome, Stop

ONE = "Error: seed-0/shared: stopped in epoch 1 of 6; a checkpoint keeps it; run the same command again to go on"


@pytest.mark.slow
@pytest.mark.alone
def test_three_stops_change_nothing(tmp_path: Path):
    outcomes = stops.campaign(tmp_path, stops=3, seed=0)

    assert sum(len(one.stops) for one in outcomes) >= 3
    assert all(stop.clear for one in outcomes for stop in one.stops)
    assert [one.wrong for one in outcomes] == [[]] * len(outcomes)
    assert stops.campaign(tmp_path, stops=3, seed=0) == outcomes, "what was done is read"


@pytest.mark.parametrize(
    ("said", "clear"),
    [
        (ONE, True),
        (f"a warning\n{ONE}\n", True),
        (f"{ONE}\n{ONE}", False),
        (f"Traceback (most recent call last):\n{ONE}", False),
        ("Error: seed-0/shared: the file is missing; run the same command again to go on", False),
        ("Error: run: stopped by SIGTERM", False),
        ("", False),
    ],
)
def test_one_line_says_that_it_was_stopped_and_how_to_go_on(said: str, clear: bool):
    assert stops.is_clear(said) == clear


def test_the_table_has_the_slowest_of_each_part():
    told = [Stop("training", 0.4, True), Stop("training", 2.0, True), Stop("scoring", 11.0, False)]

    text = stops.table([Outcome(0, told[:1], []), Outcome(1, told[1:], ["table2.csv"])])

    assert "| training | 2 | 2.0 |" in text
    assert "| together | 3 | 11.0 |" in text
    assert text.endswith("2 studies; stops without a clear line: 1; wrong: 1")
    assert [stops.late(stop) for stop in told] == [False, False, True]
