"""Progress: a bar on a terminal, few lines in a log."""

import io
import logging
from dataclasses import dataclass

import pytest
from rich.console import Console

from faircmr.reporting import progress, training_progress


@dataclass(frozen=True)
class Report:
    epoch: int
    epochs: int = 4
    loss: float = 0.51234
    validation_dsc: float | None = 0.87654
    seconds_left: float = 65.0


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests turn."""

    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    turned = Clock()
    monkeypatch.setattr(progress, "time", turned)
    return turned


def in_a_log() -> Console:
    return Console(file=io.StringIO(), force_terminal=False)


def test_a_terminal_shows_a_bar_with_loss_validation_dsc_and_time_left():
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=160, color_system=None)

    with training_progress("baseline seed-0/shared", console) as on_epoch:
        on_epoch(Report(1))

    last = shown.getvalue()
    for part in ("baseline seed-0/shared", "1/4", "loss 0.5123", "validation DSC 87.65 %", "1:05 left"):
        assert part in last


def test_a_log_gets_a_line_after_ten_seconds_and_one_at_the_end(clock, caplog):
    caplog.set_level(logging.INFO, logger="faircmr")

    with training_progress("baseline", in_a_log()) as on_epoch:
        for epoch, seconds in enumerate([4.0, 6.0, 4.0, 1.0], start=1):
            clock.now += seconds
            on_epoch(Report(epoch))

    assert caplog.messages == [
        "baseline: epoch 2 of 4, loss 0.5123, validation DSC 87.65 %, 1:05 left",
        "baseline: epoch 4 of 4, loss 0.5123, validation DSC 87.65 %, 1:05 left",
    ]


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (Report(4, validation_dsc=None), "loss 0.5123, 1:05 left"),
        (Report(4, seconds_left=0.4), "loss 0.5123, validation DSC 87.65 %, 0:00 left"),
        (Report(4, seconds_left=7325), "loss 0.5123, validation DSC 87.65 %, 2:02:05 left"),
    ],
    ids=["not validated", "done", "hours"],
)
def test_says_what_is_known(report, state, caplog):
    caplog.set_level(logging.INFO, logger="faircmr")

    with training_progress("baseline", in_a_log()) as on_epoch:
        on_epoch(report)

    assert caplog.messages == [f"baseline: epoch 4 of 4, {state}"]


def test_repeats_the_last_validation_in_epochs_without_one(caplog):
    caplog.set_level(logging.INFO, logger="faircmr")

    with training_progress("baseline", in_a_log()) as on_epoch:
        on_epoch(Report(3, validation_dsc=0.75))
        on_epoch(Report(4, validation_dsc=None))

    assert caplog.messages == ["baseline: epoch 4 of 4, loss 0.5123, validation DSC 75.00 %, 1:05 left"]


def test_a_failing_training_is_not_hidden():
    with (
        pytest.raises(ZeroDivisionError),
        training_progress("baseline", Console(file=io.StringIO(), force_terminal=True)) as on_epoch,
    ):
        on_epoch(Report(epoch=1 // 0))
