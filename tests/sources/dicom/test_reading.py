"""The short-axis cine of UK Biobank's archives: found by what headers say, put in order by where and when."""

from __future__ import annotations

import traceback
from contextlib import suppress

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from faircmr.core import InvalidScanError
from faircmr.sources import Archive, write_image
from faircmr.sources.dicom import build_cine, read_short_axis
from faircmr.sources.dicom import headers as parsing
from faircmr.sources.dicom.headers import GROWTH, SEVERAL, Frame, frame_header, read_header
from faircmr.sources.dicom.reading import read_files
from tests.sources.dicom.written import (
    COLUMNS,
    DISTANCE,
    ORIENTATION,
    ORIGIN,
    PHASES,
    ROWS,
    SECRET,
    SLICES,
    SPACING,
    STEP_MS,
    dicom_bytes,
    frame,
    stored_pixels,
    study,
    uid,
    write_zip,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / f"{SECRET}_20209_2_0.zip"


def cine_of(path, images, contoured=(), others=None):
    """The cine without its images, which are gone with the archive."""
    with Archive(write_zip(path, images, others)) as archive:
        return read_short_axis(archive, contoured)


def all_frames(archive):
    cine = read_short_axis(archive, ())
    return [cine.frame(index) for index in range(cine.phases)]


def refusal(path, images):
    with Archive(write_zip(path, images)) as archive, pytest.raises(InvalidScanError) as error:
        all_frames(archive)
    assert SECRET not in "".join(traceback.format_exception(error.value, limit=0))
    assert error.value.offender == "scan"
    return str(error.value)


def test_slices_are_in_the_order_of_positions_and_phases_in_that_of_trigger_times(path):
    cine = cine_of(path, study())

    assert cine.uids == tuple(tuple(uid(place, phase) for phase in range(PHASES)) for place in range(SLICES))
    assert cine.trigger_times == (tuple(STEP_MS * phase for phase in range(PHASES)),) * SLICES
    assert cine.phases == PHASES
    assert cine.problems == ()


def test_the_spacing_is_the_distance_of_positions_and_not_the_thickness_of_slices(path):
    geometry = cine_of(path, study(SliceThickness=8, SpacingBetweenSlices=8)).geometry

    assert geometry.shape == (SLICES, ROWS, COLUMNS)
    assert geometry.spacing == pytest.approx((DISTANCE, *SPACING))


def test_reads_one_phase_at_a_time(path):
    with Archive(write_zip(path, study())) as archive:
        cine = read_short_axis(archive, ())
        for phase in range(PHASES):
            expected = np.stack([stored_pixels(place, phase) for place in range(SLICES)])
            np.testing.assert_array_equal(cine.frame(phase), expected)
            assert cine.frame(phase).dtype == np.float32


def test_a_voxel_lies_where_the_standard_says_that_its_pixel_does(path, tmp_path):
    with Archive(write_zip(path, study())) as archive:
        cine = read_short_axis(archive, ())
        write_image(tmp_path / "sa_ED.nii.gz", cine.frame(0), cine.geometry)
    volume = nib.load(tmp_path / "sa_ED.nii.gz")

    for affine in (volume.get_sform(), volume.get_qform()):
        for column, row, place in ((0, 0, 0), (3, 0, 0), (0, 4, 0), (0, 0, 2), (3, 4, 2)):
            # PS3.3, equation C.7.6.2.1-1, of the header of that very slice, component by component
            position = frame(place, 0).ImagePositionPatient
            left, back, head = (
                float(position[axis])
                + ORIENTATION[axis] * SPACING[1] * column
                + ORIENTATION[axis + 3] * SPACING[0] * row
                for axis in range(3)
            )
            np.testing.assert_allclose(
                nib.affines.apply_affine(affine, (column, row, place)), (-left, -back, head), atol=1e-4
            )
    assert (int(volume.header["qform_code"]), int(volume.header["sform_code"])) == (1, 1)
    assert volume.dataobj[3, 4, 2] == stored_pixels(2, 0)[4, 3]


def test_takes_the_cine_and_neither_the_scanners_results_nor_other_series(path):
    results = study(SeriesDescription="CINE_segmented_SAX_InlineVF", BitsAllocated=8)
    others = study(SeriesDescription="CINE_segmented_LAX_2Ch", ImageOrientationPatient=[1, 0, 0, 0, 1, 0])

    cine = cine_of(path, [*results, *study(), *others])

    assert cine.geometry.shape == (SLICES, ROWS, COLUMNS)
    assert cine.problems == ()


@pytest.mark.parametrize("others", [{"readme.txt": "x"}, {"manifest.cvs": "b" * 200, "notes": ""}])
def test_needs_no_manifest_and_minds_no_other_files(path, others):
    assert cine_of(path, study(), others=others).phases == PHASES


def mixed(**changes):
    """All slices in one series; numbers go on from slice to slice."""
    return [
        frame(
            place,
            phase,
            SeriesDescription="CINE_segmented_SAX",
            SeriesInstanceUID="1.2.3",
            InstanceNumber=1 + place * PHASES + phase,
            **changes,
        )
        for place in range(SLICES)
        for phase in range(PHASES)
    ]


def test_divides_a_mixed_series_into_its_slices(path):
    cine = cine_of(path, mixed())

    assert cine.uids == cine_of(path, study()).uids
    assert cine.problems == ()


def test_a_slice_that_stands_twice_in_a_mixed_series_is_taken_once(path):
    again = [
        frame(
            1,
            phase,
            repeat=1,
            SeriesDescription="CINE_segmented_SAX",
            SeriesInstanceUID="1.2.3",
            InstanceNumber=100 + phase,
            TriggerTime=26.5 * phase,
        )
        for phase in range(PHASES)
    ]

    cine = cine_of(path, [*mixed(), *again])

    assert cine.uids[1] == tuple(uid(1, phase, repeat=1) for phase in range(PHASES))
    assert cine.problems == ("slices acquired more than once, the last whole one taken: 1",)


def test_prefers_the_numbered_series_to_the_mixed_one_unless_that_alone_has_contours(path):
    two_kinds = [*study(), *mixed(SOPInstanceUID=None)]
    for number, image in enumerate(two_kinds[SLICES * PHASES :]):
        image.SOPInstanceUID = f"1.2.4.{number + 1}"

    assert cine_of(path, two_kinds).uids[0][0] == uid(0, 0)
    assert cine_of(path, two_kinds, {"1.2.4.3"}).uids[0][2] == "1.2.4.3"
    assert cine_of(path, two_kinds, {"1.2.4.3", uid(0, 0)}).uids[0][0] == uid(0, 0)


def repeated():
    return [*study(), *[frame(1, phase, repeat=1) for phase in range(PHASES)]]


def test_of_a_repeated_slice_the_last_acquisition_is_taken_and_the_report_says_so(path):
    cine = cine_of(path, repeated())

    assert cine.uids[1] == tuple(uid(1, phase, repeat=1) for phase in range(PHASES))
    assert cine.uids[0] == tuple(uid(0, phase) for phase in range(PHASES))
    assert cine.problems == ("slices acquired more than once, the last whole one taken: 1",)


def test_of_a_repeated_slice_the_contoured_acquisition_wins(path):
    cine = cine_of(path, repeated(), {uid(1, 2), uid(0, 0)})

    assert cine.uids[1] == tuple(uid(1, phase) for phase in range(PHASES))
    assert cine.problems == ("slices acquired more than once, the acquisition with contours taken: 1",)


def test_a_repeat_that_was_broken_off_is_not_taken(path):
    broken_off = [frame(1, phase, repeat=1) for phase in range(PHASES - 1)]

    assert cine_of(path, [*study(), *broken_off]).uids == cine_of(path, study()).uids


def test_a_slice_that_was_acquired_again_a_little_aside_is_the_same_slice(path):
    aside = (ORIGIN + (DISTANCE + 2.0) * np.array((-0.8, 0.6, 0.0))).tolist()
    again = [frame(1, phase, repeat=1, ImagePositionPatient=aside) for phase in range(PHASES)]

    cine = cine_of(path, [*study(), *again])

    assert cine.geometry.shape[0] == SLICES
    assert cine.problems == (
        "slices acquired more than once, the last whole one taken: 1",
        "uneven distances between slices: 2",
    )


def test_images_that_stand_twice_are_taken_once(path):
    cine = cine_of(path, [*study(), frame(0, 0), frame(2, 3)])

    assert cine.phases == PHASES
    assert cine.problems == ("images that stand twice, taken once: 2",)


def test_a_copy_under_another_uid_is_a_copy_and_the_contoured_one_is_kept(path):
    copy = frame(0, 0, SOPInstanceUID="1.2.99")

    assert cine_of(path, [*study(), copy], {uid(0, 0)}).uids[0][0] == uid(0, 0)
    assert cine_of(path, [*study(), copy], {"1.2.99"}).uids[0][0] == "1.2.99"


def test_what_is_found_does_not_depend_on_the_order_of_files(path):
    images = [*repeated(), frame(0, 0, SOPInstanceUID="1.2.99")]

    assert cine_of(path, images).uids == cine_of(path, images[::-1]).uids


def far(places):
    """Slices at these multiples of the spacing."""
    return [frame(place, phase) for place in places for phase in range(PHASES)]


def test_tells_of_missing_slices_and_keeps_the_usual_spacing(path):
    cine = cine_of(path, far((0, 1, 2, 4, 5, 8)))

    assert cine.geometry.spacing[0] == pytest.approx(DISTANCE)
    assert cine.problems == ("slices missing inside the stack: 3",)


def test_tells_of_slices_that_are_shifted_in_their_plane(path):
    moved = [
        frame(3, phase, ImagePositionPatient=(ORIGIN + 30 * np.array((-0.8, 0.6, 0)) + (0, 0, 0.7)).tolist())
        for phase in range(PHASES)
    ]

    assert cine_of(path, [*study(), *moved]).problems == ("slices shifted in their plane: 1",)


@pytest.mark.parametrize("times", [{"TriggerTime": None}, {"TriggerTime": 0}], ids=["missing", "emptied"])
def test_without_trigger_times_phases_are_in_the_order_of_their_numbers(path, times):
    cine = cine_of(path, study(**times))

    assert cine.uids == cine_of(path, study()).uids
    assert np.isnan(cine.trigger_times).all()
    assert cine.problems == ("TriggerTime does not tell the phases apart, their order is that of InstanceNumber",)


def test_trigger_time_goes_before_the_number_of_an_image(path):
    backwards = [frame(place, phase, InstanceNumber=1) for place in range(SLICES) for phase in range(PHASES)]

    assert cine_of(path, backwards).uids == cine_of(path, study()).uids


def test_leaves_out_a_slice_at_an_end_that_has_another_number_of_phases(path):
    cine = cine_of(path, [*study(), frame(3, 0), frame(-1, 0), frame(-1, 1)])

    assert cine.geometry.shape[0] == SLICES
    assert cine.problems == ("slices at an end of the stack with other than 4 phases, left out: 2",)


def test_refuses_a_slice_inside_that_has_another_number_of_phases(path):
    images = [image for image in far(range(4)) if image.SOPInstanceUID != uid(1, 2)]

    assert "slices inside the stack with other than 4 phases: 1" in refusal(path, images)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ImagePositionPatient": None}, "an image has no ImagePositionPatient"),
        ({"ImageOrientationPatient": None}, "an image has no ImageOrientationPatient"),
        ({"PixelSpacing": None}, "an image has no PixelSpacing"),
        ({"SeriesInstanceUID": None}, "an image has no SeriesInstanceUID"),
        ({"Rows": None}, "an image has None rows and 4 columns"),
        ({"Columns": 0}, "an image has 5 rows and 0 columns"),
        ({"BitsStored": None}, "BitsStored is None"),
        ({"BitsAllocated": 8, "BitsStored": 8}, "8 bits allocated"),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "3 samples a pixel, photometric .* another"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "photometric interpretation another; 16 bits, 1 sample"),
        ({"NumberOfFrames": 4}, "a DICOM file has several frames; one image a file; convert enhanced"),
        ({"PixelSpacing": [0, 1.25]}, r"PixelSpacing is \(0.0, 1.25\); positive millimetres"),
        ({"PixelSpacing": [1.25]}, "PixelSpacing has 1 values"),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "two unit vectors at a right angle"),
        ({"RescaleSlope": 0}, "RescaleSlope is 0"),
        ({"PixelData": bytes(2 * ROWS * COLUMNS - 2)}, r"an image has 38 bytes of pixels; 5 x 4 x 2"),
        ({"PixelData": None}, "an image has 0 bytes of pixels"),
        ({"RescaleSlope": 9e4, "RescaleIntercept": 1e30}, "RescaleIntercept has 1 values, or one that is no number"),
        ({"TriggerTime": None, "InstanceNumber": None}, "the order of phases is unknown"),
        ({"ImagePositionPatient": [1, 2, 3]}, "the images lie in one slice"),
    ],
)
def test_refuses_images_that_cannot_be_used(path, changes, words):
    with pytest.raises(InvalidScanError, match=words):
        raise InvalidScanError("scan", refusal(path, study(**changes)), "")


@pytest.mark.parametrize(
    ("place", "changes", "words"),
    [
        (1, {"ImageOrientationPatient": [0.6, 0.8, 0, 0.8, -0.6, 0]}, "several orientations"),
        (0, {"PixelSpacing": [1.25, 1.25]}, "images of 2 sizes or in-plane spacings"),
        (2, {"Rows": 4}, "images of 2 sizes or in-plane spacings"),
        (0, {"SOPInstanceUID": uid(2, 0)}, "images that share a SOPInstanceUID: "),
    ],
)
def test_refuses_a_stack_in_which_one_slice_differs(path, place, changes, words):
    images = [image for image in study() if image.SOPInstanceUID not in {uid(place, phase) for phase in range(PHASES)}]

    assert words in refusal(path, [*images, *[frame(place, phase, **changes) for phase in range(PHASES)]])


@pytest.mark.parametrize("value", [b"nan ", b"inf ", b"wide"])
def test_refuses_a_spacing_that_is_no_number(path, value):
    content = [dicom_bytes(image).replace(b"1.25\\1.75", value + b"\\1.75") for image in study()]

    assert "PixelSpacing has 2 values, or one that is no number" in refusal(path, content)


def test_refuses_an_image_without_uid(path):
    content = [dicom_bytes(image) for image in study()]
    field, odd = b"\x08\x00\x18\x00UI", b"\x08\x00\x19\x00UI"

    assert "an image has no SOPInstanceUID" in refusal(path, [one.replace(field, odd) for one in content])


def test_refuses_what_is_no_cine(path):
    single = [frame(place, 0) for place in range(SLICES)]

    assert "3 slices of 1 phases; a cine: 2 slices and 2 phases or more" in refusal(path, single)


def test_refuses_an_archive_of_another_series(path):
    images = study(SeriesDescription=f"Flow {SECRET}")

    assert refusal(path, images).startswith("scan: 12 DICOM images, none of a short-axis cine; series CINE_segmented_S")


@pytest.mark.parametrize(
    ("syntax", "name"),
    [
        (
            "1.2.840.10008.1.2.4.70",
            "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
        ),
        ("1.2.840.10008.1.2.4.90", "JPEG 2000 Image Compression (Lossless Only)"),
        ("1.2.840.10008.1.2.5", "RLE Lossless"),
        ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian"),
        (f"1.2.{SECRET}", "an unknown one"),
    ],
)
def test_refuses_compressed_images_and_says_how_they_are_compressed(path, syntax, name):
    plain = [dicom_bytes(image) for image in study()]
    # a UID of odd length is padded with one zero byte
    relabelled = [with_syntax(content, syntax) for content in plain]

    words = refusal(path, relabelled)

    assert f"the transfer syntax of an image is {name}; uncompressed pixels" in words
    assert words.endswith("gdcmconv --raw")


def with_syntax(content: bytes, syntax: str) -> bytes:
    """The file with another transfer syntax in its meta information, pixels as they are."""
    field = b"\x02\x00\x10\x00UI"
    at = content.index(field)
    old = int.from_bytes(content[at + 6 : at + 8], "little")
    value = (syntax + "\0" * (len(syntax) % 2)).encode()
    return content[: at + 6] + len(value).to_bytes(2, "little") + value + content[at + 8 + old :]


@pytest.mark.parametrize("padding", [SEVERAL, SEVERAL * GROWTH])
def test_reads_headers_of_any_length(path, padding):
    images = study()
    for image in images:
        # in front of all but the meta information
        image.add_new(0x00090010, "LO", "SIEMENS")
        image.add_new(0x00091010, "OB", np.random.default_rng(padding).bytes(padding))

    assert cine_of(path, images).phases == PHASES


def test_reads_headers_behind_a_sequence_of_undefined_length_that_a_first_look_cuts_off(path):
    images = study()
    for image in images:
        item = Dataset()
        item.add_new(0x00091010, "OB", np.random.default_rng(0).bytes(SEVERAL))
        image.ReferencedImageSequence = [item]
        image["ReferencedImageSequence"].is_undefined_length = True

    assert cine_of(path, images).phases == PHASES


def test_refuses_a_file_that_is_no_dicom(path):
    assert "a file is damaged or no DICOM" in refusal(path, [*study(), b"not one" * 50])


WHOLE = [dicom_bytes(image) for image in study()]


@given(st.dictionaries(st.integers(128, len(WHOLE[0]) - 1), st.integers(0, 255), max_size=4), st.integers(0, 400))
def test_reads_a_damaged_image_or_refuses_it_as_every_other(changes, missing):
    damaged = bytearray(WHOLE[0])
    for place, value in changes.items():
        damaged[place] = value
    files = [bytes(damaged[: max(len(damaged) - missing, 0)]), *WHOLE[1:]]

    with suppress(InvalidScanError):
        cine = build_cine([frame_of(content) for content in files], ())
        assert all(np.isfinite(cine.frame(index)).all() for index in range(cine.phases))


def frame_of(content):
    elements = read_header(lambda size: content[:size])
    if elements is None:
        raise InvalidScanError("scan", "no DICOM", "")
    return Frame(frame_header(elements), lambda: content)


def test_no_repr_shows_what_may_lead_to_a_person(path):
    cine = cine_of(path, study())

    assert SECRET not in repr(cine)
    assert SECRET not in repr(cine.stack)


def test_nothing_is_said_of_an_odd_character_set(path, caplog, recwarn):
    # of the same length as the standard's name, so that the file is otherwise whole
    content = [dicom_bytes(image) for image in study(SpecificCharacterSet="ISO_IR 6")]
    odd = [one.replace(b"ISO_IR 6", b"X" + SECRET.encode()) for one in content]

    # as at the first file of a run: pytest has its own filters in each test
    parsing._parser.cache_clear()
    assert cine_of(path, odd).phases == PHASES
    assert not caplog.records
    assert not [warning for warning in recwarn if SECRET in str(warning.message)]


def test_reads_loose_files(tmp_path):
    paths = [tmp_path / f"{number}.dcm" for number in range(SLICES * PHASES)]
    for path, image in zip(paths, study(), strict=True):
        path.write_bytes(dicom_bytes(image))

    cine = read_files(paths)

    assert cine.uids[2][3] == uid(2, 3)
    np.testing.assert_array_equal(cine.frame(3)[2], stored_pixels(2, 3))


def test_refuses_loose_files_that_are_missing_or_no_dicom(tmp_path):
    with pytest.raises(InvalidScanError, match="missing or cannot be read"):
        read_files([tmp_path / f"{SECRET}.dcm"])
    (tmp_path / "text.dcm").write_text("text")
    with pytest.raises(InvalidScanError, match="no DICOM"):
        read_files([tmp_path / "text.dcm"])
    with pytest.raises(InvalidScanError, match="there are no images"):
        read_files([])
