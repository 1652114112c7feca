"""Filled contours against areas known from arithmetic, and against the images that an expert drew them on."""

import csv

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.sources.contours import (
    MOST_POINTS,
    checked_contour,
    coverage,
    crosses_itself,
    fill,
    is_open,
    mask_from_coverage,
    reaches_outside,
    read_points,
)

SHAPE = (90, 70)
CENTER, SEMI_AXES = np.array([30.5, 50.25]), np.array([20.0, 12.0])
ELLIPSE_AREA = np.pi * 20 * 12
TRIANGLE = np.array([[10.0, 10.0], [20.0, 10.0], [15.0, 22.0]])
EIGHT = np.array([[10.0, 10.0], [30.0, 30.0], [30.0, 10.0], [10.0, 30.0]])

on_the_grid = st.integers(0, 200).map(lambda quarters: quarters / 4)
polygons = st.lists(st.tuples(on_the_grid, on_the_grid), min_size=3, max_size=12).map(np.array)


def ellipse(points=400, resolution=4):
    """As cvi42 stores it: whole numbers on a finer grid, divided by its resolution."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    outline = CENTER + SEMI_AXES * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return np.rint(outline * resolution) / resolution


def shoelace(points):
    x, y = points.T
    return abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def centroid(mask):
    y, x = np.nonzero(mask)
    return np.array([x.mean(), y.mean()])


@pytest.mark.parametrize("points", [60, 100, 200, 360, 400, 1000])
def test_an_ellipse_has_its_area_and_its_place(points):
    mask = fill(ellipse(points), SHAPE)

    assert mask.sum() == pytest.approx(ELLIPSE_AREA, rel=0.005)
    assert centroid(mask) == pytest.approx(CENTER, abs=0.05)


def test_x_runs_along_the_columns_and_y_along_the_rows():
    mask = fill(ellipse(), SHAPE)

    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    # 50.25 +- 12, of which row 38 has a quarter, and 30.5 +- 20
    assert (rows[0], rows[-1]) == (39, 62)
    assert (columns[0], columns[-1]) == (11, 50)


def test_shares_are_those_of_the_ellipse_that_was_sampled():
    y, x = (np.mgrid[: SHAPE[0] * 20, : SHAPE[1] * 20] + 0.5) / 20 - 0.5
    inside = ((x - CENTER[0]) / SEMI_AXES[0]) ** 2 + ((y - CENTER[1]) / SEMI_AXES[1]) ** 2 <= 1
    expected = inside.reshape(SHAPE[0], 20, SHAPE[1], 20).mean(axis=(1, 3))

    # nothing is rounded on so fine a grid; four lines a pixel see its upper and lower ends less exactly than its sides
    difference = np.abs(coverage(ellipse(1000, 16_384), SHAPE) - expected)
    assert difference.max() < 0.07
    assert difference.mean() < 0.002


def test_a_pixel_reaches_half_a_pixel_to_each_side_of_its_whole_number():
    square = np.array([[1.5, 2.5], [4.5, 2.5], [4.5, 4.5], [1.5, 4.5]])

    assert np.argwhere(fill(square, (8, 8))).tolist() == [[3, 2], [3, 3], [3, 4], [4, 2], [4, 3], [4, 4]]


@given(st.tuples(*[st.tuples(on_the_grid, on_the_grid)] * 3).map(np.array))
def test_the_area_is_that_of_the_shoelace_formula(triangle):
    area = shoelace(triangle)

    assert coverage(triangle, (60, 60)).sum() == pytest.approx(area, abs=1e-5)
    assert fill(triangle, (60, 60)).sum() == pytest.approx(area, abs=0.5 + 1e-5)


@given(polygons, st.integers(0, 30), st.integers(0, 30))
def test_whole_pixels_move_the_mask_and_change_nothing(points, right, down):
    here, there = (fill(points + shift, (100, 100)) for shift in ((0, 0), (right, down)))

    assert (there == np.roll(here, (down, right), axis=(0, 1))).all()


@given(polygons, st.integers(0, 11))
def test_neither_direction_nor_first_point_matters(points, first):
    mask = fill(points, SHAPE)

    assert (fill(points[::-1], SHAPE) == mask).all()
    assert (fill(np.roll(points, first, axis=0), SHAPE) == mask).all()


@settings(max_examples=30)
@given(polygons, st.integers(-20, 20), st.integers(-20, 20))
def test_what_lies_outside_the_image_is_cut_off(points, right, down):
    whole = coverage(points + 40, (140, 140))

    assert (coverage(points - (right, down), (30, 25)) == whole[40 + down : 70 + down, 40 + right : 65 + right]).all()


@pytest.mark.parametrize("points", [TRIANGLE - 500, TRIANGLE + 500, TRIANGLE * [1, -1], TRIANGLE[:2], TRIANGLE[:1]])
def test_encloses_nothing_outside_the_image_or_with_fewer_than_three_points(points):
    assert not fill(points, SHAPE).any()
    assert not crosses_itself(points, SHAPE)


@given(st.integers(0, 2**32 - 1))
def test_a_mask_has_the_area_of_its_shares_and_takes_the_largest(seed):
    shares = np.random.default_rng(seed).uniform(size=(6, 9)).round(1)

    mask = mask_from_coverage(shares)

    assert mask.sum() == np.rint(shares.sum())
    assert shares[mask].min() >= shares[~mask].max()


def test_both_halves_of_an_eight_are_filled_and_it_is_told():
    mask = fill(EIGHT, (40, 40))

    assert mask.sum() == pytest.approx(200, abs=1)
    assert crosses_itself(EIGHT, (40, 40))


def test_a_part_that_is_gone_around_twice_is_filled_once_and_told():
    angle = np.linspace(0, 2 * np.pi * 1.25, 100)
    overdrawn = 30 + 10 * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    assert crosses_itself(overdrawn, SHAPE)
    assert crosses_itself(overdrawn[::-1], SHAPE)
    assert fill(overdrawn, SHAPE).sum() == pytest.approx(np.pi * 100, rel=0.02)


@given(st.lists(st.floats(4.0, 25.0), min_size=3, max_size=20), st.booleans())
def test_a_contour_around_a_point_does_not_cross_itself(radii, backwards):
    angle = np.linspace(0, 2 * np.pi, len(radii), endpoint=False)
    star = 30 + np.array(radii)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    assert not crosses_itself(star[::-1] if backwards else star, (60, 60))


@given(polygons)
def test_what_goes_around_every_part_once_has_the_area_of_the_shoelace_formula(points):
    assume(not crosses_itself(points, (60, 60)))

    assert coverage(points, (60, 60)).sum() == pytest.approx(shoelace(points), abs=1.0)


def test_is_open_where_the_ends_lie_apart():
    outline = ellipse()

    assert not is_open(outline)
    assert not is_open(TRIANGLE)
    assert not is_open(outline[:1])
    assert is_open(outline[:350])
    assert not is_open(np.concatenate([outline[:350], outline[:1]]))


def test_leaves_the_image_beyond_the_edge_of_its_last_pixel():
    assert not reaches_outside(np.array([[-0.5, -0.5], [69.5, 89.5], [10.0, 0.0]]), SHAPE)
    assert reaches_outside(np.array([[0.0, 0.0], [69.75, 0.0], [0.0, 10.0]]), SHAPE)
    assert reaches_outside(np.array([[0.0, -0.75], [60.0, 0.0], [0.0, 10.0]]), SHAPE)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
def test_refuses_coordinates_that_are_nowhere(value):
    points = TRIANGLE.copy()
    points[1, 0] = value

    with pytest.raises(InvalidScanError, match=r"not finite, or far outside every image; 3 to 5000 points"):
        fill(points, SHAPE)


def test_refuses_more_points_than_memory_is_kept_for():
    with pytest.raises(InvalidScanError, match=r"5001 points"):
        checked_contour(np.zeros((MOST_POINTS + 1, 2)))


def test_reads_points_that_count_from_one():
    assert read_points("147.50 129.50\r\n147.50 130.00\n\n 147 131.5 \n").tolist() == [
        [146.5, 128.5],
        [146.5, 129.0],
        [146.0, 130.5],
    ]


@pytest.mark.parametrize(
    "text", ["", "1 2\n3 4\n", "1 2\n3 4\n5\n", "1 2 3\n4 5 6\n7 8 9\n", "1 2\n3 Doe\n5 6\n", "1 2\n3 nan\n5 6\n"]
)
def test_refuses_text_that_is_no_contour_and_does_not_quote_it(text):
    with pytest.raises(InvalidScanError, match=r"a contour has .*; 3 to 5000 points") as error:
        read_points(text)

    assert "Doe" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.fixture(scope="session")
def sunnybrook_root(project_root):
    """Images and contours of the Sunnybrook Cardiac Data."""
    root = project_root.parent / "shared" / "data" / "sunnybrook"
    if not root.is_dir():
        pytest.skip("Sunnybrook lies elsewhere: expected beside the repository, in shared/data/sunnybrook")
    return root


@pytest.fixture(scope="session")
def drawn_images(sunnybrook_root):
    """Image, pixel area in mm2, endocardium, and epicardium (``None`` at end systole)."""
    import pydicom

    link = csv.DictReader((sunnybrook_root / "link.csv").read_text().splitlines())
    drawn = []
    for row in link:
        folder = sunnybrook_root / "contourfiles" / row["original_id"]
        for path in sorted(folder.glob("i-contours/*.txt")):
            number = path.name.split("-")[2]
            image = sunnybrook_root / "contoured" / row["patient_id"] / f"{int(number)}.dcm"
            outer = folder / "o-contours" / path.name.replace("icontour", "ocontour")
            if image.is_file():
                read = pydicom.dcmread(image)
                contours = [read_points(file.read_text()) if file.is_file() else None for file in (path, outer)]
                drawn.append((read.pixel_array.astype(float), np.prod(read.PixelSpacing), *contours))
    return drawn


def test_real_contours_are_whole(drawn_images):
    contours = [contour for _, _, *both in drawn_images for contour in both if contour is not None]

    assert len(contours) == 76 + 36
    assert not any(is_open(contour) or reaches_outside(contour, (256, 256)) for contour in contours)
    assert not any(crosses_itself(contour, (256, 256)) for contour in contours)


def test_real_endocardia_lie_inside_their_epicardia(drawn_images):
    pairs = [(inner, outer) for _, _, inner, outer in drawn_images if outer is not None]

    outside = [np.maximum(coverage(i, (256, 256)) - coverage(o, (256, 256)), 0).sum() for i, o in pairs]

    # the epicardia of SC-HF-I-6, the last in the list, are those of SC-HF-I-1, file by file: 9 images of another heart
    assert max(outside[:-9]) < 4
    assert min(outside[-9:]) > 200


def test_real_blood_pools_are_of_the_size_of_hearts_and_brighter_than_their_wall(drawn_images):
    for image, pixel, inner, outer in drawn_images:
        pool = fill(inner, image.shape)
        # a cavity of 5 to 90 mm in diameter
        assert 20 < pool.sum() * pixel < 6400
        if outer is not None:
            wall = fill(outer, image.shape) & ~pool
            assert wall.sum() * pixel > 300
            assert image[pool].mean() > image[wall].mean()


def step_of_intensity(image, points):
    """How much brighter it is a pixel inside of a contour than a pixel outside, in standard deviations."""
    along = np.roll(points, -8, axis=0) - np.roll(points, 8, axis=0)
    outward = along[:, ::-1] * (1, -1)
    outward *= np.sign(((points - points.mean(axis=0)) * outward).sum(axis=1, keepdims=True))
    outward /= np.linalg.norm(outward, axis=1, keepdims=True) + 1e-9
    inside, outside = (
        image[tuple(np.rint(points + side * outward).astype(int).T[::-1])].mean() for side in (-1.0, 1.0)
    )
    return (inside - outside) / image.std()


def test_real_contours_follow_the_endocardium_best_where_they_are_read(drawn_images):
    shifts = [(x, y) for x in (-1, -0.5, 0, 0.5, 1) for y in (-1, -0.5, 0, 0.5, 1)]

    steps = [
        np.mean([step_of_intensity(image, inner + shift) for image, _, inner, _ in drawn_images]) for shift in shifts
    ]

    assert shifts[int(np.argmax(steps))] == (0, 0)
