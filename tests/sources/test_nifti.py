"""Scans are read as the study needs them, or refused in words that name neither file nor intensity."""

import gzip
import traceback
from contextlib import suppress

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScanError, OutputError
from faircmr.core.scans import Geometry, ScanFiles, Structure
from faircmr.sources import read_label, read_scan, write_image, write_label
from tests.sources.volumes import SHAPE, drawn, ramp, save

ACDC_LABELS = {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}
TURNED = ((0.0, -1.25, 0.0, 3.0), (1.5, 0.0, 0.0, -4.0), (0.0, 0.0, 10.0, 5.0), (0.0, 0.0, 0.0, 1.0))


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "7234567"
    return ScanFiles(save(folder / "image.nii.gz", ramp()), save(folder / "label.nii.gz", drawn()))


def refusal(files):
    with pytest.raises(InvalidScanError) as error:
        read_scan(files, ACDC_LABELS)
    # neither message nor traceback gives the folder's name away
    assert "7234567" not in "".join(traceback.format_exception(error.value, limit=0))
    return str(error.value)


def test_reads_slices_rows_columns(files):
    scan = read_scan(files, ACDC_LABELS)

    assert scan.image.shape == scan.label.shape == scan.geometry.shape == SHAPE[::-1]
    assert scan.image.dtype == np.float32
    assert scan.image[3, 2, 1] == ramp()[1, 2, 3]
    assert scan.geometry.spacing == (10.0, 1.25, 1.5)


def test_maps_the_labels_of_the_source(files):
    label = read_scan(files, ACDC_LABELS).label

    assert label.dtype == np.uint8
    assert label[:, 0, 0].tolist() == [Structure.RVBP, Structure.LVM, Structure.LVBP, 0]


def test_reads_a_scan_that_nobody_has_labelled(files):
    assert read_scan(ScanFiles(files.image), ACDC_LABELS).label is None


def test_takes_the_spacing_from_the_zooms_and_not_from_a_wrong_affine(tmp_path):
    volume = nib.Nifti1Image(ramp(), np.eye(4))
    volume.header["pixdim"][1:4] = (1.5, 1.25, 10.0)
    nib.save(volume, tmp_path / "image.nii.gz")

    assert read_scan(ScanFiles(tmp_path / "image.nii.gz"), {}).geometry.spacing == (10.0, 1.25, 1.5)


def test_applies_the_scaling_of_the_header(tmp_path):
    volume = nib.Nifti1Image(ramp(), None)
    volume.header.set_slope_inter(2.0, 10.0)
    nib.save(volume, tmp_path / "image.nii")

    stored = nib.load(tmp_path / "image.nii")
    scan = read_scan(ScanFiles(tmp_path / "image.nii"), {})
    np.testing.assert_allclose(scan.image, stored.get_fdata().T, rtol=1e-6)


def test_reads_nifti_2(tmp_path):
    nib.save(nib.Nifti2Image(ramp(), None), tmp_path / "image.nii.gz")

    np.testing.assert_array_equal(read_scan(ScanFiles(tmp_path / "image.nii.gz"), {}).image, ramp().T)


def test_picks_one_frame_of_a_cine_beside_a_label_of_that_frame(tmp_path, files):
    save(tmp_path / "cine.nii.gz", np.stack([ramp(), ramp() + 500], axis=-1))

    scan = read_scan(ScanFiles(tmp_path / "cine.nii.gz", files.label, frame=1), ACDC_LABELS)

    np.testing.assert_array_equal(scan.image, ramp().T + 500)


def test_refuses_a_missing_file(files):
    files.label.unlink()

    assert refusal(files) == "scan: the label file is missing; a NIfTI file for every listed scan"


def test_refuses_a_file_that_was_cut_off_anywhere(files):
    whole = files.image.read_bytes()

    for end in range(0, len(whole), 7):
        files.image.write_bytes(whole[:end])
        assert "the image file is truncated or damaged" in refusal(files)


@given(st.dictionaries(st.integers(0, 347), st.integers(0, 255), min_size=1, max_size=3))
def test_reads_a_scan_with_a_damaged_header_or_refuses_it_as_every_other(tmp_path_factory, changes):
    path = save(tmp_path_factory.getbasetemp() / "damaged.nii", ramp())
    content = bytearray(path.read_bytes())
    for place, value in changes.items():
        content[place] = value
    path.write_bytes(bytes(content))

    with suppress(InvalidScanError):
        assert np.isfinite(read_scan(ScanFiles(path), {}).image).all()


def test_refuses_a_volume_that_was_cut_off_before_it_was_compressed(files):
    whole = gzip.decompress(files.image.read_bytes())
    files.image.write_bytes(gzip.compress(whole[:-1]))

    assert "truncated or damaged" in refusal(files)


def test_refuses_a_flipped_bit(files):
    content = bytearray(files.image.read_bytes())
    content[-6] ^= 1
    files.image.write_bytes(bytes(content))

    assert "truncated or damaged" in refusal(files)


def test_refuses_a_folder_in_the_place_of_a_file(files):
    files.image.unlink()
    files.image.mkdir()

    assert "truncated or damaged" in refusal(files)


def test_refuses_a_label_of_another_shape(files):
    save(files.label, drawn()[:-1])

    assert refusal(files) == "scan: the image has shape (4, 5, 6), the label (4, 5, 5); the same shape for both"


def test_refuses_a_label_of_another_spacing(files):
    save(files.label, drawn(), zooms=(1.5, 1.5, 10.0))

    assert "spacing 10 x 1.25 x 1.5 mm, the label 10 x 1.5 x 1.5 mm" in refusal(files)


def test_minds_no_rounding_of_the_spacing(files):
    save(files.label, drawn(), zooms=(1.50001, 1.25, 10.0))

    assert read_scan(files, ACDC_LABELS).label is not None


@pytest.mark.parametrize(("value", "name"), [(7, "7"), (1.5, "1.5"), (-1, "-1"), (300, "300"), (np.nan, "nan")])
def test_refuses_a_label_value_outside_the_map(files, value, name):
    label = drawn().astype(np.float32)
    label[0, 0, 0] = value
    save(files.label, label)

    assert f"the label holds the values {name}; only 0, 1, 2, 3" in refusal(files)


def test_refuses_a_label_that_is_all_background(files):
    save(files.label, np.zeros_like(drawn()))

    assert "the label is all background" in refusal(files)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_refuses_intensities_that_are_no_numbers(files, value):
    image = ramp().astype(np.float32)
    image[1, 2, 3] = value
    save(files.image, image)

    assert "the image holds NaN or infinite intensities" in refusal(files)


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 4, 2)])
def test_refuses_an_image_that_is_not_a_volume(files, shape):
    volume = nib.Nifti1Image(np.ones(shape, np.int16), None)
    nib.save(volume, files.image)

    assert f"the image has {len(shape)} dimensions; 3 dimensions" in refusal(files)


def test_refuses_a_spacing_of_zero(files):
    raw = bytearray(gzip.decompress(files.image.read_bytes()))
    raw[80:84] = np.float32(0).tobytes()
    files.image.write_bytes(gzip.compress(bytes(raw)))

    assert refusal(files) == "scan: the image has spacing (10.0, 1.25, 0.0) mm; positive millimetres"


geometries = st.builds(
    lambda spacing, code, units: Geometry(
        shape=SHAPE[::-1],
        spacing=spacing,
        qform=TURNED if code else None,
        qform_code=code,
        sform=TURNED if code else None,
        sform_code=code,
        pixdim=(1.0, *spacing[::-1], 0.05, 1.0, 1.0, 1.0),
        units=units,
    ),
    spacing=st.tuples(*[st.floats(0.5, 12.0, width=32)] * 3),
    code=st.integers(0, 4),
    units=st.sampled_from([0, 2, 10]),
)


@given(geometries)
def test_writes_the_grid_exactly_as_it_was_read(tmp_path_factory, geometry):
    path = tmp_path_factory.getbasetemp() / "roundtrip.nii"

    write_label(path, drawn().T, geometry)
    label, written = read_label(path)

    np.testing.assert_array_equal(label, drawn().T)
    assert (written.shape, written.spacing, written.sform, written.units) == (
        geometry.shape,
        geometry.spacing,
        geometry.sform,
        geometry.units,
    )
    assert (written.qform_code, written.sform_code) == (geometry.qform_code, geometry.sform_code)
    assert written.pixdim == tuple(float(np.float32(value)) for value in geometry.pixdim)


def test_writes_a_prediction_on_the_very_grid_of_a_real_scan(acdc_root, tmp_path):
    source = acdc_root / "patient001" / "patient001_frame01"
    files = ScanFiles(source.with_suffix(".nii.gz"), source.with_name(f"{source.name}_gt.nii.gz"))
    scan = read_scan(files, ACDC_LABELS)

    write_label(tmp_path / "prediction.nii.gz", scan.label, scan.geometry)

    original, written = nib.load(files.image), nib.load(tmp_path / "prediction.nii.gz")
    for field in ("dim", "pixdim", "qform_code", "sform_code", "xyzt_units", "srow_x", "srow_y", "srow_z"):
        np.testing.assert_array_equal(written.header[field], original.header[field])
    np.testing.assert_allclose(written.get_qform(), original.get_qform(), atol=1e-5)
    assert written.get_data_dtype() == np.uint8
    assert read_label(tmp_path / "prediction.nii.gz")[1] == scan.geometry


def test_other_tools_see_what_was_written(tmp_path):
    geometry = Geometry(SHAPE[::-1], (10.0, 1.25, 1.5), sform=TURNED, sform_code=1)

    write_image(tmp_path / "image.nii.gz", ramp().T, geometry)

    volume = nib.load(tmp_path / "image.nii.gz")
    np.testing.assert_array_equal(np.asanyarray(volume.dataobj), ramp())
    np.testing.assert_array_equal(volume.affine, np.array(TURNED))
    assert volume.header.get_zooms() == (1.5, 1.25, 10.0)
    assert volume.get_data_dtype() == np.int16


@pytest.mark.parametrize("name", ["image.nii", "image.nii.gz"])
def test_writes_equal_bytes_for_an_equal_image(tmp_path, name):
    geometry = Geometry(SHAPE[::-1], (10.0, 1.25, 1.5))
    image = ramp().T.astype(np.float32)

    for folder in ("first", "second"):
        write_image(tmp_path / folder / name, image, geometry)

    assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_reads_a_written_label_that_is_all_background(tmp_path):
    write_label(tmp_path / "empty.nii.gz", np.zeros(SHAPE[::-1], np.uint8), Geometry(SHAPE[::-1], (10.0, 1.25, 1.5)))

    assert not read_label(tmp_path / "empty.nii.gz")[0].any()


def test_refuses_a_stored_label_that_is_no_structure(tmp_path):
    save(tmp_path / "label.nii.gz", drawn() * 2)

    with pytest.raises(InvalidScanError, match="holds the values 4, 6; only 0, 1, 2, 3"):
        read_label(tmp_path / "label.nii.gz")


def test_writes_nothing_into_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "folder").write_text("")

    with pytest.raises(OutputError, match="a folder that can be written"):
        write_label(tmp_path / "folder" / "label.nii.gz", drawn().T, Geometry(SHAPE[::-1], (10.0, 1.25, 1.5)))


def test_refuses_an_array_that_does_not_fit_its_grid(tmp_path):
    with pytest.raises(ValueError, match="on a grid of shape"):
        write_label(tmp_path / "label.nii.gz", drawn(), Geometry(SHAPE[::-1], (10.0, 1.25, 1.5)))
