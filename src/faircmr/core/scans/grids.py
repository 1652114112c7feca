"""Align a label with an image: flips, swapped axes and whole-voxel shifts between their grids.

Tools save the same voxels in another order (RAS, LPS) and say so in the affine of the header. Comparing shape and
spacing alone misses that: a perfect prediction in another orientation would score as a bad one.

Source of the formulas: NIfTI-1 standard (``nifti1.h``), methods 2 (qform) and 3 (sform).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import hypot, isfinite, prod

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScanError
from faircmr.core.scans.cohort import Geometry, LabelImage

ROUNDING = 0.1
"""Voxels by which a corner of a grid may miss a whole voxel of the other grid. Measured between the sform and the qform
(32-bit quaternion) of one affine, 20,000 random orientations of 256 x 256 x 12 voxels: 0.0006 in 99 %, at most 0.08."""
SPACING_ROUNDING = 1e-3
"""Relative difference of spacing up to which two images lie on one grid (headers hold 32-bit floats)."""
AFFINE_ROUNDING = 0.01
"""Relative difference between the spacing that an affine implies and the spacing of its header above which the affine
is not believed: some data sets carry affines that were never set."""
FLATTEST = 1e-3
"""Volume of a voxel over the product of its edges, below which an affine has no inverse worth computing."""
AS_STORED: str = "as stored"
UNKNOWN: str = "not in the headers"
RESAMPLE = "resample it to that grid with nearest neighbours; where the headers are wrong, set reading.grids to 'array'"
FloatMatrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Placement:
    """What puts one image on the grid of another; axes are slices, rows, columns.

    Attributes:
        axes: For each axis of the grid, the axis of the image that runs along it.
        flipped: For each axis of the grid, whether the image runs against it.
        shift: For each axis of the grid, where the first voxel of the image lies.
        known: Whether headers say so. If not, shape and spacing agree and voxels correspond by their place.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flipped: tuple[bool, bool, bool] = (False, False, False)
    shift: tuple[int, int, int] = (0, 0, 0)
    known: bool = True

    @property
    def kind(self) -> str:
        """What is undone: ``as stored``, ``axes swapped, flipped``, ``shifted``, or ``not in the headers``."""
        undone = {"axes swapped": self.axes != (0, 1, 2), "flipped": any(self.flipped), "shifted": any(self.shift)}
        return (", ".join(name for name, done in undone.items() if done) or AS_STORED) if self.known else UNKNOWN


def place_on_grid(label: LabelImage, placement: Placement, what: str) -> LabelImage:
    """Put a label image on the grid that its placement was found for.

    Args:
        label: Values of structures; 0 is background.
        placement: Of :func:`placement_on`.
        what: What the error calls it.

    Returns:
        The same shape as the grid; background where the label image does not reach.

    Raises:
        InvalidScanError: Labelled voxels would lie outside the grid.
    """
    turned = label.transpose(placement.axes)[tuple(slice(None, None, -1 if each else 1) for each in placement.flipped)]
    if not any(placement.shift):
        return np.ascontiguousarray(turned)
    moved = np.zeros_like(turned, order="C")
    here, there = zip(*map(_overlap, turned.shape, placement.shift), strict=True)
    moved[here] = turned[there]
    lost = int(np.count_nonzero(turned)) - int(np.count_nonzero(moved))
    if lost:
        raise InvalidScanError(
            "scan",
            f"{lost} labelled voxels of the {what} lie outside the other image's grid",
            "labels within the image",
            RESAMPLE,
        )
    return moved


def placement_on(grid: Geometry, other: Geometry, names: tuple[str, str], *, by_header: bool = True) -> Placement:
    """Find how an image lies on the grid of another one.

    Args:
        grid: The grid, of the first name: an image, or a reference.
        other: The grid of what is to be put on it: a label, or a prediction.
        names: What errors call the two.
        by_header: Whether headers are believed; if not, or where one has no usable qform and sform, shape and spacing
            alone decide. Where both have both forms, one that fits is enough: tools drop shears from a qform.

    Raises:
        InvalidScanError: Shapes or spacings differ; or the headers place the other beside the grid by more than
            :data:`ROUNDING` voxels; or qforms and sforms both fit and say different things.
    """
    if by_header and grid == other and affines(grid):
        # most pairs: one header for both, whose relation is the identity
        return Placement()
    found = _voxel_transforms(grid, other) if by_header else []
    if not found:
        _check_same_spacing(grid, other, names)
        return Placement(known=False)
    placements = {
        placement for matrix in found if (placement := _whole_voxel_placement(matrix, other.shape)) is not None
    }
    if len(placements) > 1:
        raise InvalidScanError(
            "scan",
            f"qform and sform disagree about how the {names[1]} lies on the {names[0]}",
            "one orientation and position in each header",
            "set both forms to the right one; where the headers are wrong, set reading.grids to 'array'",
        )
    if not placements:
        _check_same_spacing(grid, other, names)
        off = _largest_corner_error(found[0], other.shape)
        raise InvalidScanError(
            "scan",
            f"the headers place the {names[1]} off the grid of the {names[0]}, by up to {off:.2g} voxels",
            "one grid for both, up to flips, swapped axes and whole voxels",
            RESAMPLE,
        )
    (placement,) = placements
    _check_shape(grid, other, placement, names)
    return placement


def affines(geometry: Geometry) -> dict[str, FloatMatrix]:
    """Affines of a header that can be used, ``sform`` and ``qform``, from (column, row, slice) to millimetres.

    Left out are those without a code, those that are not finite or flat, and those whose voxels have another size than
    the header's spacing, by more than :data:`AFFINE_ROUNDING`.
    """
    forms: dict[str, FloatMatrix] = {}
    if geometry.sform is not None and geometry.sform_code > 0:
        forms["sform"] = np.array(geometry.sform, dtype=np.float64)
    if geometry.qform_code > 0:
        with np.errstate(all="ignore"):
            forms["qform"] = np.array(geometry.qform) if geometry.qform is not None else _from_quaternion(geometry)
    scale = np.array([[geometry.millimetres]] * 3 + [[1.0]])
    # damaged headers hold infinity and numbers whose squares are
    with np.errstate(all="ignore"):
        return {name: scale * form for name, form in forms.items() if _is_usable(scale * form, geometry.spacing)}


def _is_usable(form: FloatMatrix, spacing: tuple[float, float, float]) -> bool:
    # in plain numbers: of 16 of them, every function of NumPy takes longer than the sum
    rows = form.tolist()
    if not all(isfinite(value) for row in rows for value in row):
        return False
    one, two, three = ([row[axis] for row in rows[:3]] for axis in range(3))
    alike = all(
        abs(hypot(*edge) - size) <= AFFINE_ROUNDING * size
        for edge, size in zip((one, two, three), spacing[::-1], strict=True)
    )
    return alike and abs(_signed_volume(one, two, three)) > FLATTEST * prod(spacing)


def _signed_volume(one: list[float], two: list[float], three: list[float]) -> float:
    """Volume between three edges, negative where they are left-handed."""
    return (
        one[0] * (two[1] * three[2] - two[2] * three[1])
        - one[1] * (two[0] * three[2] - two[2] * three[0])
        + one[2] * (two[0] * three[1] - two[1] * three[0])
    )


def _from_quaternion(geometry: Geometry) -> FloatMatrix:
    """The qform, by method 2 of the standard."""
    b, c, d, *offset = (float(value) for value in geometry.quaternion)
    length = b * b + c * c + d * d
    # as the standard's own code: a rotation by 180 degrees, with rounding
    a, scale = (0.0, 1.0 / np.sqrt(length)) if 1.0 - length < 1e-7 else (np.sqrt(1.0 - length), 1.0)
    b, c, d = b * scale, c * scale, d * scale
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handedness, *lengths = geometry.pixdim[:4]
    form = np.eye(4)
    form[:3, :3] = rotation * np.abs(lengths) * (1.0, 1.0, -1.0 if handedness < 0 else 1.0)
    form[:3, 3] = offset
    return form


def _voxel_transforms(grid: Geometry, other: Geometry) -> list[FloatMatrix]:
    """From voxels of ``other`` to voxels of ``grid``, by each form that both have, or by the best form of each."""
    of_grid, of_other = affines(grid), affines(other)
    common = [name for name in of_grid if name in of_other]
    pairs = [(of_grid[name], of_other[name]) for name in common]
    if not pairs and of_grid and of_other:
        pairs = [(next(iter(of_grid.values())), next(iter(of_other.values())))]
    return [np.asarray(np.linalg.solve(one, two), dtype=np.float64) for one, two in pairs]


def _whole_voxel_placement(matrix: FloatMatrix, shape: tuple[int, int, int]) -> Placement | None:
    """The placement nearest to a relation, or ``None`` where it is off by more than :data:`ROUNDING` voxels."""
    turn, offset = _nearest_placement(matrix, shape)
    if not np.array_equal(np.abs(turn).sum(axis=0), np.ones(3)) or not np.array_equal(
        np.abs(turn).sum(axis=1), np.ones(3)
    ):
        return None
    if np.abs(_corners(shape) @ (matrix[:3, :3] - turn).T + matrix[:3, 3] - offset).max() > ROUNDING:
        return None
    along = np.abs(turn).argmax(axis=1)
    signs = turn[np.arange(3), along]
    sizes = np.array(shape[::-1])[along]
    # against the grid, the first voxel of the flipped image is the last one of the stored image
    first = offset - np.where(signs < 0, sizes - 1, 0)
    # NIfTI's axes are columns, rows, slices; arrays have them reversed
    axes, flipped, shift = (
        [row[at] for at in (2, 1, 0)] for row in ((2 - along).tolist(), (signs < 0).tolist(), first.tolist())
    )
    return Placement(
        (int(axes[0]), int(axes[1]), int(axes[2])),
        (bool(flipped[0]), bool(flipped[1]), bool(flipped[2])),
        (int(shift[0]), int(shift[1]), int(shift[2])),
    )


def _nearest_placement(matrix: FloatMatrix, shape: tuple[int, int, int]) -> tuple[FloatMatrix, FloatMatrix]:
    """Quarter turns nearest to a relation, and the whole-voxel offset that fits the middle of the image."""
    turn = np.rint(matrix[:3, :3])
    middle = (np.array(shape[::-1]) - 1) / 2
    return turn, np.rint(matrix[:3, 3] + (matrix[:3, :3] - turn) @ middle)


def _largest_corner_error(matrix: FloatMatrix, shape: tuple[int, int, int]) -> float:
    """Voxels by which a corner misses the nearest whole placement."""
    turn, offset = _nearest_placement(matrix, shape)
    return float(np.abs(_corners(shape) @ (matrix[:3, :3] - turn).T + matrix[:3, 3] - offset).max())


def _corners(shape: tuple[int, int, int]) -> FloatMatrix:
    return np.array(list(product(*((0.0, size - 1.0) for size in shape[::-1]))))


def _overlap(size: int, shift: int) -> tuple[slice, slice]:
    """Along one axis of equal sizes: where something shifted lands, and which part of it does."""
    if shift >= 0:
        return slice(min(shift, size), size), slice(0, max(size - shift, 0))
    return slice(0, max(size + shift, 0)), slice(min(-shift, size), size)


def _check_shape(grid: Geometry, other: Geometry, placement: Placement, names: tuple[str, str]) -> None:
    shape = tuple(other.shape[axis] for axis in placement.axes)
    if grid.shape != shape:
        raise InvalidScanError(
            "scan", f"the {names[0]} has shape {grid.shape}, the {names[1]} {shape}", "the same shape for both"
        )


def _check_same_spacing(grid: Geometry, other: Geometry, names: tuple[str, str]) -> None:
    _check_shape(grid, other, Placement(), names)
    if not np.allclose(grid.spacing, other.spacing, rtol=SPACING_ROUNDING, atol=0):
        one, two = (" x ".join(f"{each:.6g}" for each in of.spacing) for of in (grid, other))
        raise InvalidScanError(
            "scan", f"the {names[0]} has spacing {one} mm, the {names[1]} {two} mm", "the same spacing for both"
        )
