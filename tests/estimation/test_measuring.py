"""A few real steps are timed, and what they need is counted."""

import math
import mmap
import time

import pytest

from faircmr.estimation import EstimateParameters
from faircmr.estimation.costs import StepKind
from faircmr.estimation.measure import measure, step_seconds
from faircmr.estimation.processes import private_bytes, sampled_peak
from tests.estimation.studies import SMALL_CLASSIFIER, planned

BRIEF = EstimateParameters(warm_up=1, steps=2)


def kinds_of(choices: dict[str, object]) -> tuple[StepKind, ...]:
    return planned(choices).kinds


def test_a_step_takes_time_memory_and_room_for_its_weights():
    (kind,) = kinds_of({})

    cost = measure(kind, BRIEF)

    assert (cost.kind, cost.steps, cost.device, cost.threads) == (kind.name, 2, "cpu", 1)
    assert min(cost.seconds, cost.validation_seconds, cost.checkpoint_seconds) > 0
    assert cost.weights_bytes == 4 * cost.weights
    # two checkpoints of weights and momentum
    assert 2 * 2 * cost.weights_bytes < cost.checkpoints_bytes < 2 * 2 * cost.weights_bytes + 50_000
    assert cost.memory_bytes > 50e6


@pytest.mark.parametrize("choices", [{"objective": "group_dro"}, {"objective": "reweighing"}, {"input": "roi"}])
def test_every_objective_and_the_localiser_can_be_measured(choices):
    assert all(measure(kind, BRIEF).seconds > 0 for kind in kinds_of(choices))


def test_weights_of_the_classifier_count_in_both_halves():
    apart, joint = (measure(kind, BRIEF) for kind in kinds_of({"objective": SMALL_CLASSIFIER}))

    assert apart.weights == joint.weights > measure(*kinds_of({}), BRIEF).weights


def test_measures_as_many_steps_as_asked_after_the_warm_up():
    done: list[int] = []

    assert len(step_seconds(done.append, EstimateParameters(warm_up=2, steps=3))) == 3
    assert done == [0, 1, 2, 3, 4]


def test_stops_when_its_time_is_up_but_measures_once():
    done: list[int] = []

    assert len(step_seconds(done.append, EstimateParameters(warm_up=1, steps=9, longest_seconds=1e-9))) == 1


@pytest.mark.skipif(math.isnan(private_bytes()), reason="Linux alone tells a process's private memory")
def test_memory_that_is_freed_again_is_in_the_peak():
    before = private_bytes()

    with sampled_peak() as peak:
        # its own pages: what a process has freed before, it would use again
        with mmap.mmap(-1, 64 * 2**20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
            block.write(b"x" * len(block))
            for _ in range(500):
                if peak.value > before + 32 * 2**20:
                    break
                time.sleep(0.01)
        after = private_bytes()

    assert peak.value > before + 32 * 2**20
    assert after < peak.value
