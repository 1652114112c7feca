"""Each kind of step has a process of its own, and one that is killed takes no other along."""

import logging

import pytest

from faircmr.core import InvalidParameterError
from faircmr.estimation import EstimateParameters, measure_kinds
from faircmr.estimation.costs import StepKind
from faircmr.segmentation.training import Component
from tests.estimation.studies import planned

pytestmark = pytest.mark.slow

BRIEF = EstimateParameters(warm_up=0, steps=1)


def kind_with(objective: str) -> StepKind:
    (kind,) = planned().kinds
    broken = Component(path=f"tests.estimation.broken.{objective}")
    return StepKind(name=objective, job=kind.job.model_copy(update={"objective": broken}))


def test_a_kind_that_is_killed_is_unknown_and_the_next_one_is_measured(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.INFO):
        killed, measured = measure_kinds([kind_with("KilledObjective"), *planned().kinds], BRIEF)

    assert (killed.seconds, killed.weights, killed.threads) == (None, None, 1)
    assert measured.seconds > 0
    assert "KilledObjective: not measured, for its memory does not suffice here" in caplog.messages


def test_an_expected_error_in_a_step_is_raised_as_it_is():
    with pytest.raises(InvalidParameterError, match="objective: refusing; one that works; choose another"):
        measure_kinds([kind_with("RefusingObjective")], BRIEF)
