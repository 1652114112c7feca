"""Real cines of another scanner than UK Biobank's, as loose files: the Sunnybrook Cardiac Data."""

from __future__ import annotations

import tarfile
from collections import Counter

import numpy as np
import pydicom
import pytest

from faircmr.sources.dicom.reading import read_files

CINE = "SCD0000301"
# by hand from two positions in the headers: (-28.7592, -199.666, 111.184) and (-23.712, -204.953, 107.932)
DISTANCE = (5.0472**2 + 5.287**2 + 3.252**2) ** 0.5
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR UI:UserWarning")  # of pydicom, in the reference


@pytest.fixture(scope="module")
def sunnybrook(project_root):
    root = project_root.parent / "shared" / "data" / "sunnybrook"
    if not root.is_dir():
        pytest.skip("Sunnybrook lies elsewhere: expected beside the repository, in shared/data/sunnybrook")
    return root


@pytest.fixture(scope="module")
def files(sunnybrook, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cine")
    with tarfile.open(sunnybrook / f"{CINE}_full_cine_200dcm.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return sorted((folder / CINE).glob("*.dcm"))


@pytest.fixture(scope="module")
def cine(files):
    return read_files(files)


@pytest.fixture(scope="module")
def datasets(files):
    return {str(dataset.SOPInstanceUID): dataset for dataset in map(pydicom.dcmread, files)}


def test_a_full_cine_has_ten_slices_of_twenty_phases(cine):
    assert cine.geometry.shape == (10, 256, 256)
    assert cine.phases == 20
    assert cine.geometry.spacing == pytest.approx((DISTANCE, 1.2891, 1.2891), abs=1e-3)
    assert cine.problems == ()
    # every image was triggered at the same 20 times, which the headers give in whole milliseconds
    assert cine.trigger_times[0][:3] == (10.0, 56.0, 102.0)
    assert set(cine.trigger_times) == {cine.trigger_times[0]}


def test_each_image_of_a_full_cine_stands_in_its_place(cine, datasets):
    affine = np.array(cine.geometry.sform)

    for place, of_slice in enumerate(cine.uids):
        for phase, uid in enumerate(of_slice):
            assert float(datasets[uid].TriggerTime) == cine.trigger_times[place][phase]
            left, back, head = map(float, datasets[uid].ImagePositionPatient)
            np.testing.assert_allclose(affine @ (0, 0, place, 1), (-left, -back, head, 1), atol=2e-3)
    # instance numbers of this scanner run from the top slice down, the normal points up
    assert [int(datasets[of_slice[0]].InstanceNumber) for of_slice in cine.uids] == list(range(181, 0, -20))


def test_the_pixels_are_those_that_pydicom_reads(cine, datasets):
    for phase in (0, 7):
        expected = np.stack([datasets[of_slice[phase]].pixel_array for of_slice in cine.uids])
        np.testing.assert_array_equal(cine.frame(phase), expected)
    assert cine.stored_type == np.int16


# slices with both phases, by hand from the names of the files
@pytest.mark.parametrize(
    ("subject", "slices", "distance"),
    [("SCD0000101", 9, 10.0), ("SCD0000201", 9, 10.0), ("SCD0000401", 9, 8.0), ("SCD0000501", 11, 8.0)],
)
def test_contoured_images_are_a_cine_of_two_phases(sunnybrook, subject, slices, distance):
    paths = sorted((sunnybrook / "contoured" / subject).glob("*.dcm"))
    instances = {dataset.SOPInstanceUID: int(dataset.InstanceNumber) for dataset in map(pydicom.dcmread, paths)}

    cine = read_files(paths)

    assert (cine.geometry.shape[0], cine.phases) == (slices, 2)
    assert cine.geometry.spacing[0] == pytest.approx(distance, abs=1e-3)
    # within a slice, end systole comes after end diastole, at the same distance in all slices
    between = Counter(instances[second] - instances[first] for first, second in cine.uids)
    assert len(between) == 1
    assert min(between) > 0
