"""Images in another orientation are put on each other's grid, or refused; never compared voxel by voxel in silence."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.core.scans import AS_STORED, UNKNOWN, Geometry, place_on_grid, placement_on
from faircmr.core.scans.grids import Placement, affines
from faircmr.sources import geometry_of

NAMES = ("image", "label")
SHAPE = (7, 6, 5)
"""Columns, rows, slices."""
ZOOMS = (1.5, 1.25, 9.0)
ORIENTATIONS = [
    "".join(codes) for axes in permutations((("R", "L"), ("A", "P"), ("S", "I"))) for codes in product(*axes)
]
"""All 48."""


def oblique(angles: tuple[float, float, float] = (0.4, -0.3, 0.7), offset: tuple[float, ...] = (31.5, -80.2, 12.7)):
    """An affine of a stack that is turned against the scanner, as short-axis stacks are."""
    x, y, z = angles
    turns = (
        np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]]),
        np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]]),
        np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]]),
    )
    affine = np.eye(4)
    affine[:3, :3] = turns[0] @ turns[1] @ turns[2] @ np.diag(ZOOMS)
    affine[:3, 3] = offset
    return affine


def values(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    """A label no turn of which is another turn of it."""
    return (np.arange(1, np.prod(shape) + 1) % 251).astype(np.uint8).reshape(shape)


def image(data: np.ndarray, affine: np.ndarray, *, sform: bool = True, qform: bool = True) -> nib.Nifti1Image:
    made = nib.Nifti1Image(data, affine)
    made.set_sform(affine, 1 if sform else 0)
    made.set_qform(affine, 1 if qform else 0)
    return made


def geometry(of: nib.Nifti1Image) -> Geometry:
    return geometry_of(of.header)


def array(of: nib.Nifti1Image) -> np.ndarray:
    return np.asarray(of.dataobj).T


def reoriented(of: nib.Nifti1Image, codes: str, *, sform: bool = True, qform: bool = True) -> nib.Nifti1Image:
    """The same voxels in the world, saved in another order."""
    change = nib.orientations.ornt_transform(nib.io_orientation(of.affine), nib.orientations.axcodes2ornt(codes))
    turned = of.as_reoriented(change)
    return image(np.asarray(turned.dataobj), turned.affine, sform=sform, qform=qform)


@pytest.mark.parametrize("forms", [("sform", "qform"), ("sform",), ("qform",)])
@pytest.mark.parametrize("codes", ORIENTATIONS)
@pytest.mark.parametrize("affine", [oblique(), np.diag([-1.5, -1.25, 9.0, 1.0])], ids=["oblique", "straight"])
def test_every_orientation_is_undone(codes: str, forms: tuple[str, ...], affine: np.ndarray):
    one = image(values(), affine)
    other = reoriented(one, codes, sform="sform" in forms, qform="qform" in forms)

    found = placement_on(geometry(one), geometry(other), NAMES)

    assert found.known
    np.testing.assert_array_equal(place_on_grid(array(other), found, "label"), array(one))


@pytest.mark.parametrize("codes", ["RAS", "LPS", "PIR"])
def test_one_form_of_each_is_enough(codes: str):
    one = image(values(), oblique(), qform=False)
    other = reoriented(one, codes, sform=False)

    np.testing.assert_array_equal(
        place_on_grid(array(other), placement_on(geometry(one), geometry(other), NAMES), "label"), array(one)
    )


@given(
    shift=st.tuples(*[st.integers(-4, 4)] * 3),
    flips=st.tuples(*[st.booleans()] * 3),
    axes=st.permutations((0, 1, 2)),
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
)
@settings(max_examples=100, deadline=None)
def test_any_turn_and_shift_by_whole_voxels_is_undone(shift, flips, axes, angles):
    label, stored = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    for value, voxel in enumerate([(3, 3, 2), (4, 3, 2)], start=1):
        there = np.subtract(voxel, shift)
        assume((there >= 0).all() and (there < SHAPE).all())
        label[voxel], stored[tuple(there)] = value, value
    orientation = np.array([[axis, -1.0 if flip else 1.0] for axis, flip in zip(axes, flips, strict=True)])
    turned = image(stored, shifted(oblique(angles), shift)).as_reoriented(orientation)
    other = image(np.asarray(turned.dataobj), turned.affine)

    found = placement_on(geometry(image(label, oblique(angles))), geometry(other), NAMES)

    assert found.shift == shift[::-1]
    np.testing.assert_array_equal(place_on_grid(array(other), found, "label"), label.T)


def shifted(affine: np.ndarray, voxels: tuple[float, float, float]) -> np.ndarray:
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ voxels
    return moved


@pytest.mark.parametrize(
    ("voxels", "accepted"),
    [
        ((0.0, 0.0, 0.0), True),
        ((0.05, -0.05, 0.05), True),
        ((0.15, 0.0, 0.0), False),
        ((0.5, 0.0, 0.0), False),
        ((0.0, 0.0, 0.4), False),
        ((3.02, 0.0, 0.0), True),
        ((3.3, 0.0, 0.0), False),
    ],
)
def test_what_is_off_by_parts_of_a_voxel_is_refused(voxels: tuple[float, float, float], *, accepted: bool):
    one, other = image(values(), oblique()), image(values(), shifted(oblique(), voxels))

    if accepted:
        assert placement_on(geometry(one), geometry(other), NAMES).known
        return
    with pytest.raises(InvalidScanError, match="place the label off the grid of the image"):
        placement_on(geometry(one), geometry(other), NAMES)


@pytest.mark.parametrize("degrees", [0.2, 5, 30, 45])
def test_a_label_that_is_turned_is_refused(degrees: float):
    # wide enough for 0.2 degrees to reach a tenth of a voxel
    data = np.zeros((200, 200, 5), np.uint8)
    one = image(data, oblique((0.0, 0.0, 0.0)))
    other = image(data, oblique((0.0, 0.0, np.deg2rad(degrees))))

    with pytest.raises(InvalidScanError, match="off the grid"):
        placement_on(geometry(one), geometry(other), NAMES)


def test_labels_outside_the_grid_are_never_lost():
    label = np.zeros(SHAPE, np.uint8)
    label[:, 3, 2] = 1
    one, other = image(label, oblique()), image(label, shifted(oblique(), (4, 0, 0)))
    found = placement_on(geometry(one), geometry(other), NAMES)

    assert found.shift == (0, 0, 4)
    with pytest.raises(InvalidScanError, match="4 labelled voxels of the label lie outside"):
        place_on_grid(array(other), found, "label")


@pytest.mark.parametrize("shift", [7, -7, 100])
def test_an_empty_label_far_away_is_an_empty_label(shift: int):
    empty = np.zeros(SHAPE, np.uint8)
    one, other = image(empty, oblique()), image(empty, shifted(oblique(), (shift, 0, 0)))

    assert not place_on_grid(array(other), placement_on(geometry(one), geometry(other), NAMES), "label").any()


@pytest.mark.parametrize("without", ["image", "label", "both"])
def test_without_forms_shape_and_spacing_decide(without: str):
    bare = [without in (name, "both") for name in NAMES]
    one, other = (
        image(values(), affine, sform=not each, qform=not each)
        for each, affine in zip(bare, (oblique(), np.diag([-1.5, -1.25, 9.0, 1.0])), strict=True)
    )

    found = placement_on(geometry(one), geometry(other), NAMES)

    assert found == Placement(known=False)
    assert found.kind == UNKNOWN


@pytest.mark.parametrize(
    "form",
    [
        np.eye(4),
        np.zeros((4, 4)),
        np.full((4, 4), np.nan),
        np.diag([1.5, 1.25, 0.0, 1.0]),
        # two columns along one line
        np.array([[1.5, 1.25, 0, 0], [0, 0, 0, 0], [0, 0, 9.0, 0], [0, 0, 0, 1.0]]),
    ],
    ids=["identity", "zeros", "nan", "flat", "parallel"],
)
def test_a_form_that_contradicts_the_spacing_is_not_believed(form: np.ndarray):
    made = replace(geometry(image(values(), oblique(), qform=False)), sform=tuple(map(tuple, form)))

    assert affines(made) == {}
    assert not placement_on(made, geometry(image(values(), oblique())), NAMES).known


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.floats(-20.0, 20.0), min_size=9, max_size=9),
    st.lists(st.floats(0.98, 1.02), min_size=3, max_size=3),
)
def test_believed_is_what_fits_the_spacing_and_is_not_flat(turned: list[float], stretched: list[float]):
    form = np.eye(4)
    form[:3, :3] = np.reshape(turned, (3, 3))
    lengths = np.linalg.norm(form[:3, :3], axis=0)
    assume((lengths > 0.01).all())
    spacing = lengths * stretched
    made = Geometry((5, 6, 7), tuple(spacing[::-1]), sform=tuple(map(tuple, form)), sform_code=1)

    off, flat = np.abs(lengths / spacing - 1.0).max(), abs(np.linalg.det(form[:3, :3])) / spacing.prod()

    # not within rounding of either limit
    assume(abs(off - 0.01) > 1e-9 and abs(flat - 1e-3) > 1e-9)
    assert bool(affines(made)) == (off < 0.01 and flat > 1e-3)
    assert placement_on(made, made, NAMES).known == bool(affines(made))


def test_forms_that_contradict_each_other_are_refused():
    one, other = image(values(), oblique()), image(values(), oblique())
    other.set_qform(shifted(oblique(), (2, 0, 0)), 1)

    with pytest.raises(InvalidScanError, match="qform and sform disagree about how the label lies on the image"):
        placement_on(geometry(one), geometry(other), NAMES)


def test_a_second_form_that_both_images_share_does_no_harm():
    one, other = image(values(), oblique()), image(values(), oblique())
    for each in (one, other):
        each.set_qform(oblique((1.0, 0.2, 0.1)), 1)

    assert placement_on(geometry(one), geometry(other), NAMES).kind == AS_STORED


def test_headers_that_are_wrong_can_be_passed_over():
    one, other = image(values(), oblique()), image(values(), oblique((0.0, 0.0, 0.0)))

    assert placement_on(geometry(one), geometry(other), NAMES, by_header=False) == Placement(known=False)


@pytest.mark.parametrize("shape", [(7, 6, 4), (6, 7, 5), (7, 5, 6)])
@pytest.mark.parametrize("forms", [True, False])
def test_another_shape_is_refused_whatever_the_headers_say(shape: tuple[int, ...], *, forms: bool):
    one, other = (image(values(each), oblique(), sform=forms, qform=forms) for each in (SHAPE, shape))

    with pytest.raises(InvalidScanError, match=r"the image has shape .*, the label"):
        placement_on(geometry(one), geometry(other), NAMES)


@pytest.mark.parametrize("forms", [True, False])
def test_another_spacing_is_refused(*, forms: bool):
    wider = oblique() @ np.diag([2.0, 1.0, 1.0, 1.0])
    one, other = (image(values(), each, sform=forms, qform=forms) for each in (oblique(), wider))

    with pytest.raises(
        InvalidScanError, match=r"the image has spacing 9 x 1\.25 x 1\.5 mm, the label 9 x 1\.25 x 3 mm"
    ):
        placement_on(geometry(one), geometry(other), NAMES)


@pytest.mark.parametrize(("unit", "code", "factor"), [("m", 1, 1e-3), ("um", 3, 1e3)])
def test_units_of_both_headers_may_differ(unit: str, code: int, factor: float):
    one = image(values(), oblique())
    scaled = np.diag([factor, factor, factor, 1.0]) @ oblique()
    other = reoriented(image(values(), scaled), "RAS")
    other.header["xyzt_units"] = code
    found = geometry(other)

    assert found.unit == unit
    np.testing.assert_allclose(sorted(found.spacing), sorted(ZOOMS), rtol=1e-5)
    np.testing.assert_array_equal(
        place_on_grid(array(other), placement_on(geometry(one), found, NAMES), "label"), array(one)
    )


@pytest.mark.parametrize("size", [128, 256])
@given(angles=st.tuples(*[st.floats(-3.14, 3.14)] * 3), offset=st.floats(-500, 500))
@settings(max_examples=25, deadline=None)
def test_rounding_of_a_quaternion_stays_within_the_tolerance(size: int, angles, offset: float):
    # one tool keeps the sform, another the qform of the same affine
    affine = oblique(angles, (offset, -offset, offset / 3))
    data = np.broadcast_to(np.uint8(0), (size, size, 12))
    one = image(data, affine, qform=False)
    other = image(data, affine, sform=False)

    assert placement_on(geometry(one), geometry(other), NAMES).kind == AS_STORED


@pytest.mark.parametrize(
    ("placement", "kind"),
    [
        (Placement(), "as stored"),
        (Placement(flipped=(False, True, False)), "flipped"),
        (Placement(axes=(0, 2, 1)), "axes swapped"),
        (Placement(shift=(0, 0, -2)), "shifted"),
        (Placement(axes=(2, 1, 0), flipped=(True, True, True), shift=(1, 0, 0)), "axes swapped, flipped, shifted"),
        (Placement(known=False), "not in the headers"),
    ],
)
def test_a_placement_says_what_is_undone(placement: Placement, kind: str):
    assert placement.kind == kind


@given(
    angles=st.tuples(*[st.floats(-3.1, 3.1)] * 3),
    offset=st.tuples(*[st.floats(-300, 300)] * 3),
    mirrored=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_the_qform_is_that_of_nibabel(angles, offset, *, mirrored: bool):
    affine = oblique(angles, offset) @ np.diag([1.0, 1.0, -1.0 if mirrored else 1.0, 1.0])
    made = image(values(), affine, sform=False)

    np.testing.assert_allclose(affines(geometry(made))["qform"], made.get_qform(), atol=2e-3)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e38, 1e-45])
@pytest.mark.parametrize("field", ["srow_x", "quatern_b", "qoffset_x", "pixdim"])
def test_damaged_headers_warn_of_nothing(field: str, value: float, recwarn: pytest.WarningsRecorder):
    header = image(values(), oblique()).header
    if header[field].ndim:
        header[field][0] = value
    else:
        header[field] = value

    found = affines(geometry_of(header))

    assert all(np.isfinite(form).all() for form in found.values())
    assert not recwarn.list
