"""What is said of masks: exchanged structures, which side has them, and what is never shown."""

import re
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core.scans import Structure
from faircmr.fairness.audit import MaskLabels
from faircmr.fairness.audit.masks import MaskTally
from tests.fairness.metrics.hearts import drawn_heart

THREE = tuple(Structure)[:3]
EXCHANGES = list(permutations(THREE))[1:]


def exchanged(label, order):
    table = np.zeros(256, np.uint8)
    table[list(order)] = THREE
    return table[label]


def notes(pairs, **labels):
    tally = MaskTally(MaskLabels.model_validate(labels))
    for prediction, reference in pairs:
        tally.add(prediction, reference)
    return list(tally.notes())


def declared(sentence):
    """Parameters that a sentence tells users to set, as they would arrive."""
    found = re.findall(r"audit_labels\.(predictions|references)\.(\w+)=([\d+]+|null)", sentence)
    return {side: {name: value for of, name, value in found if of == side} for side, _, _ in found}


@pytest.mark.parametrize("order", EXCHANGES)
@pytest.mark.parametrize("side", ["predictions", "references"])
def test_an_exchange_on_one_side_is_reported_with_values_that_repair_it(order, side):
    hearts = [drawn_heart(seed) for seed in range(5)]
    pairs = [(exchanged(h, order), h) if side == "predictions" else (h, exchanged(h, order)) for h in hearts]

    found = notes(pairs)

    assert found[0].startswith(
        "In 5 of 5 pairs the structures agree clearly better under other values: mean DSC 100.0 %"
    )
    remedy = declared(found[0])
    assert remedy.keys() == {"predictions", "references"}
    for values in ({of: remedy[of]} for of in remedy):
        # the values that are proposed make both agree, whichever side they are declared for
        coding = MaskLabels.model_validate(values).coding
        tables = [np.zeros(256, np.uint8) for _ in range(2)]
        for table, meanings in zip(tables, (coding.predictions, coding.references), strict=True):
            table[list(meanings)] = [int(meaning) for meaning in meanings.values()]
        for prediction, reference in pairs:
            np.testing.assert_array_equal(tables[0][prediction], tables[1][reference])
    anatomy = [note for note in found if "is enclosed by" in note]
    assert len(anatomy) == 1
    assert f"5 of 5 {side}" in anatomy[0]
    assert declared(anatomy[0])[side] == remedy[side]


@pytest.mark.parametrize("order", EXCHANGES)
def test_an_exchange_on_both_sides_shows_in_the_anatomy_alone(order):
    hearts = [exchanged(drawn_heart(seed), order) for seed in range(3)]

    found = notes([(heart, heart) for heart in hearts])

    assert len(found) == 2
    for note, side in zip(found, ("predictions", "references"), strict=True):
        assert f"3 of 3 {side}" in note
        coding = MaskLabels.model_validate(declared(note)).coding
        meanings = getattr(coding, side)
        table = np.zeros(256, np.uint8)
        table[list(meanings)] = [int(meaning) for meaning in meanings.values()]
        np.testing.assert_array_equal(table[hearts[0]], drawn_heart(0))


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=4), st.floats(0.0, 0.1), st.integers(0, 99))
@settings(max_examples=30)
def test_nothing_is_said_of_predictions_with_few_errors(seeds, share, noise):
    rng = np.random.default_rng(noise)
    hearts = [drawn_heart(seed) for seed in seeds]
    found = notes([(np.where(rng.random(heart.shape) < share, 0, heart).astype(np.uint8), heart) for heart in hearts])

    assert found == []


def test_a_few_pairs_that_are_coded_otherwise_are_to_be_looked_at():
    hearts = [drawn_heart(seed) for seed in range(6)]
    odd = [(exchanged(heart, EXCHANGES[-1]), heart) for heart in hearts[:2]]

    found = notes([*odd, *((heart, heart) for heart in hearts[2:])])

    (note,) = found
    assert note.startswith("In 2 of 6 pairs")
    assert "Look at these pairs" in note


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("predictions", r"No prediction shows RVBP \(value 3\), and 2 references do.*predictions\.RVBP=null"),
        ("references", r"RVBP is not scored: no reference shows it \(value 3\)"),
        ("both", r"RVBP is not scored: no reference shows it \(value 3\)"),
    ],
)
def test_a_structure_that_one_side_never_shows_is_named(missing, said):
    hearts = [drawn_heart(seed) for seed in range(2)]
    left = [np.where(heart == Structure.RVBP, 0, heart).astype(np.uint8) for heart in hearts]
    sides = {"predictions": (left, hearts), "references": (hearts, left), "both": (left, left)}

    (note,) = notes(zip(*sides[missing], strict=True))

    assert re.search(said, note)


def test_no_sentence_of_an_exchange_is_said_of_empty_masks():
    empty = np.zeros((2, 3, 3), np.uint8)

    found = notes([(empty, empty), (empty, drawn_heart(0)[:2, :3, :3] * 0)])

    assert all("not scored" in note for note in found)
