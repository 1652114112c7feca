"""Of a cine one frame is read, and no more of the file than lies before its end."""

from __future__ import annotations

import gzip
import os
import tracemalloc

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.core.scans import ScanFiles
from faircmr.sources import read_scan
from tests.sources.volumes import ramp, save

FRAMES = 4


def beating():
    """A cine in which no two voxels are equal."""
    return np.stack([ramp() + np.int16(1000 * frame) for frame in range(FRAMES)], axis=-1)


@pytest.mark.parametrize("name", ["cine.nii", "cine.nii.gz"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_a_frame_is_the_frame_of_the_whole_cine(tmp_path, name, kind):
    volume = kind(beating(), None)
    volume.header.set_slope_inter(2.0, 10.0)
    nib.save(volume, tmp_path / name)

    stored = nib.load(tmp_path / name).get_fdata()
    for frame in range(FRAMES):
        scan = read_scan(ScanFiles(tmp_path / name, frame=frame), {})
        np.testing.assert_allclose(scan.image, stored[..., frame].T, rtol=1e-6)
        assert scan.geometry.shape == ramp().shape[::-1]


def test_a_cine_may_be_compressed_whatever_it_is_called(tmp_path):
    path = save(tmp_path / "cine.nii", beating())
    path.write_bytes(gzip.compress(path.read_bytes()))

    np.testing.assert_array_equal(read_scan(ScanFiles(path, frame=2), {}).image, beating()[..., 2].T)


def test_a_volume_is_its_only_frame(tmp_path):
    path = save(tmp_path / "volume.nii.gz", ramp())

    np.testing.assert_array_equal(read_scan(ScanFiles(path, frame=3), {}).image, ramp().T)


@given(st.dictionaries(st.integers(0, 347), st.integers(0, 255), min_size=1, max_size=3), st.integers(-1, FRAMES))
def test_a_damaged_header_is_read_or_refused_as_every_other(tmp_path_factory, changes, frame):
    path = save(tmp_path_factory.getbasetemp() / "damaged.nii", beating())
    content = bytearray(path.read_bytes())
    for place, value in changes.items():
        content[place] = value
    path.write_bytes(bytes(content))

    try:
        scan = read_scan(ScanFiles(path, frame=frame), {})
    except InvalidScanError:
        return
    assert scan.image.shape == scan.geometry.shape
    assert np.isfinite(scan.image).all()


def test_a_frame_that_the_cine_does_not_have_is_refused(tmp_path):
    path = save(tmp_path / "cine.nii.gz", beating())

    for frame in (-1, FRAMES):
        with pytest.raises(InvalidScanError, match=rf"the image has 4 frames, and frame {frame} \(from 0\)"):
            read_scan(ScanFiles(path, frame=frame), {})


def test_a_cine_that_was_cut_off_is_refused_from_the_frame_on_that_is_not_whole(tmp_path):
    frames = np.random.default_rng(0).integers(0, 4000, (32, 32, 4, 8)).astype(np.int16)
    path = save(tmp_path / "cine.nii.gz", frames)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])

    assert read_scan(ScanFiles(path, frame=1), {}).image[3, 2, 1] == frames[1, 2, 3, 1]
    with pytest.raises(InvalidScanError, match="truncated or damaged"):
        read_scan(ScanFiles(path, frame=7), {})


def test_of_a_cine_one_frame_is_in_memory(tmp_path):
    frame = np.random.default_rng(0).integers(0, 4000, (64, 64, 16)).astype(np.int16)
    path = save(tmp_path / "cine.nii.gz", np.stack([frame] * 40, axis=-1))

    tracemalloc.start()
    read_scan(ScanFiles(path, frame=39), {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 12 * frame.nbytes  # the cine is 40 of them


def test_a_header_that_promises_more_than_the_file_can_hold_costs_no_memory(tmp_path):
    path = save(tmp_path / "cine.nii", beating())
    content = bytearray(path.read_bytes())
    content[40:50] = np.array([4, 32000, 32000, 100, 2], "<i2").tobytes()
    path.write_bytes(bytes(content))

    with pytest.raises(InvalidScanError, match="truncated or damaged"):
        read_scan(ScanFiles(path, frame=0), {})


def spoiled_header(path, at, value):
    """The file with a field of its header overwritten (nifti1.h: dim at 40, datatype at 70, vox_offset at 108)."""
    content = path.read_bytes()
    path.write_bytes(content[:at] + value + content[at + len(value) :])
    return path


def peak_of_refusal(path, words, frame=None):
    tracemalloc.start()
    with pytest.raises(InvalidScanError, match=words):
        read_scan(ScanFiles(path, frame=frame), {})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


# 32000 x 32000 x 100 x 2 and 32767 x 32767 x 32767 voxels of 2 bytes, in a file of 592
@pytest.mark.parametrize("dim", [(4, 32000, 32000, 100, 2), (3, 32767, 32767, 32767), (3, 2000, 1000, 900)])
def test_a_volume_that_promises_more_than_the_file_can_hold_costs_no_memory(tmp_path, dim):
    path = spoiled_header(save(tmp_path / "volume.nii", ramp()), 40, np.array(dim, "<i2").tobytes())

    assert peak_of_refusal(path, "truncated or damaged") < 2**20


def test_a_bomb_behind_the_voxels_is_not_inflated(tmp_path):
    path = save(tmp_path / "volume.nii", ramp())
    path.write_bytes(gzip.compress(path.read_bytes() + bytes(2**26)))

    assert peak_of_refusal(path, "truncated or damaged") < 2**23


def test_a_bomb_in_a_second_member_is_not_inflated(tmp_path):
    path = save(tmp_path / "volume.nii.gz", ramp())
    path.write_bytes(path.read_bytes() + gzip.compress(bytes(2**26)))

    assert peak_of_refusal(path, "truncated or damaged") < 2**23


def test_a_file_in_several_members_with_padding_is_read(tmp_path):
    path = save(tmp_path / "volume.nii", ramp())
    content = path.read_bytes()
    path.write_bytes(gzip.compress(content[:400]) + bytes(7) + gzip.compress(content[400:] + bytes(100)) + bytes(512))

    np.testing.assert_array_equal(read_scan(ScanFiles(path), {}).image, ramp().T)


@pytest.mark.parametrize("frame", [None, 0])
def test_more_voxels_than_a_heart_has_are_refused_before_they_are_read(tmp_path, frame):
    # 144 million zeros, as many as the header says, in a file of 0.1 MB
    header = save(tmp_path / "volume.nii", ramp().astype(np.uint8)).read_bytes()[:352]
    content = header[:40] + np.array([3, 600, 600, 400], "<i2").tobytes() + header[48:]
    path = tmp_path / "bomb.nii.gz"
    path.write_bytes(gzip.compress(content, 1) + gzip.compress(bytes(600 * 600 * 400), 9))

    assert peak_of_refusal(path, "the image has 144000000 voxels; at most 33554432", frame) < 2**24


def test_a_type_that_nobody_knows_is_damage_and_complex_numbers_are_no_intensities(tmp_path):
    path = save(tmp_path / "volume.nii", ramp())

    with pytest.raises(InvalidScanError, match="truncated or damaged"):
        read_scan(ScanFiles(spoiled_header(path, 70, b"\x44\x00")), {})
    nib.save(nib.Nifti1Image(ramp().astype(np.complex64), None), path)
    with pytest.raises(InvalidScanError, match="the voxels of the image are of type complex64"):
        read_scan(ScanFiles(path), {})


def test_the_library_says_nothing_of_what_it_finds_in_a_header(tmp_path, capsys, caplog):
    # the magic is quoted by nibabel, on stderr
    path = spoiled_header(save(tmp_path / "volume.nii", ramp()), 344, b"7234")

    with pytest.raises(InvalidScanError):
        read_scan(ScanFiles(path), {})

    assert "7234" not in capsys.readouterr().err + caplog.text


@pytest.mark.parametrize("frame", [None, 0])
def test_a_pipe_is_not_waited_for(tmp_path, frame):
    os.mkfifo(tmp_path / "pipe.nii")

    with pytest.raises(InvalidScanError, match="truncated or damaged"):
        read_scan(ScanFiles(tmp_path / "pipe.nii", frame=frame), {})
