"""Cines are read frame by frame, or refused in words that name neither file nor intensity."""

from __future__ import annotations

import gzip
import os
import traceback
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.core.scans import ScanFiles
from faircmr.sources import read_scan, write_label
from faircmr.sources.cines import read_cine
from tests.sources.volumes import SHAPE, ramp, save

FRAMES = 5


def beating() -> np.ndarray:
    """A cine in which no two voxels are equal."""
    return np.stack([ramp() + 1000 * frame for frame in range(FRAMES)], axis=-1)


@pytest.fixture(params=[".nii", ".nii.gz"])
def cine(tmp_path, request):
    return save(tmp_path / "7234567" / f"7234567{request.param}", beating())


def refusal(path):
    with pytest.raises(InvalidScanError) as error:
        list(read_cine(path))
    # neither message nor traceback gives the folder's name away
    assert "7234567" not in "".join(traceback.format_exception(error.value, limit=0))
    return str(error.value)


def spoiled_header(path, **fields):
    """The file with other values in its header, voxels as they are."""
    volume = nib.load(path)
    for name, value in fields.items():
        volume.header[name] = value
    content = bytearray(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())
    content[:348] = volume.header.binaryblock
    path.write_bytes(bytes(content))
    return path


def test_frames_come_in_order_as_slices_rows_columns(cine):
    frames = list(read_cine(cine))

    assert [index for index, _ in frames] == list(range(FRAMES))
    for index, scan in frames:
        np.testing.assert_array_equal(scan.image, ramp().T + 1000 * index)
        assert scan.image.dtype == np.float32
        assert scan.label is None
        assert scan.geometry.shape == SHAPE[::-1]
        assert scan.geometry.spacing == (10.0, 1.25, 1.5)


def test_a_volume_is_one_frame_without_a_place(tmp_path):
    path = save(tmp_path / "a.nii.gz", ramp())

    ((index, scan),) = read_cine(path)

    assert index is None
    expected = read_scan(ScanFiles(path), {})
    np.testing.assert_array_equal(scan.image, expected.image)
    assert scan.geometry == expected.geometry


def test_a_cine_of_one_frame_and_one_slice_is_read(tmp_path):
    ((index, scan),) = read_cine(save(tmp_path / "a.nii.gz", beating()[:, :, :1, :1]))

    assert index is None  # a volume, whatever axes of size 1 are behind its third
    assert scan.image.shape == (1, *SHAPE[1::-1])


def test_slices_may_lie_far_apart(tmp_path):
    ((_, scan),) = read_cine(save(tmp_path / "a.nii", ramp(), zooms=(0.6, 0.6, 12.0)))

    assert scan.geometry.spacing == pytest.approx((12.0, 0.6, 0.6))


def test_the_scaling_of_the_header_is_applied(tmp_path):
    volume = nib.Nifti1Image(beating(), None)
    volume.header.set_slope_inter(2.0, 10.0)
    nib.save(volume, tmp_path / "a.nii.gz")

    stored = nib.load(tmp_path / "a.nii.gz").get_fdata()
    for index, scan in read_cine(tmp_path / "a.nii.gz"):
        np.testing.assert_allclose(scan.image, stored[..., index].T, rtol=1e-6)


def test_nifti_2_and_foreign_byte_order_are_read(tmp_path):
    nib.save(nib.Nifti2Image(beating(), None), tmp_path / "two.nii.gz")
    foreign = nib.Nifti1Image(beating(), None, nib.Nifti1Header(endianness=">"))
    nib.save(foreign, tmp_path / "foreign.nii")

    for name in ("two.nii.gz", "foreign.nii"):
        np.testing.assert_array_equal([scan.image for _, scan in read_cine(tmp_path / name)], beating().T)


def test_what_is_written_on_the_grid_of_a_frame_has_the_header_of_the_cine(tmp_path):
    turned = ((0.0, -1.25, 0.0, 3.0), (1.5, 0.0, 0.0, -4.0), (0.0, 0.0, 10.0, 5.0), (0.0, 0.0, 0.0, 1.0))
    volume = nib.Nifti1Image(beating(), np.array(turned))
    volume.header["pixdim"][4] = 0.035
    volume.header.set_xyzt_units("mm", "sec")
    volume.set_qform(np.array(turned), 1)
    nib.save(volume, tmp_path / "cine.nii.gz")

    _, scan = next(read_cine(tmp_path / "cine.nii.gz"))
    write_label(tmp_path / "label.nii.gz", np.ones(scan.image.shape, np.uint8), scan.geometry)

    source, written = nib.load(tmp_path / "cine.nii.gz"), nib.load(tmp_path / "label.nii.gz")
    assert written.shape == source.shape[:3]
    np.testing.assert_array_equal(written.affine, source.affine)
    for field in ("pixdim", "qform_code", "sform_code", "xyzt_units", "srow_x", "quatern_b", "qoffset_x"):
        np.testing.assert_array_equal(written.header[field], source.header[field], err_msg=field)


def test_one_frame_at_a_time_is_in_memory(tmp_path):
    frame = np.random.default_rng(0).integers(0, 4000, (64, 64, 16)).astype(np.int16)
    save(tmp_path / "a.nii.gz", np.stack([frame] * 40, axis=-1))

    tracemalloc.start()
    assert sum(1 for _ in read_cine(tmp_path / "a.nii.gz")) == 40
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 12 * frame.nbytes  # the cine is 40 of them


def test_a_missing_file_is_refused(tmp_path):
    assert refusal(tmp_path / "7234567.nii.gz") == "scan: the file is missing; a NIfTI file for every listed scan"


def test_a_file_that_was_cut_off_anywhere_is_refused(cine):
    whole = cine.read_bytes()

    for end in range(0, len(whole), 11):
        cine.write_bytes(whole[:end])
        assert "truncated or damaged" in refusal(cine)


def test_a_voxel_that_was_damaged_on_the_way_is_noticed_at_the_end(tmp_path):
    path = save(tmp_path / "a.nii.gz", beating())
    raw = bytearray(path.read_bytes())
    raw[-8] ^= 1  # of the checksum

    path.write_bytes(bytes(raw))

    assert "truncated or damaged" in refusal(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_intensities_must_be_finite_in_every_frame(tmp_path, value):
    poisoned = beating().astype(np.float32)
    poisoned[0, 0, 0, 3] = value

    assert "NaN or infinite" in refusal(save(tmp_path / "a.nii.gz", poisoned))


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 4, 3, 2), (6, 5, 4, 0)])
def test_another_number_of_dimensions_is_refused(tmp_path, shape):
    nib.save(nib.Nifti1Image(np.zeros(shape, np.int16), None), tmp_path / "a.nii")

    assert f"{len(shape)} dimensions" in refusal(tmp_path / "a.nii")


@pytest.mark.parametrize("order", [(3, 0, 1, 2), (3, 2, 1, 0), (3, 2, 0, 1), (2, 0, 1, 3)])
def test_axes_in_another_order_are_refused_and_the_order_is_named(tmp_path, order):
    cine = np.zeros((32, 30, 9, 20), np.int16)

    assert "columns, rows, slices" in refusal(save(tmp_path / "a.nii", np.transpose(cine, order)))


def test_a_spacing_of_zero_is_refused(cine):
    assert "positive millimetres" in refusal(spoiled_header(cine, pixdim=(1, 1.5, 0, 10, 1, 1, 1, 1)))


def test_colours_are_refused(tmp_path):
    colours = np.zeros((6, 5, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "a.nii")

    assert "one real number a voxel" in refusal(tmp_path / "a.nii")


def test_a_header_that_promises_more_than_the_file_can_hold_costs_no_memory(cine):
    spoiled_header(cine, dim=(4, 32000, 32000, 100, 2, 1, 1, 1))

    assert "truncated or damaged" in refusal(cine)


@given(st.dictionaries(st.integers(0, 347), st.integers(0, 255), min_size=1, max_size=3))
def test_a_damaged_header_is_refused_as_every_other_or_read(tmp_path_factory, changes):
    path = save(tmp_path_factory.getbasetemp() / "damaged.nii", beating())
    content = bytearray(path.read_bytes())
    for place, value in changes.items():
        content[place] = value
    path.write_bytes(bytes(content))

    try:
        frames = [scan for _, scan in read_cine(path)]
    except InvalidScanError:
        return
    assert all(np.isfinite(scan.image).all() and min(scan.geometry.spacing) > 0 for scan in frames)


def test_a_bomb_behind_the_last_frame_is_not_inflated(tmp_path):
    path = save(tmp_path / "a.nii", beating())
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(2**26)))

    tracemalloc.start()
    words = refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "truncated or damaged" in words
    assert peak < 2**23


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.nii")

    assert "truncated or damaged" in refusal(tmp_path / "a.nii")
