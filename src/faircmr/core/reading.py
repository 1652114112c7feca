"""What is believed of the headers of scans: limits of size and spacing, and whether they place voxels in space."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from faircmr.core.errors import InvalidScanError
from faircmr.core.parameters import Parameters

LIMIT_ROUNDING = 1e-3
"""Relative excess over a limit that is rounding: headers hold 32-bit floats, some converted from another unit."""
MOST_VOXELS = 2**25
"""Voxels of one scan, as stored and as resampled: 512 x 512 x 128, several times what a stack of a heart has.
Measured for a scan of that size with its label, 16 bits and compressed: reading adds 0.60 GiB, preprocessing makes it
0.74 GiB; a file of 64-bit noise adds its own 0.25 GiB."""
Millimetres = Annotated[float, Field(gt=0.0, le=1000.0)]


def _divided(value: object) -> object:
    # --params can write no list: reading.spacing_in_plane=0.3+5
    return tuple(value.split("+")) if isinstance(value, str) else value


def _ordered(limits: tuple[float, float]) -> tuple[float, float]:
    if limits[0] > limits[1]:
        raise ValueError(f"the lower limit {limits[0]:g} is above the upper limit {limits[1]:g}")
    return limits


Limits = Annotated[tuple[Millimetres, Millimetres], BeforeValidator(_divided), AfterValidator(_ordered)]


class ReadingParameters(Parameters):
    """How scans and masks are read, whatever their source.

    Attributes:
        spacing_in_plane: Smallest and largest spacing of rows and of columns, mm. Cine short-axis images have 0.6 to
            3; what is outside the limits has a wrong header, or is another kind of image. In --params ``0.3+5``.
        spacing_between_slices: Smallest and largest spacing of slices, mm; of short-axis stacks usually 5 to 13.
        grids: ``header``: a label (or prediction) is put on the grid of its image (or reference) by what both headers
            say, and refused where that takes more than flips, swapped axes and whole voxels. ``array``: the headers
            are wrong and voxels correspond by their place in the file; only shape and spacing are compared.
    """

    spacing_in_plane: Limits = (0.3, 5.0)
    spacing_between_slices: Limits = (1.0, 25.0)
    grids: Literal["header", "array"] = "header"

    def check_spacing(self, spacing: tuple[float, float, float], what: str) -> None:
        """Refuse a spacing that no short-axis image has.

        Args:
            spacing: Of slices, rows and columns, mm.
            what: What the error calls the image.

        Raises:
            InvalidScanError: It is outside the limits.
        """
        of_slices, *in_plane = spacing
        if _within(of_slices, self.spacing_between_slices) and all(
            _within(each, self.spacing_in_plane) for each in in_plane
        ):
            return
        plane, slices = (
            f"{low:g} to {high:g} mm" for low, high in (self.spacing_in_plane, self.spacing_between_slices)
        )
        raise InvalidScanError(
            "scan",
            f"the {what} has a spacing of {' x '.join(f'{each:.4g}' for each in spacing)} mm (slices, rows, columns)",
            f"{plane} in plane and {slices} between slices",
            "correct pixdim and the unit (xyzt_units) in its header, or save it with slices as the third axis, or set "
            "reading.spacing_in_plane and reading.spacing_between_slices",
        )


DEFAULT_READING = ReadingParameters()


def check_voxels(shape: tuple[int, ...], what: str) -> None:
    """Refuse more voxels than are ever held at once, before memory is taken for them.

    Args:
        shape: Of the image.
        what: What the error calls it.

    Raises:
        InvalidScanError: There are more than :data:`MOST_VOXELS`.
    """
    voxels = prod(map(int, shape))
    if voxels > MOST_VOXELS:
        raise InvalidScanError("scan", f"the {what} has {voxels} voxels", f"at most {MOST_VOXELS} in a volume")


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] * (1.0 - LIMIT_ROUNDING) <= value <= limits[1] * (1.0 + LIMIT_ROUNDING)
