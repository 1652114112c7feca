"""Patches: their position and content, which depend only on seed and step."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError, generator
from faircmr.core.scans import Phase
from faircmr.segmentation.data import (
    PatchSource,
    SubjectTensors,
    TensorStore,
    crop_or_pad,
    image_name,
    labelled_subjects,
)
from faircmr.segmentation.data.batches import LabelledSubject, foreground_samples
from faircmr.segmentation.localiser import Box

sizes = st.integers(1, 12)


def subject_of(label: np.ndarray, *phases: Phase) -> LabelledSubject:
    arrays = {}
    for phase in phases:
        arrays |= {f"{phase}.image": label.astype(np.float16), f"{phase}.label": label}
        counts = [(label == value).sum(axis=(1, 2)) for value in (1, 2, 3)]
        arrays[f"{phase}.areas"] = np.stack(counts, axis=1).astype(np.int32)
    return LabelledSubject(SubjectTensors("sub-0001", "", arrays))


def source_of(
    *subjects: LabelledSubject,
    foreground: float = 0.0,
    crop: tuple[int, int] = (8, 8),
    rois: dict[str, Box] | None = None,
) -> PatchSource:
    keys = [str(number) for number in range(len(subjects))]
    return PatchSource(subjects, keys, rois or {}, (8, 8), crop, foreground, "training", seed=0)


@pytest.fixture
def corner() -> LabelledSubject:
    """Two slices of 20 x 30; the second has one pixel of one structure, in its corner."""
    label = np.zeros((2, 20, 30), dtype=np.uint8)
    label[1, 0, 29] = 2
    return subject_of(label, Phase.ED)


def test_a_step_is_drawn_alike_every_time_and_the_next_otherwise(tensors: Path):
    store = TensorStore(tensors)
    source = source_of(*labelled_subjects(store, list(store.fingerprints)), foreground=0.5)
    first, again, later = (source.batch(np.arange(8), step) for step in (5, 5, 6))

    assert first.image.equal(again.image)
    assert not first.image.equal(later.image)
    assert not first.image.equal(replace(source, seed=1).batch(np.arange(8), 5).image)
    assert not first.image.equal(replace(source, purpose="validation").batch(np.arange(8), 5).image)


def test_samples_come_from_the_subjects_that_are_asked_for_with_their_keys():
    subjects = [subject_of(np.full((1, 8, 8), value, dtype=np.uint8), Phase.ED) for value in (1, 2, 3)]

    batch = source_of(*subjects).batch(np.array([2, 0, 2]), step=4)

    assert batch.label.amax((1, 2)).tolist() == [3, 1, 3]
    assert (batch.keys, batch.step) == (("2", "0", "2"), 4)
    assert batch.image.dtype.is_floating_point


def test_a_forced_sample_shows_a_structure_however_rare_it_is(corner: LabelledSubject):
    forced = source_of(corner, foreground=1.0).batch(np.zeros(20, dtype=int), 0)
    free = source_of(corner).batch(np.zeros(20, dtype=int), 0)

    assert (forced.label == 2).flatten(1).any(dim=1).all()
    assert not (free.label == 2).flatten(1).any(dim=1).all()


def test_each_structure_is_as_likely_to_be_shown_and_slices_by_its_size():
    label = np.zeros((3, 40, 40), dtype=np.uint8)
    label[0, :8, :8], label[1, :4, :8], label[2, -1, -1] = 1, 1, 3
    shown = Counter()
    for step in range(40):
        batch = source_of(subject_of(label, Phase.ED), foreground=1.0).batch(np.zeros(10, dtype=int), step)
        shown.update((int(sample.max()), int((sample == 1).sum() > 32)) for sample in batch.label)

    assert shown[3, 0] == pytest.approx(200, abs=40)
    assert sum(count for (structure, _), count in shown.items() if structure == 1) == pytest.approx(200, abs=40)


def test_both_phases_and_all_slices_are_drawn():
    label = np.arange(6, dtype=np.uint8).reshape(6, 1, 1) * np.ones((1, 8, 8), dtype=np.uint8)
    subject = subject_of(label, Phase.ED, Phase.ES)
    subject.tensors.arrays["ES.image"][:] += 10

    seen = {
        float(image.max()) for step in range(10) for image in source_of(subject).batch(np.zeros(16, int), step).image
    }

    assert seen == {*range(6), *range(10, 16)}


def test_a_patch_stays_inside_the_image(corner: LabelledSubject):
    ones = subject_of(np.ones((1, 20, 30), dtype=np.uint8), Phase.ED)

    assert source_of(ones).batch(np.zeros(50, dtype=int), 0).label.min() == 1


def test_an_image_smaller_than_the_patch_lies_in_its_middle():
    small = subject_of(np.ones((1, 4, 6), dtype=np.uint8), Phase.ED)

    label = source_of(small).batch(np.zeros(1, dtype=int), 0).label[0]

    assert label.sum() == 24
    assert label[2:6, 1:7].min() == 1


def test_a_crop_surrounds_its_patch():
    picture = np.arange(100, dtype=np.uint8).reshape(1, 10, 10)
    source = source_of(subject_of(picture, Phase.ED))

    patch = source.batch(np.zeros(1, dtype=int), 3).label
    crop = replace(source, crop=(14, 12)).batch(np.zeros(1, dtype=int), 3).label

    assert crop[:, 3:11, 2:10].equal(patch)


@given(st.tuples(sizes, sizes), st.tuples(st.integers(-15, 15), st.integers(-15, 15)), st.tuples(sizes, sizes))
def test_a_cut_equals_the_cut_of_a_padded_plane(size: tuple, start: tuple, shape: tuple):
    plane = np.arange(1, size[0] * size[1] + 1).reshape(size)
    padded = np.pad(plane, 30)

    expected = padded[30 + start[0] : 30 + start[0] + shape[0], 30 + start[1] : 30 + start[1] + shape[1]]

    np.testing.assert_array_equal(crop_or_pad(plane, start, shape), expected)


@pytest.mark.parametrize(("samples", "forced"), [(2, 1), (8, 3), (12, 4), (24, 8), (48, 16)])
def test_forces_as_many_samples_as_nnunet(samples: int, forced: int):
    # nnU-Net forces sample i where not i < round(batch_size * (1 - oversample_foreground_percent))
    assert len(foreground_samples(samples, 1 / 3, generator(0))) == forced


def test_no_slot_of_a_batch_is_forced_more_often_than_another():
    counts = Counter(slot for step in range(600) for slot in foreground_samples(6, 1 / 3, generator(0, step)))

    assert set(counts) == set(range(6))
    assert all(count == pytest.approx(200, abs=50) for count in counts.values())


def test_a_subject_without_label_cannot_be_sampled(tmp_path: Path):
    from safetensors.numpy import save_file

    save_file({"ED.image": np.zeros((1, 8, 8), dtype=np.float16)}, tmp_path / "sub-0001.safetensors")
    (tmp_path / "manifest.json").write_text('{"fingerprints": {"sub-0001": "x"}}')

    with pytest.raises(InvalidCohortError, match=r"sub-0001: no label"):
        labelled_subjects(TensorStore(tmp_path), ["sub-0001"])


def test_a_label_without_any_structure_is_sampled_all_the_same():
    empty = subject_of(np.zeros((2, 8, 8), dtype=np.uint8), Phase.ED)

    assert source_of(empty, foreground=1.0).batch(np.zeros(3, dtype=int), 0).label.sum() == 0


def test_a_patch_stays_inside_the_region():
    """Pixels are numbered, so that a patch says where it was taken from."""
    label = np.zeros((1, 30, 30), dtype=np.uint8)
    label[:, 5:25, 5:25] = 1
    subject = subject_of(label, Phase.ED)
    where = np.arange(900, dtype=np.float32).reshape(1, 30, 30)
    subject.tensors.arrays[image_name(Phase.ED)] = where
    region = Box(row_start=6, row_stop=18, column_start=10, column_stop=20)

    batch = source_of(subject, rois={"sub-0001": region}).batch(np.zeros(64, dtype=int), 0)

    rows, columns = np.divmod(batch.image.numpy().astype(int), 30)
    assert (rows.min(), rows.max()) == (6, 17)
    assert (columns.min(), columns.max()) == (10, 19)


def test_what_surrounds_a_patch_is_the_image_and_not_nothing():
    """A turned patch is filled from beyond the region."""
    label = np.ones((1, 30, 30), dtype=np.uint8)
    region = Box(row_start=10, row_stop=18, column_start=10, column_stop=18)

    source = source_of(subject_of(label, Phase.ED), crop=(12, 12), rois={"sub-0001": region})

    assert source.batch(np.zeros(4, dtype=int), 0).label.numpy().all()


@pytest.mark.parametrize(("pixel", "corner"), [(10, 6), (5, 1), (2, 0)])
def test_a_patch_that_must_show_a_pixel_is_centred_on_it_and_begins_no_earlier_than_the_region(pixel, corner):
    """As nnU-Net's ``get_bbox``: max(lower bound, voxel - patch // 2), and no upper bound."""
    label = np.zeros((1, 12, 12), dtype=np.uint8)
    label[0, pixel, pixel] = 1

    shown = source_of(subject_of(label, Phase.ED), foreground=1.0).batch(np.zeros(1, dtype=int), 0).label[0]

    assert np.argwhere(shown.numpy()).tolist() == [[pixel - corner, pixel - corner]]


def test_beyond_the_region_a_shifted_patch_shows_the_image():
    label = np.ones((1, 30, 30), dtype=np.uint8)
    region = Box(row_start=0, row_stop=10, column_start=0, column_stop=10)
    source = source_of(subject_of(label, Phase.ED), rois={"sub-0001": region})
    forced = replace(source, foreground=1.0).batch(np.zeros(16, dtype=int), 0)
    inside = forced.label.numpy()[:, :4, :4]
    assert inside.all()
