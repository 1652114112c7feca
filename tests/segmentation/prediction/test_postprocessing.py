"""Only the largest component of a structure is kept if this raises the validation DSC."""

from collections import deque
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from faircmr.core.scans import ALL_STRUCTURES, Structure
from faircmr.segmentation.prediction import Postprocessing
from faircmr.segmentation.prediction.postprocessing import (
    FoldDecision,
    StructureDecision,
    decide_by_structure,
    keep_largest,
    largest_component,
)

SHAPE = (2, 6, 8)
NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if any(step)]
masks = npst.arrays(bool, npst.array_shapes(min_dims=3, max_dims=3, max_side=5))


def flooded(mask: np.ndarray) -> list[set[tuple[int, ...]]]:
    """Connected parts, found voxel by voxel."""
    waiting, parts = {tuple(place) for place in np.argwhere(mask).tolist()}, []
    while waiting:
        part, edge = set(), deque([waiting.pop()])
        while edge:
            place = edge.popleft()
            part.add(place)
            near = {tuple(a + b for a, b in zip(place, step, strict=True)) for step in NEIGHBOURS} & waiting
            waiting -= near
            edge.extend(near)
        parts.append(part)
    return parts


@given(masks)
def test_keeps_the_largest_of_the_parts_that_touch(mask):
    parts = flooded(mask)
    most = max(map(len, parts), default=0)

    kept = {tuple(place) for place in np.argwhere(largest_component(mask)).tolist()}

    assert kept == {place for part in parts if len(part) == most for place in part}


def test_voxels_that_touch_in_a_corner_of_the_next_slice_are_one_part():
    mask = np.zeros((2, 3, 3), bool)
    mask[0, 0, 0] = mask[1, 1, 1] = True

    np.testing.assert_array_equal(largest_component(mask), mask)


labels = npst.arrays(np.uint8, SHAPE, elements=st.integers(0, 3))


@given(labels, st.sets(st.sampled_from(Structure)))
def test_other_structures_are_left_alone_and_what_goes_becomes_background(label, structures):
    before = label.copy()

    kept = keep_largest(label, structures)

    np.testing.assert_array_equal(label, before)
    assert set(np.unique(kept[kept != label])) <= {0}
    for structure in Structure:
        expected = largest_component(label == structure) if structure in structures else label == structure
        np.testing.assert_array_equal(kept == structure, expected)
    np.testing.assert_array_equal(keep_largest(kept, structures), kept)


def truth() -> np.ndarray:
    label = np.zeros(SHAPE, np.uint8)
    label[:, 1:3, 1:3], label[:, 3:5, 1:3], label[:, 1:4, 4:6] = Structure.LVBP, Structure.LVM, Structure.RVBP
    return label


def with_stray(structure: Structure) -> np.ndarray:
    """As drawn, with one voxel of a structure where there is none."""
    label = truth()
    label[0, 5, 7] = structure
    return label


def test_a_stray_part_decides_for_its_structure_alone():
    decision = decide_by_structure(
        1, [(with_stray(Structure.RVBP), truth()), (truth(), truth())], ALL_STRUCTURES, unlabelled=3
    )

    by_name = {one.structure: one for one in decision.structures}
    assert {name for name, one in by_name.items() if one.applied} == {"RVBP"}
    assert by_name["RVBP"].dsc == pytest.approx((24 / 25 + 1) / 2)
    assert by_name["RVBP"].dsc_largest_component == 1.0
    assert by_name["LVM"].dsc == by_name["LVM"].dsc_largest_component == 1.0
    assert (decision.fold, decision.scans, decision.unlabelled, decision.note) == (1, 2, 3, "")


def test_a_structure_that_loses_more_than_it_gains_keeps_all_its_parts():
    halves = np.zeros(SHAPE, np.uint8)
    halves[:, 1:3, 1:2], halves[:, 1:3, 3:5] = Structure.LVBP, Structure.LVBP

    decision = decide_by_structure(None, [(halves, halves)], ALL_STRUCTURES)

    assert not any(one.applied for one in decision.structures)
    assert decision.structures[0].dsc == 1.0
    assert decision.structures[0].dsc_largest_component < 1.0


def test_no_better_is_not_good_enough():
    decision = decide_by_structure(None, [(truth(), truth())], ALL_STRUCTURES)

    assert [one.applied for one in decision.structures] == [False] * 3


def test_scans_count_alike_and_those_that_show_nothing_count_not_at_all():
    empty = np.zeros(SHAPE, np.uint8)
    missed = np.where(truth() == Structure.RVBP, 0, truth()).astype(np.uint8)

    decision = decide_by_structure(None, [(empty, empty), (missed, truth()), (truth(), truth())], ALL_STRUCTURES)

    assert decision.scans == 3
    assert [one.dsc for one in decision.structures] == [1.0, 1.0, 0.5]


def test_a_structure_that_no_scan_shows_is_not_decided():
    empty = np.zeros(SHAPE, np.uint8)

    decision = decide_by_structure(None, [(empty, empty)], ALL_STRUCTURES)

    assert decision.structures[0] == StructureDecision(structure="LVBP")


def test_a_structure_that_the_study_does_not_have_is_not_spoken_of():
    decision = decide_by_structure(None, [(truth(), truth())], (Structure.LVBP,))

    assert [one.structure for one in decision.structures] == ["LVBP"]


def test_without_labelled_scans_nothing_is_applied_and_that_is_said():
    decision = decide_by_structure(None, [], ALL_STRUCTURES, unlabelled=4)

    assert decision == FoldDecision(scans=0, unlabelled=4, note="no labelled validation scan: nothing is applied")
    assert Postprocessing(method="largest_component", folds=(decision,)).structures(None) == frozenset()
    assert "nothing is applied" in decision.summary


def decided(fold: int, *structures: Structure) -> FoldDecision:
    names = tuple(StructureDecision(structure=one.name, applied=one in structures) for one in Structure)
    return FoldDecision(fold=fold, scans=5, structures=names)


def test_each_fold_has_its_own_decision_and_all_together_that_of_most():
    postprocessing = Postprocessing(
        method="largest_component",
        folds=(
            decided(0, Structure.RVBP, Structure.LVM),
            decided(1, Structure.RVBP),
            decided(2, Structure.LVBP, Structure.RVBP, Structure.LVM),
        ),
    )

    assert postprocessing.structures(1) == {Structure.RVBP}
    assert postprocessing.structures(7) == frozenset()
    assert postprocessing.structures_of_all() == {Structure.RVBP, Structure.LVM}
    assert Postprocessing(method="none").structures_of_all() == frozenset()
    assert "LVM, RVBP, decided on 5" in postprocessing.folds[0].summary


def test_comes_back_from_its_file():
    made = Postprocessing(method="largest_component", folds=(decided(0, Structure.RVBP),))

    assert Postprocessing.model_validate_json(made.model_dump_json()) == made
