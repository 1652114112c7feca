"""One image under two names is found whatever was done to the copy; two people are not taken for one."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core.scans import Phase, near_duplicates
from faircmr.core.scans import images as module
from faircmr.core.scans.images import EXACT, FEATURES, NEAR, describe_image, voxel_digest
from faircmr.fairness.cohort_checks import CohortCheckParameters
from faircmr.sources import Acdc, NoParameters, read_scan

LIMIT = CohortCheckParameters().duplicate_distance
# among them the two pairs of people that look most alike of the 1,225
PEOPLE = [f"patient{number:03d}" for number in (1, 21, 26, 43, 49, 50, 62, 66)]


def distance(one, other):
    apart = describe_image(one).astype(float) - describe_image(other)
    return np.sqrt((apart**2).mean())


def noisy(image, share):
    spread = np.subtract(*np.percentile(image, (99, 1)))
    return image + share * spread * np.random.default_rng(0).standard_normal(image.shape)


COPIES = {
    "scaled": (lambda image: 3.7 * image, 0.001),
    "offset": (lambda image: image + 40.0, 0.001),
    "noise": (lambda image: noisy(image, 0.03), 0.03),
    "shifted down": (lambda image: np.pad(image, ((0, 0), (1, 0), (0, 0)), mode="edge")[:, :-1], 0.03),
    "shifted and black at the side": (lambda image: np.pad(image, ((0, 0), (0, 0), (0, 1)))[:, :, 1:], 0.03),
    "mirrored": (lambda image: image[:, :, ::-1], 0.001),
    "upside down": (lambda image: image[:, ::-1], 0.001),
    "turned": (lambda image: np.rot90(image, 1, (1, 2)), 0.001),
    "apex first": (lambda image: image[::-1], 0.001),
    "another gamma": (lambda image: (image / image.max()) ** 0.9, 0.08),
    "clipped": (lambda image: np.minimum(image, np.percentile(image, 98)), 0.08),
    "all at once": (lambda image: noisy(np.rot90(np.roll(image[::-1, :, ::-1], 1, 1), 1, (1, 2)) * 2.2, 0.02), 0.03),
}
"""What may be done to a copy, and how far that takes it on ACDC at most."""


@pytest.fixture(scope="module")
def images(acdc_root):
    acdc = Acdc(acdc_root, NoParameters())
    files = acdc.scan_files()
    return {(who, phase): read_scan(files[who, phase], acdc.label_values).image for who in PEOPLE for phase in Phase}


@pytest.mark.parametrize("what", COPIES)
def test_a_copy_of_a_real_scan_stays_close(images, what):
    change, most = COPIES[what]
    scans = [image for (_, phase), image in images.items() if phase == Phase.ED]

    assert max(distance(image, change(image)) for image in scans) <= most < LIMIT


def test_scans_of_different_people_are_far_apart(images):
    described = {key: describe_image(image).astype(float) for key, image in images.items()}
    apart = [
        np.sqrt(((one - other) ** 2).mean())
        for (who, one), (whom, other) in product(((key[0], value) for key, value in described.items()), repeat=2)
        if who < whom
    ]

    assert min(apart) > 0.27 > 2.5 * LIMIT


def table(**images):
    rows = [
        {"subject_id": name.split("_")[0], "phase": name.split("_")[1], "digest": voxel_digest(image)}
        | dict(zip(FEATURES, describe_image(image), strict=True))
        for name, image in images.items()
    ]
    return pd.DataFrame(rows)


def picture(seed, shape=(4, 40, 48)):
    return np.random.default_rng(seed).normal(100.0, 20.0, shape).astype(np.float32)


def test_tells_exact_copies_from_near_ones_and_puts_the_nearest_first():
    described = table(a_ED=picture(0), b_ED=picture(0), c_ES=2.0 * picture(0)[:, ::-1] + 5.0, d_ED=picture(1))

    pairs = near_duplicates(described, LIMIT)

    named = pairs[["subject_id", "phase", "other_subject_id", "other_phase", "kind"]].to_numpy().tolist()
    assert named[0] == ["a", "ED", "b", "ED", EXACT]
    assert sorted(named[1:]) == [["a", "ED", "c", "ES", NEAR], ["b", "ED", "c", "ES", NEAR]]
    assert pairs["distance"].is_monotonic_increasing


def test_two_phases_of_one_subject_are_no_pair():
    assert near_duplicates(table(a_ED=picture(0), a_ES=picture(0)), LIMIT).empty


def test_a_cohort_of_nobody_has_no_pairs():
    assert near_duplicates(table(a_ED=picture(0)).iloc[:0], LIMIT).empty


@settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.9, 1.4))
def test_blocks_find_what_comparing_all_pairs_finds(seed, limit):
    features = np.random.default_rng(seed).normal(0.0, 1.0, (23, len(FEATURES))).astype(np.float32)
    described = pd.DataFrame(features, columns=FEATURES).assign(
        subject_id=[f"s{number // 2:02d}" for number in range(23)], phase=["ED", "ES"] * 11 + ["ED"], digest="x"
    )
    apart = np.sqrt(((features[:, None].astype(float) - features) ** 2).mean(axis=2))
    expected = {(i, j) for i in range(23) for j in range(i + 1, 23) if i // 2 != j // 2 and apart[i, j] <= limit}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK", 5)
        pairs = near_duplicates(described, limit)

    place = {(row.subject_id, row.phase): number for number, row in enumerate(described.itertuples())}
    found = {
        (place[row.subject_id, row.phase], place[row.other_subject_id, row.other_phase]) for row in pairs.itertuples()
    }
    assert found == expected


def test_images_of_few_pixels_or_of_one_value_can_be_described():
    assert np.isfinite(describe_image(picture(0, (1, 7, 9)))).all()
    assert np.isfinite(describe_image(np.full((2, 30, 30), 4.0, dtype=np.float32))).all()


def test_digests_tell_shapes_and_voxels_apart_and_nothing_else():
    image = picture(0)

    assert voxel_digest(image) == voxel_digest(np.asfortranarray(image).astype(">f4"))
    assert voxel_digest(image) != voxel_digest(image.reshape(4, 48, 40))
    assert voxel_digest(image) != voxel_digest(np.where(image == image.max(), 0.0, image))
