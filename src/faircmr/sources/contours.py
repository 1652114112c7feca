"""Rasterise contours: masks of the pixels inside contours that an expert drew.

A contour is an array (points, 2) of x (along the columns) and y (along the rows) in pixels, closed from its last
point to its first. Pixel centres lie at whole numbers, the first at 0: ukbb_cardiac reads cvi42's coordinates so
(its label of a pixel is that of the point at the pixel's own index).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from faircmr.core import InvalidScanError

FloatArray = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Box = tuple[slice, slice]

FEWEST_POINTS = 3
MOST_POINTS = 5_000
"""Hand-drawn contours have some hundreds; the memory that filling takes grows with their number."""
FARTHEST = 1e5
"""Pixels from the origin: more than a DICOM image has (65,535)."""
OPEN_GAP = 2.0
"""Pixels between first and last point up to which every contour counts as closed."""
OPEN_STEPS = 2.0
"""Times the longest step between neighbours that this gap must exceed as well: some contours have few points."""
SHARE_DIGITS = 9
ROUNDING = 1e-6
FIRST_PIXEL = 1.0
"""Sunnybrook's files count pixels from 1, as MATLAB does (see :func:`read_points`)."""


def read_points(text: str) -> FloatArray:
    """Read a contour of the Sunnybrook Cardiac Data: one ``x y`` a line.

    Args:
        text: Content of the file. Its coordinates count from 1; no document says so, but the images do: the step
            of intensity across the 76 endocardial contours that come with images is greatest where all of them
            are moved by (-1, -1) pixels.

    Returns:
        Contour in this module's coordinates, which count from 0.

    Raises:
        InvalidScanError: A line is not two finite numbers, or there are fewer than 3.
    """
    rows = [line.split() for line in text.splitlines() if line.strip()]
    try:
        points = np.array(rows, dtype=np.float64)
    except ValueError:
        # NumPy quotes what it cannot read
        raise _unreadable_error("a line that is not two numbers") from None
    if len(points) < FEWEST_POINTS:
        raise _unreadable_error(f"{len(points)} points")
    return checked_contour(points - FIRST_PIXEL)


def checked_contour(points: FloatArray) -> FloatArray:
    """The contour as it is, once nothing in it can harm the arithmetic; fewer than 3 points enclose nothing.

    Raises:
        InvalidScanError: It is no array (points, 2), has too many points, or a coordinate is not finite or too far.
    """
    if points.ndim != 2 or points.shape[1] != 2:
        raise _unreadable_error("a line that is not two numbers")
    if len(points) > MOST_POINTS:
        raise _unreadable_error(f"{len(points)} points")
    # NaN fails this comparison too
    if not (np.abs(points) <= FARTHEST).all():
        raise _unreadable_error("coordinates that are not finite, or far outside every image")
    return points


def coverage(points: FloatArray, shape: tuple[int, int], oversampling: int = 4) -> FloatArray:
    """Share of each pixel that lies inside a contour.

    Args:
        points: The contour, in either direction; what reaches over the edge of the image is cut off.
        shape: Rows and columns of the image.
        oversampling: Lines a row of pixels; along each line shares are exact. cvi42 draws on a grid four times as
            fine as the image: between the lines of this grid contours are straight, and areas are exact.

    Returns:
        Shares in 0..1 of this shape. Where a contour crosses itself, every part that it goes around is inside.

    Raises:
        InvalidScanError: As :func:`checked_contour`.
    """
    box = _bounding_box(checked_contour(points), shape)
    inside = np.minimum(np.abs(_winding_numbers(points, box, oversampling)), 1.0)
    shares = np.zeros(shape)
    # rounded, so that the direction of a contour and its place in the image do not show in the last bits
    rows, columns = shares[box].shape
    shares[box] = inside.reshape(rows, oversampling, columns).mean(axis=1).round(SHARE_DIGITS)
    return shares


def mask_from_coverage(shares: FloatArray) -> Mask:
    """As many pixels as the shares add up to, those with the largest shares: about half of each, or more, is inside.

    Taking every pixel that is half inside would not do: by chance of where the outline falls its area is off by
    0.4 % (standard deviation, ventricles of 8 to 25 pixels semi-axis), and by 0.3 % too large, because on cvi42's grid
    exact halves are common. This way it is off by half a pixel at most. Of equal shares the upper left ones are taken.

    Args:
        shares: As :func:`coverage` gives them.
    """
    count = int(np.rint(shares.sum()))
    mask = np.zeros(shares.shape, dtype=np.bool_)
    mask.flat[np.argsort(-shares, axis=None, kind="stable")[:count]] = True
    return mask


def fill(points: FloatArray, shape: tuple[int, int], oversampling: int = 4) -> Mask:
    """Pixels inside a contour, with its area to half a pixel.

    Filling pixel by pixel, outline included, over-estimates volumes by 5 to 10 % (ukbb_cardiac, ``biobank_utils.py``,
    which fills a grid four times as fine for this reason).

    Arguments and errors are those of :func:`coverage`.
    """
    return mask_from_coverage(coverage(points, shape, oversampling))


def crosses_itself(points: FloatArray, shape: tuple[int, int], oversampling: int = 4) -> bool:
    """Whether a contour goes around some part of the image twice, or around one part left and another right.

    A loop that lies in part of one pixel may not be seen. Arguments and errors are those of :func:`coverage`.
    """
    turns = _winding_numbers(points, _bounding_box(checked_contour(points), shape), oversampling)
    least, most = turns.min(initial=0.0), turns.max(initial=0.0)
    return bool(max(most, -least) > 1 + ROUNDING or min(most, -least) > ROUNDING)


def is_open(points: FloatArray) -> bool:
    """Whether the ends of a contour, of at least 1 point, lie apart: by over 2 pixels, and twice its longest step."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    gap = float(np.hypot(*(points[-1] - points[0])))
    return gap > max(OPEN_GAP, OPEN_STEPS * float(steps.max(initial=0.0)))


def reaches_outside(points: FloatArray, shape: tuple[int, int]) -> bool:
    """Whether a contour reaches over the edge of an image of this many rows and columns."""
    rows, columns = shape
    return bool((points < -0.5).any() or (points > np.array([columns, rows]) - 0.5).any())


def _bounding_box(points: FloatArray, shape: tuple[int, int]) -> Box:
    """Rows and columns of the image that a contour can touch."""
    (left, top), (right, bottom) = np.rint(points.min(axis=0)), np.rint(points.max(axis=0))
    rows, columns = (
        slice(int(np.clip(first, 0, size)), int(np.clip(last + 1, 0, size)))
        for first, last, size in zip((top, left), (bottom, right), shape, strict=True)
    )
    return rows, columns


def _winding_numbers(points: FloatArray, box: Box, oversampling: int) -> FloatArray:
    """How often a contour goes around each piece of a line, one pixel long; the sign is its direction.

    Each line is walked from the left, and each edge of the contour that it meets adds a turn or takes one.

    Returns:
        Shape (lines, columns of the box), the mean over each piece.
    """
    # whole pixels are taken away first, which is exact
    x, y = (points - np.array([box[1].start, box[0].start]) + 0.5).T
    # the lines lie at whole numbers
    y = y * oversampling - 0.5
    next_x, next_y = np.roll(x, -1), np.roll(y, -1)
    rows, columns = (extent.stop - extent.start for extent in box)
    lines = np.arange(rows * oversampling)[:, None]
    starts_above = y <= lines
    line, edge = np.nonzero(starts_above != (next_y <= lines))
    along = (line - y[edge]) / (next_y[edge] - y[edge])
    crossing = np.clip(x[edge] + along * (next_x[edge] - x[edge]), 0, columns)
    column = crossing.astype(np.int64)
    turn = np.where(starts_above[line, edge], 1.0, -1.0)
    steps = np.zeros((len(lines), columns + 2))
    # of the pixel that it meets, an edge has the part to its right; of those after, all
    np.add.at(steps, (line, column), turn * (column + 1 - crossing))
    np.add.at(steps, (line, column + 1), turn * (crossing - column))
    turns: FloatArray = steps.cumsum(axis=1)[:, :columns]
    return turns


def _unreadable_error(found: str) -> InvalidScanError:
    return InvalidScanError(
        "scan",
        f"a contour has {found}",
        f"{FEWEST_POINTS} to {MOST_POINTS} points, each two finite numbers, in pixels",
        "draw or export the contour again",
    )
