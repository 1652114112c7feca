"""Unlabelled frames are preprocessed as in training, segmented on their own grid, and get phases by volume."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import Frame, Geometry, Phase, PredictParameters, Scan, Structure, UnlabelledScans
from faircmr.segmentation.data import image_name, preprocess
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.network import Plans
from faircmr.segmentation.prediction import segment_unlabelled
from faircmr.segmentation.prediction.trained_strategy import FrameSegmenter
from tests.cines import BEAT, SIDE, SLICES, blood_pool, heart, heart_image

PLANS = Plans(
    spacing=(2.0, 2.0),
    patch=(32, 32),
    batch_size=2,
    filters=(4, 8, 16),
    kernels=((3, 3),) * 3,
    strides=((1, 1), (2, 2), (2, 2)),
)
SHAPE = (SLICES, SIDE, SIDE)
WHOLE = Box.whole(SHAPE[1:])
KEEP = PredictParameters()


class Thresholds:
    """In the place of networks: what is bright is the left blood pool; remembers what it was shown."""

    plans = PLANS

    def __init__(self) -> None:
        self.seen: list[tuple[np.ndarray, tuple[int, int], Box | None]] = []

    def label(self, image, shape, box=None):
        self.seen.append((image, shape, box))
        rows, columns = (np.arange(size) * old // size for size, old in zip(shape, image.shape[1:], strict=True))
        # between the two ventricles, whatever the scan's normalisation made of them
        bright = (image > image.min() + 0.91 * np.ptp(image))[:, rows][:, :, columns]
        return np.where(bright, Structure.LVBP, 0).astype(np.uint8)


def scan(radius: float, spacing=(10.0, 2.0, 2.0), seed=0) -> Scan:
    image = heart_image(radius, seed).T.astype(np.float32)
    return Scan(image, None, Geometry(image.shape, spacing))


def beating(radii=BEAT, **changes):
    for index, radius in enumerate(radii):
        yield Frame(index, None, scan(radius, **changes))


def damaged():
    yield from beating(BEAT[:3])
    raise InvalidScanError("scan", "the image file is truncated or damaged", "a whole file")


def constant():
    yield Frame(0, None, Scan(np.full(SHAPE, 7.0, np.float32), None, Geometry(SHAPE, (10.0, 2.0, 2.0))))


def scans(**readers: Callable) -> UnlabelledScans:
    return UnlabelledScans({name: f"state of {name}" for name in readers}, readers)


def nowhere(subject):
    return None


def segmenter(networks=None, find_heart=nowhere, structures=frozenset()):
    return FrameSegmenter(networks or Thresholds(), find_heart, structures)


def segmented(readers: UnlabelledScans, keep: PredictParameters = KEEP, **parts):
    return {one.subject_id: one.segment() for one in segment_unlabelled(readers, lambda: segmenter(**parts), "", keep)}


def test_ed_and_es_are_the_frames_of_largest_and_smallest_blood_pool():
    found = segmented(scans(a=beating))["a"]

    assert [frame.phase for frame in found.record.frames] == [Phase.ED, None, Phase.ES, None, None]
    assert [frame.frame for frame in found.record.frames] == [0, 1, 2, 3, 4]
    assert [frame.lvbp_ml for frame in found.record.frames] == pytest.approx(list(map(blood_pool, BEAT)), rel=0.02)
    assert found.record.saved == (0, 2)
    assert [int((one.label > 0).sum()) for one in found.labels] == [
        pytest.approx((heart(radius) == Structure.LVBP).sum(), rel=0.02) for radius in (BEAT[0], BEAT[2])
    ]


def test_all_frames_are_kept_where_that_is_asked_for():
    found = segmented(scans(a=beating), PredictParameters(keep="all_frames"))["a"]

    assert found.record.saved == (0, 1, 2, 3, 4)
    assert len(found.labels) == 5


def test_networks_are_shown_what_they_were_trained_on():
    networks = Thresholds()
    fine = partial(beating, BEAT[:1], spacing=(10.0, 1.25, 1.5))

    segmented(scans(a=fine), networks=networks)

    ((image, shape, _),) = networks.seen
    expected = preprocess(next(fine()).scan, PLANS, Phase.ED)[image_name(Phase.ED)]
    np.testing.assert_array_equal(image, expected)
    assert image.shape == (SLICES, 20, 24)
    assert shape == SHAPE[1:]


def test_a_frame_that_stands_alone_is_kept_without_a_phase():
    found = segmented(scans(a=lambda: iter([Frame(None, None, scan(7.0))])))["a"]

    assert [frame.name for frame in found.record.frames] == [""]
    assert found.record.saved == (0,)


def test_phases_that_names_state_are_believed():
    named = [Frame(None, Phase.ED, scan(5.0)), Frame(None, Phase.ES, scan(8.0))]

    found = segmented(scans(a=lambda: iter(named)))["a"]

    assert [frame.phase for frame in found.record.frames] == [Phase.ED, Phase.ES]


def test_a_cine_without_a_heart_has_volumes_and_no_phases():
    class Blind(Thresholds):
        def label(self, image, shape, box=None):
            return np.zeros((len(image), *shape), np.uint8)

    found = segmented(scans(a=beating), networks=Blind())["a"]

    assert [frame.lvbp_ml for frame in found.record.frames] == [0.0] * 5
    assert found.record.saved == ()
    assert found.record.without_phases


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        (damaged, "the image file is truncated or damaged; a whole file"),
        (constant, "same intensity everywhere"),
    ],
    ids=["damaged", "constant"],
)
def test_a_scan_that_cannot_be_used_says_why_and_the_others_are_segmented(frames, problem):
    found = segmented(scans(a=frames, b=beating))

    assert problem in found["a"].record.problem
    assert found["a"].record.frames == found["a"].labels == ()
    assert len(found["b"].record.frames) == 5


def test_one_slice_and_slices_far_apart_are_segmented():
    one = Frame(None, None, Scan(scan(7.0).image[:1], None, Geometry((1, *SHAPE[1:]), (25.0, 2.0, 2.0))))

    found = segmented(scans(a=lambda: iter([one])))["a"]

    assert found.record.problem == ""
    assert found.labels[0].label.shape == (1, *SHAPE[1:])
    assert found.record.frames[0].lvbp_ml == pytest.approx((heart(7.0)[..., 0] == 1).sum() * 0.1, rel=0.02)


def test_the_heart_is_looked_for_once_a_cine():
    networks, looked = Thresholds(), []

    def find(subject):
        looked.append((subject.subject_id, subject.phases))
        return WHOLE

    segmented(scans(a=beating, b=beating), networks=networks, find_heart=find)

    assert looked == [("a", (Phase.ED,)), ("b", (Phase.ED,))]
    assert {box for _, _, box in networks.seen} == {WHOLE}


def test_frames_of_another_size_are_looked_at_anew():
    mixed = [Frame(0, None, scan(7.0)), Frame(1, None, scan(6.0, spacing=(10.0, 1.0, 1.0)))]
    looked = []

    segmented(scans(a=lambda: iter(mixed)), find_heart=looked.append)

    assert len(looked) == 2


def test_the_largest_component_alone_is_kept_of_the_structures_that_were_chosen():
    spotted = scan(7.0)
    spotted.image[0, 2, 2] = 205.0

    def volume(structures):
        found = segmented(scans(a=lambda: iter([Frame(None, None, spotted)])), structures=structures)
        return found["a"].labels[0].label[0, 2, 2]

    assert volume(frozenset()) == Structure.LVBP
    assert volume(frozenset({Structure.LVBP})) == 0


def test_no_network_is_read_before_a_subject_is_segmented_and_then_once():
    loads = []

    def load():
        loads.append(1)
        return segmenter()

    pending = list(segment_unlabelled(scans(a=beating, b=beating), load, "", KEEP))
    assert loads == []
    for one in pending:
        one.segment()

    assert loads == [1]


def test_fingerprints_change_with_scan_strategy_and_what_is_kept():
    def fingerprint(states="x", strategy="y", keep="ed_es"):
        source = SimpleNamespace(fingerprints={"a": states})
        (one,) = segment_unlabelled(source, segmenter, strategy, PredictParameters(keep=keep))
        return one.fingerprint

    assert fingerprint() == fingerprint()
    assert len({fingerprint(), fingerprint(states="z"), fingerprint(strategy="z"), fingerprint(keep="all_frames")}) == 4
