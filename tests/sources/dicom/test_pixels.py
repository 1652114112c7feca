"""Pixels as another library reads them, in each native encoding and at each depth."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.sources.dicom.cine import output_type, read_pixels
from faircmr.sources.dicom.headers import PixelFormat, frame_header, read_header
from tests.sources.dicom.written import COLUMNS, NATIVE, ROWS, dicom_bytes, frame

EXPLICIT = NATIVE[1]
cells = st.lists(st.integers(0, 2**16 - 1), min_size=ROWS * COLUMNS, max_size=ROWS * COLUMNS)


def ours(content):
    return read_pixels(content, frame_header(read_header(lambda size: content[:size])))


def theirs(content):
    dataset = pydicom.dcmread(io.BytesIO(content))
    scale = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    return dataset.pixel_array.astype(np.float64) * scale[0] + scale[1]


@pytest.mark.parametrize("syntax", NATIVE)
def test_reads_each_native_encoding_as_pydicom_does(syntax):
    # the fixture's pixels are in the order of the machine, pydicom writes bytes as they are
    order = ">u2" if syntax == NATIVE[2] else "<u2"
    content = dicom_bytes(frame(0, 2, PixelData=np.arange(ROWS * COLUMNS).astype(order).tobytes()), syntax)

    assert ours(content).tolist() == np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS).tolist()
    np.testing.assert_array_equal(ours(content), theirs(content))


@settings(max_examples=40)
@given(cells, st.integers(1, 16), st.integers(0, 1))
def test_reads_any_cells_of_any_depth_as_pydicom_does(values, bits, signed):
    pixels = np.array(values, "<u2").tobytes()
    content = dicom_bytes(
        frame(0, 0, PixelData=pixels, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=signed), EXPLICIT
    )

    np.testing.assert_array_equal(ours(content), theirs(content))


def test_a_negative_number_of_12_bits_is_negative():
    # 0xFFF is -1 in two's complement of 12 bits; the four bits above it hold something else
    content = dicom_bytes(frame(0, 0, PixelRepresentation=1, PixelData=b"\xff\x5f" * ROWS * COLUMNS), EXPLICIT)

    assert (ours(content) == -1).all()


def test_applies_the_rescaling_of_the_header():
    content = dicom_bytes(frame(0, 1, RescaleSlope="0.5", RescaleIntercept="-100"), EXPLICIT)

    assert ours(content)[0, :2].tolist() == [400.0, 400.5]
    np.testing.assert_allclose(ours(content), theirs(content))


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (PixelFormat(EXPLICIT, 12, False, 1.0, 0.0), np.int16),
        (PixelFormat(EXPLICIT, 16, True, 1.0, 0.0), np.int16),
        (PixelFormat(EXPLICIT, 16, False, 1.0, 0.0), np.float32),
        (PixelFormat(EXPLICIT, 12, False, 0.5, 0.0), np.float32),
        (PixelFormat(EXPLICIT, 12, False, 1.0, 0.5), np.float32),
    ],
)
def test_intensities_are_stored_without_loss(form, expected):
    assert output_type(frozenset({form, PixelFormat(EXPLICIT, 8, False, 1.0, 0.0)})) == expected
