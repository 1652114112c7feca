"""What a header says of a grid is written as it stands, bit by bit."""

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.core.scans import Geometry
from faircmr.sources.nifti import geometry_of, header_of

HEADER_SIZE = 348
GRID_FIELDS = ("dim", "pixdim", "xyzt_units", "qform_code", "sform_code")
QFORM_FIELDS = ("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z")
SFORM_FIELDS = ("srow_x", "srow_y", "srow_z")
CODES = st.integers(0, 4) | st.integers(-(2**15), 2**15 - 1)
"""Those of nifti1.h, and what a damaged or foreign header may hold."""
UNIT_MILLIMETRES, UNIT_SECONDS, UNIT_MILLISECONDS = 2, 8, 16


def header(qform_code=0, sform_code=0, qfac=1.0, units=UNIT_MILLIMETRES, turn=(0.1, 0.2, 0.3)) -> nib.Nifti1Header:
    made = nib.Nifti1Header()
    made.set_data_shape((4, 3, 2))
    made["pixdim"] = (qfac, 1.3, 1.7, 9.0, 0.03, 1.0, 1.0, 1.0)
    made["qform_code"], made["sform_code"], made["xyzt_units"] = qform_code, sform_code, units
    for name, value in zip(QFORM_FIELDS, (*turn, -41.7, 12.9, 3.3), strict=True):
        made[name] = value
    for row, name in enumerate(SFORM_FIELDS if sform_code else ()):
        made[name] = np.random.default_rng(row).normal(size=4) * 20
    return made


def rewritten(source: nib.Nifti1Header) -> nib.Nifti1Header:
    return nib.Nifti1Header(header_of(geometry_of(source), np.dtype(np.uint8))[:HEADER_SIZE], check=False)


def differing(source: nib.Nifti1Header, written: nib.Nifti1Header) -> list[str]:
    names = (*GRID_FIELDS, *QFORM_FIELDS, *SFORM_FIELDS)
    return [name for name in names if source[name].tobytes() != written[name].tobytes()]


@given(
    st.builds(
        header,
        qform_code=CODES,
        sform_code=CODES,
        qfac=st.sampled_from([1.0, -1.0, 0.0, -2.0]),
        units=st.sampled_from(
            [0, UNIT_MILLIMETRES, UNIT_MILLIMETRES + UNIT_SECONDS, UNIT_MILLIMETRES + UNIT_MILLISECONDS]
        ),
        turn=st.tuples(*[st.floats(-0.5, 0.5, width=32)] * 3),
    )
)
def test_every_field_of_the_grid_is_what_it_was(source):
    assert differing(source, rewritten(source)) == []


def test_a_sform_alone_places_the_prediction(tmp_path):
    source = header(qform_code=0, sform_code=2)

    written = rewritten(source)

    assert (int(written["qform_code"]), int(written["sform_code"])) == (0, 2)
    np.testing.assert_array_equal(written.get_best_affine(), source.get_best_affine())


def test_a_quaternion_of_which_a_matrix_would_lose_the_last_bits_is_kept():
    sources = [
        header(qform_code=1, turn=np.float32((a, 0.31, b))) for a, b in np.random.default_rng(0).random((200, 2)) / 2
    ]

    assert [differing(source, rewritten(source)) for source in sources] == [[]] * 200
    np.testing.assert_array_equal(rewritten(sources[0]).get_qform(), sources[0].get_qform())


def test_a_frame_of_a_cine_keeps_the_time_between_frames_in_its_units_and_no_fourth_axis():
    cine = header(qform_code=1, units=UNIT_MILLIMETRES + UNIT_SECONDS)
    cine.set_data_shape((4, 3, 2, 25))

    written = rewritten(cine)

    assert differing(cine, written) == ["dim"]
    assert written.get_data_shape() == (4, 3, 2)
    assert written.get_xyzt_units() == ("mm", "sec")


def test_a_grid_that_was_made_here_is_placed_by_its_matrix():
    matrix = ((0.0, -1.25, 0.0, 3.0), (1.5, 0.0, 0.0, -4.0), (0.0, 0.0, 10.0, 5.0), (0.0, 0.0, 0.0, 1.0))
    geometry = Geometry((2, 3, 4), (10.0, 1.25, 1.5), matrix, 1, matrix, 1)

    written = nib.Nifti1Header(header_of(geometry, np.dtype(np.uint8))[:HEADER_SIZE])

    np.testing.assert_allclose(written.get_qform(), matrix, atol=1e-6)
    np.testing.assert_array_equal(written.get_sform(), matrix)


def test_every_real_scan_keeps_its_grid(acdc_root):
    paths = sorted(acdc_root.glob("patient*/*_frame??.nii.gz"))
    headers = [nib.load(path).header for path in paths]

    assert len(headers) >= 100
    assert [differing(source, rewritten(source)) for source in headers] == [[]] * len(headers)


def test_a_spacing_that_is_none_is_refused():
    source = header()
    source["pixdim"][1] = 0.0

    with pytest.raises(InvalidScanError, match="positive millimetres"):
        geometry_of(source)
