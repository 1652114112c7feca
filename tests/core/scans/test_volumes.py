"""Volumes are voxels times the volume of one, and tell end diastole from end systole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from faircmr.core.scans import FrameVolumes, Phase, Structure, structure_volumes, with_phases
from faircmr.core.scans.structures import phases_by_volume

volumes = st.floats(0.0, 500.0)


def frame(lvbp, index=None, phase=None):
    return FrameVolumes(frame=index, phase=phase, lvbp_ml=lvbp, lvm_ml=0.0, rvbp_ml=0.0)


def test_a_block_of_known_size_has_its_volume():
    label = np.zeros((4, 20, 20), np.uint8)
    label[1:3, 5:15, 5:15] = Structure.LVBP
    label[0, 0, 0] = Structure.RVBP

    # 2 x 10 x 10 voxels of 10 x 1.25 x 1.5 mm
    assert structure_volumes(label, (10.0, 1.25, 1.5)) == {
        Structure.LVBP: pytest.approx(3.75),
        Structure.LVM: 0.0,
        Structure.RVBP: pytest.approx(0.01875),
    }


def test_nothing_is_measured_of_other_structures():
    label = np.full((1, 2, 2), Structure.RVBP, np.uint8)

    assert structure_volumes(label, (10.0, 1.0, 1.0), (Structure.LVBP,)) == {Structure.LVBP: 0.0}


@given(npst.arrays(np.uint8, (2, 3, 4), elements=st.integers(0, 3)), st.floats(0.1, 20.0))
def test_all_volumes_together_are_the_foreground(label, thickness):
    found = structure_volumes(label, (thickness, 2.0, 5.0))

    assert sum(found.values()) == pytest.approx((label > 0).sum() * thickness * 10 / 1000)


@pytest.mark.parametrize(
    ("lvbp", "phases"),
    [
        ([80.0, 60.0, 40.0, 70.0], (0, 2)),
        ([60.0, 80.0, 80.0, 40.0, 40.0], (1, 3)),
        ([80.0, 0.0, 40.0], (0, 2)),  # the ventricle was missed in the middle, it did not empty
        ([0.0, 0.0], None),
        ([0.0, 50.0], None),
        ([50.0, 50.0], None),
        ([50.0], None),
        ([], None),
        ([None, None], None),  # a study without the left ventricle
    ],
)
def test_ed_is_the_largest_and_es_the_smallest_blood_pool(lvbp, phases):
    assert phases_by_volume(lvbp) == phases


@given(st.lists(volumes, max_size=30))
def test_no_found_blood_pool_is_larger_than_at_ed_or_smaller_than_at_es(lvbp):
    phases = phases_by_volume(lvbp)
    found = [volume for volume in lvbp if volume > 0]

    if phases is None:
        assert len(set(found)) < 2
    else:
        assert (lvbp[phases[0]], lvbp[phases[1]]) == (max(found), min(found))


def test_phases_are_named_by_volume():
    named = with_phases([frame(60.0, 0), frame(90.0, 1), frame(50.0, 2)])

    assert [one.phase for one in named] == [None, Phase.ED, Phase.ES]
    assert [one.name for one in named] == ["frame00", "ED", "ES"]


def test_phases_that_the_files_name_stay():
    named = with_phases([frame(50.0, phase=Phase.ED), frame(60.0, phase=Phase.ES)])

    assert [one.phase for one in named] == [Phase.ED, Phase.ES]


def test_a_frame_that_stands_alone_has_no_phase_and_no_name():
    (named,) = with_phases([frame(50.0)])

    assert named.phase is None
    assert named.name == ""
