"""A cine is written phase by phase and read by other tools as it was acquired."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from faircmr.core import InvalidScanError, OutputError
from faircmr.sources import Archive, write_cine
from faircmr.sources.cines import read_cine
from faircmr.sources.dicom import read_short_axis
from tests.sources.dicom.written import (
    COLUMNS,
    DISTANCE,
    PHASES,
    ROWS,
    SLICES,
    SPACING,
    STEP_MS,
    dicom_bytes,
    stored_pixels,
    study,
    write_zip,
)


def written(folder, images):
    with Archive(write_zip(folder / "study.zip", images)) as archive:
        cine = read_short_axis(archive, ())
        write_cine(folder / "sa.nii.gz", cine)
    return cine, folder / "sa.nii.gz"


def test_other_tools_see_all_phases_where_they_were_acquired(tmp_path):
    cine, path = written(tmp_path, study())
    volume = nib.load(path)

    assert volume.shape == (COLUMNS, ROWS, SLICES, PHASES)
    assert volume.get_data_dtype() == np.int16
    np.testing.assert_allclose(volume.header.get_zooms(), (*SPACING[::-1], DISTANCE, STEP_MS / 1000), rtol=1e-6)
    assert volume.header.get_xyzt_units() == ("mm", "sec")
    np.testing.assert_allclose(volume.affine, np.array(cine.geometry.sform), rtol=1e-6)
    for place in range(SLICES):
        for phase in range(PHASES):
            np.testing.assert_array_equal(np.asarray(volume.dataobj)[:, :, place, phase].T, stored_pixels(place, phase))


def test_what_was_written_is_read_frame_by_frame(tmp_path):
    _, path = written(tmp_path, study())

    frames = list(read_cine(path))

    assert [index for index, _ in frames] == list(range(PHASES))
    np.testing.assert_array_equal(frames[2][1].image[1], stored_pixels(1, 2))


def test_intensities_that_are_no_whole_numbers_are_kept(tmp_path):
    _, path = written(tmp_path, study(RescaleSlope="0.25"))
    volume = nib.load(path)

    assert volume.get_data_dtype() == np.float32
    np.testing.assert_array_equal(np.asarray(volume.dataobj)[:, :, 1, 3].T, stored_pixels(1, 3) / 4)


def test_an_unknown_time_between_phases_is_written_as_none(tmp_path):
    _, path = written(tmp_path, study(TriggerTime=None))

    assert nib.load(path).header["pixdim"][4] == 0


def test_equal_cines_give_equal_bytes(tmp_path):
    (tmp_path / "other").mkdir()
    paths = [written(folder, study())[1] for folder in (tmp_path, tmp_path / "other")]

    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_cine_with_a_damaged_image_leaves_nothing_behind(tmp_path):
    images = [dicom_bytes(image) for image in study()]

    with pytest.raises(InvalidScanError):
        written(tmp_path, [*images[:-1], images[-1][:-2]])

    assert [path.name for path in tmp_path.iterdir()] == ["study.zip"]


def test_writes_nothing_into_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with Archive(write_zip(tmp_path / "study.zip", study())) as archive:
        cine = read_short_axis(archive, ())

        with pytest.raises(OutputError, match="a folder that can be written"):
            write_cine(tmp_path / "file" / "sa.nii.gz", cine)
