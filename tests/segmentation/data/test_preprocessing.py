"""Preprocessing of scans to tensors, computed only on access."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import Phase, Scan
from faircmr.segmentation.data import preprocess, preprocess_subjects, structure_areas
from faircmr.segmentation.data.preprocessing import normalise
from tests.segmentation.phantoms import phantom, plans_of

SCANS = pd.DataFrame(
    {"subject_id": ["sub-0001", "sub-0001", "sub-0002"], "phase": ["ED", "ES", "ED"], "fingerprint": ["a", "b", "c"]}
)


def read(subject_id: str, phase: Phase) -> Scan:
    return phantom(int(subject_id[-1]) + 10 * list(Phase).index(phase))


def test_intensities_have_mean_zero_and_deviation_one():
    normalised = normalise(100 + 7 * phantom(0).image)

    assert normalised.mean() == pytest.approx(0, abs=1e-6)
    assert normalised.std() == pytest.approx(1, abs=1e-6)
    assert normalised.dtype == np.float32


def test_a_margin_of_zeros_does_not_change_the_intensities_of_what_is_shown():
    image = 100 + 7 * phantom(0).image

    padded = normalise(np.pad(image, ((0, 0), (3, 5), (0, 40))))

    np.testing.assert_array_equal(padded[:, 3:-5, :-40], normalise(image))


@pytest.mark.parametrize("value", [0.0, 0.1, 7.0, 1e30])
def test_an_image_that_is_the_same_everywhere_is_refused_however_its_mean_is_rounded(value: float):
    with pytest.raises(InvalidScanError, match="the same intensity everywhere; an image with contrast"):
        normalise(np.full((3, 21, 19), value, dtype=np.float32))


@pytest.mark.parametrize(
    ("spacing", "shape"),
    [((25.0, 2.0, 2.0), (3, 10, 10)), ((10.0, 1.0, 12.0), (3, 5, 60))],
    ids=["slices 12 times as far apart as pixels", "pixels 12 times as long as wide"],
)
def test_anisotropy_above_ten_is_resampled_in_plane(spacing: tuple[float, ...], shape: tuple[int, ...]):
    scan = phantom(0)

    arrays = preprocess(replace(scan, geometry=replace(scan.geometry, spacing=spacing)), plans_of(), Phase.ED)

    assert arrays["ED.image"].shape == arrays["ED.label"].shape == shape
    assert np.isfinite(arrays["ED.image"]).all()


def test_one_slice_is_a_scan():
    arrays = preprocess(phantom(0, slices=2), plans_of(), Phase.ED)
    scan = phantom(0, slices=2)
    one = replace(scan, image=scan.image[:1], label=scan.label[:1], geometry=replace(scan.geometry, shape=(1, 20, 20)))

    assert preprocess(one, plans_of(), Phase.ED)["ED.areas"].tolist() == arrays["ED.areas"][:1].tolist()


def test_a_scan_on_the_grid_of_the_plans_is_only_normalised():
    arrays = preprocess(phantom(0), plans_of(), Phase.ED)

    np.testing.assert_array_equal(arrays["ED.label"], phantom(0).label)
    np.testing.assert_allclose(arrays["ED.image"], normalise(phantom(0).image), atol=2e-3)
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "ED.image": "float16",
        "ED.label": "uint8",
        "ED.areas": "int32",
    }


def test_a_scan_on_another_grid_is_resampled_within_its_slices():
    scan = phantom(0)
    coarse = replace(scan, geometry=replace(scan.geometry, spacing=(10.0, 8.0, 6.0)))

    arrays = preprocess(coarse, plans_of(), Phase.ES)

    assert arrays["ES.image"].shape == arrays["ES.label"].shape == (3, 40, 30)


def test_a_scan_that_nobody_labelled_gives_an_image_alone():
    assert set(preprocess(replace(phantom(0), label=None), plans_of(), Phase.ED)) == {"ED.image"}


def test_areas_count_the_pixels_of_each_structure_in_each_slice():
    label = np.array([[[0, 1], [1, 3]], [[0, 0], [0, 0]]], dtype=np.uint8)

    np.testing.assert_array_equal(structure_areas(label), [[2, 0, 1], [0, 0, 0]])


def test_subjects_come_in_order_with_all_their_phases():
    subjects = list(preprocess_subjects(read, SCANS, plans_of()))

    assert [subject.subject_id for subject in subjects] == ["sub-0001", "sub-0002"]
    assert [subject.phases for subject in subjects] == [(Phase.ED, Phase.ES), (Phase.ED,)]
    np.testing.assert_array_equal(
        subjects[0].arrays["ES.image"], preprocess(read("sub-0001", Phase.ES), plans_of(), Phase.ES)["ES.image"]
    )


def test_a_subject_that_nobody_looks_at_is_not_read():
    def refuse(subject_id: str, phase: Phase) -> Scan:
        raise AssertionError("read")

    subjects = list(preprocess_subjects(refuse, SCANS, plans_of()))

    assert all(subject.fingerprint for subject in subjects)


def test_a_subject_is_read_once_however_often_it_is_looked_at():
    seen = []

    def count(subject_id: str, phase: Phase) -> Scan:
        seen.append((subject_id, phase))
        return read(subject_id, phase)

    subject = next(preprocess_subjects(count, SCANS, plans_of()))
    assert len(subject.arrays) == len(dict(subject.arrays)) == 6

    assert seen == [("sub-0001", Phase.ED), ("sub-0001", Phase.ES)]


def fingerprints(scans: pd.DataFrame = SCANS, **edit: object) -> list[str]:
    plans = plans_of().model_copy(update=edit)
    return [subject.fingerprint for subject in preprocess_subjects(read, scans, plans)]


def test_a_changed_scan_changes_the_fingerprint_of_its_subject_alone():
    before, after = fingerprints(), fingerprints(SCANS.replace("b", "B"))

    assert before[0] != after[0]
    assert before[1] == after[1]


def test_the_grid_changes_every_fingerprint_and_the_batch_size_none():
    assert not set(fingerprints()) & set(fingerprints(spacing=(2.0, 2.0)))
    assert fingerprints() == fingerprints(batch_size=12)


def test_a_scan_without_contrast_is_refused_by_its_study_key():
    def flat(subject_id: str, phase: Phase) -> Scan:
        return replace(phantom(0), image=np.full((3, 20, 20), 7, dtype=np.float32))

    subject = next(preprocess_subjects(flat, SCANS, plans_of()))

    with pytest.raises(InvalidScanError, match=r"sub-0001 ED: the same intensity everywhere"):
        dict(subject.arrays)
