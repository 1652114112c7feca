"""An exchange of structures between predictions and references is found, and none is seen where there is none."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from faircmr.core.scans import Structure
from faircmr.fairness.audit.masks import CLEARLY_BETTER, best_assignment, confusion_counts
from faircmr.fairness.metrics import dice_score
from tests.fairness.metrics.hearts import drawn_heart

THREE = tuple(Structure)[:3]
ORDERS = list(permutations(THREE))
LABELS = npst.arrays(np.uint8, (2, 4, 4), elements=st.integers(0, 3))


def exchanged(label, order):
    """Each structure with the value of another: what is ``order[i]`` in truth has the value of the structure ``i``."""
    table = np.zeros(256, np.uint8)
    table[list(order)] = THREE
    return table[label]


def blurred(label, seed, share):
    """A share of the voxels with any value."""
    rng = np.random.default_rng(seed)
    wrong = rng.random(label.shape) < share
    return np.where(wrong, rng.integers(0, 4, label.shape), label).astype(np.uint8)


@pytest.mark.parametrize("order", ORDERS)
def test_every_exchange_of_a_perfect_prediction_is_found(order):
    label = drawn_heart(0)

    found = best_assignment(confusion_counts(exchanged(label, order), label), THREE)

    assert found.structures == order
    assert found.dsc == pytest.approx(1.0)
    assert found.is_clearly_better == (order != THREE)


@given(st.integers(0, 10_000), st.sampled_from(ORDERS), st.floats(0.0, 0.15))
def test_any_planted_exchange_is_found_in_a_prediction_with_errors(seed, order, share):
    label = drawn_heart(seed)
    prediction = np.where(label > 0, blurred(label, seed, share), 0).astype(np.uint8)

    found = best_assignment(confusion_counts(exchanged(prediction, order), label), THREE)

    assert found.structures == order
    assert found.is_clearly_better == (order != THREE)


@given(LABELS, LABELS)
def test_no_assignment_agrees_better_than_the_best(prediction, reference):
    found = best_assignment(confusion_counts(prediction, reference), THREE)
    shown = sum(bool((prediction == one).any() or (reference == one).any()) for one in THREE)
    agreements = {
        order: sum(
            np.nan_to_num(_dice(prediction == one, reference == other)) for one, other in zip(THREE, order, strict=True)
        )
        / max(shown, 1)
        for order in ORDERS
    }

    if shown:
        assert found.dsc == pytest.approx(max(agreements.values()))
        assert found.declared_dsc == pytest.approx(agreements[THREE])
        assert found.dsc >= found.declared_dsc
        if agreements[THREE] == pytest.approx(max(agreements.values())):
            assert not found.is_clearly_better
    else:
        assert found.structures == THREE


@given(LABELS, LABELS)
def test_nothing_is_exchanged_where_every_structure_agrees_by_two_thirds(prediction, reference):
    prediction = np.where(reference > 0, reference, prediction * (np.arange(32).reshape(2, 4, 4) % 7 == 0))
    scores = dice_score(prediction.astype(np.uint8), reference, THREE)
    assume(np.nanmin(np.append(scores, 1.0)) >= 2.0 / 3.0)

    found = best_assignment(confusion_counts(prediction.astype(np.uint8), reference), THREE)

    assert found.structures == THREE
    assert found.dsc == found.declared_dsc


@pytest.mark.parametrize("structures", [THREE[:1], THREE[:2], THREE])
def test_empty_images_and_single_structures_are_as_declared(structures):
    empty = np.zeros((1, 2, 2), np.uint8)

    assert best_assignment(confusion_counts(empty, empty), structures) == (structures, 1.0, 1.0)
    assert best_assignment(confusion_counts(empty, empty + 1), structures).structures == structures


def test_the_threshold_is_reached_by_an_exchange_of_two_structures_with_a_dsc_of_three_tenths():
    assert pytest.approx(2 * 0.3 / 3) == CLEARLY_BETTER


def _dice(one, other):
    total = one.sum() + other.sum()
    return 2.0 * (one & other).sum() / total if total else np.nan
