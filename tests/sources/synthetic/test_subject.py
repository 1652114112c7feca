"""Images and labels of a person: reproducible, anatomically sound, alike in both sexes."""

import numpy as np
import pytest
from scipy import ndimage

from faircmr.core.scans import Structure
from faircmr.sources.synthetic import SyntheticParameters
from faircmr.sources.synthetic.anatomy import Shift, group_shift
from faircmr.sources.synthetic.parameters import draw_person
from faircmr.sources.synthetic.subject import synthesise

PARAMETERS = SyntheticParameters()
MILLILITRES = PARAMETERS.spacing**2 * PARAMETERS.slice_spacing / 1000
SUBJECTS = tuple(f"A{number:04d}" for number in range(1, 13))
ED, ES = 0, 1


@pytest.fixture(scope="module")
def subjects():
    return [synthesise(PARAMETERS, source_id, Shift()) for source_id in SUBJECTS]


def volume(labels, structure):
    return np.count_nonzero(labels == structure) * MILLILITRES


def test_equal_arguments_give_equal_images():
    first, second = (synthesise(PARAMETERS, "C0012", Shift(1.0, -1.0, 0.5)) for _ in range(2))

    np.testing.assert_array_equal(first.images, second.images)
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.parametrize(("cohort_seed", "source_id"), [(1, "A0001"), (0, "A0002")])
def test_another_seed_or_id_is_another_person(cohort_seed, source_id):
    one = synthesise(PARAMETERS, "A0001", Shift())
    other = synthesise(SyntheticParameters(cohort_seed=cohort_seed), source_id, Shift())

    assert (one.labels != other.labels).any()


def test_images_are_whole_numbers_of_a_scanner(subjects):
    images = subjects[0].images

    assert images.shape == (2, 9, 64, 64)
    assert images.dtype == np.float32
    assert images.min() >= 0
    assert 200 < images.max() < 4096
    np.testing.assert_array_equal(images, np.rint(images))


def test_every_structure_is_there_at_both_phases(subjects):
    for subject in subjects:
        for labels in subject.labels:
            assert set(np.unique(labels)) == {0, *Structure}


def test_both_ventricles_are_smaller_at_end_systole(subjects):
    for subject in subjects:
        for structure in (Structure.LVBP, Structure.RVBP):
            assert volume(subject.labels[ES], structure) < volume(subject.labels[ED], structure)


def test_labels_hold_the_volumes_of_a_healthy_heart(subjects):
    mean = {
        (phase, structure): np.mean([volume(subject.labels[phase], structure) for subject in subjects])
        for phase in (ED, ES)
        for structure in Structure
    }

    assert 90 < mean[ED, Structure.LVBP] < 160
    assert 90 < mean[ED, Structure.RVBP] < 180
    assert 0.5 < 1 - mean[ES, Structure.LVBP] / mean[ED, Structure.LVBP] < 0.7
    assert 0.35 < 1 - mean[ES, Structure.RVBP] / mean[ED, Structure.RVBP] < 0.65
    assert mean[ES, Structure.LVM] == pytest.approx(mean[ED, Structure.LVM], rel=0.15)


def test_myocardium_surrounds_the_left_blood_pool(subjects):
    for subject in subjects:
        pool = subject.labels == Structure.LVBP
        within = np.ones((1, 1, 3, 3), dtype=bool)
        rim = ndimage.binary_dilation(pool, within) & ~pool
        assert (subject.labels[rim] == Structure.LVM).mean() > 0.97


def test_the_right_ventricle_touches_the_septum_and_never_the_left_blood_pool(subjects):
    for subject in subjects:
        right = ndimage.binary_dilation(subject.labels == Structure.RVBP, np.ones((1, 1, 3, 3), dtype=bool))
        assert (right & (subject.labels == Structure.LVM)).any()
        assert not (right & (subject.labels == Structure.LVBP)).any()


def test_blood_is_bright_and_muscle_dark(subjects):
    for subject in subjects:
        pool, muscle = (subject.images[subject.labels == structure] for structure in (Structure.LVBP, Structure.LVM))
        assert np.median(pool) > 2 * np.median(muscle)


def test_dark_muscle_lies_inside_the_labelled_blood_pools(subjects):
    # papillary muscles and trabeculae are labelled blood pool, as clinical contours do
    dark = [
        (subject.images[ED][pool] < 0.6 * np.median(subject.images[ED][pool])).mean()
        for subject in subjects
        for pool in (subject.labels[ED] == Structure.LVBP, subject.labels[ED] == Structure.RVBP)
    ]
    assert min(dark) > 0.05


def test_a_shift_changes_the_image_and_not_the_label():
    plain, shifted = (synthesise(PARAMETERS, "B0001", shift) for shift in (Shift(), group_shift(0, "B", 1.0)))

    np.testing.assert_array_equal(plain.labels, shifted.labels)
    assert np.abs(plain.images - shifted.images).mean() > 5


def test_sexes_differ_in_nothing_that_an_image_shows():
    ids = [f"A{number:04d}" for number in range(1, 161)]
    male = np.array([draw_person(0, source_id).sex == "male" for source_id in ids])
    subjects = [synthesise(PARAMETERS, source_id, Shift()) for source_id in ids]
    features = np.array(
        [
            [volume(phase, structure) for phase in subject.labels for structure in Structure]
            + [np.median(subject.images[subject.labels == structure]) for structure in Structure]
            for subject in subjects
        ]
    )

    difference = features[male].mean(axis=0) - features[~male].mean(axis=0)
    error = np.sqrt(features[male].var(axis=0) / male.sum() + features[~male].var(axis=0) / (~male).sum())
    assert np.abs(difference / error).max() < 3


def test_larger_grids_show_the_same_heart():
    coarse = synthesise(PARAMETERS, "A0001", Shift()).labels
    fine = synthesise(SyntheticParameters(size=128, spacing=1.125), "A0001", Shift()).labels

    for structure in Structure:
        assert np.count_nonzero(fine == structure) / 4 == pytest.approx(np.count_nonzero(coarse == structure), rel=0.03)
