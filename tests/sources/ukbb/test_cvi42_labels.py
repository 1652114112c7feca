"""Label images from manual contours: what covers what, which frames are taken, and what is told of odd contours."""

import numpy as np
import pytest

from faircmr.core import InvalidScanError
from faircmr.core.scans import Phase, Structure
from faircmr.sources.ukbb.cvi42 import draw_labels, read_workspace
from tests.sources.ukbb.workspaces import OBSERVER, drawn, ellipse

SHAPE = (90, 70)
UIDS = np.array([[f"1.2.826.{index}.{frame}" for frame in range(5)] for index in range(3)])


def heart(size=1.0, **replaced):
    """Contours of one slice: the right ventricle reaches under the left one; each is left out where it is ``None``."""
    outlines = {
        "saendocardialContour": ellipse((30.5, 50.25), (16 * size, 10 * size)),
        "saepicardialContour": ellipse((30.5, 50.25), (22 * size, 15 * size)),
        "sarvendocardialContour": ellipse((45.25, 50.0), (18 * size, 8 * size)),
    }
    return {name: points for name, points in {**outlines, **replaced}.items() if points is not None}


def draw(frames, uids=UIDS):
    """Draw contours by (slice, frame)."""
    content = drawn({f"1.2.826.{index}.{frame}": named for (index, frame), named in frames.items()})
    return draw_labels(read_workspace(content), uids, SHAPE)


def refusal(frames, uids=UIDS):
    with pytest.raises(InvalidScanError) as error:
        draw(frames, uids)
    assert "1.2.826" not in str(error.value)
    assert OBSERVER not in str(error.value)
    return str(error.value)


def test_the_endocardium_covers_the_epicardium_and_that_the_right_ventricle():
    label = draw({(1, 0): heart(), (1, 3): heart(0.8)}).labels[Phase.ED]

    assert label.dtype == np.uint8
    assert label.shape == (3, *SHAPE)
    # the row of the centre: myocardium from 8.5, blood from 14.5, myocardium from 46.5, right ventricle 52.5 to 63.25
    expected = [0] * 9 + [Structure.LVM] * 6 + [Structure.LVBP] * 32 + [Structure.LVM] * 6 + [Structure.RVBP] * 11
    assert label[1, 50].tolist() == [*expected, *[0] * (70 - len(expected))]
    assert not label[[0, 2]].any()


def test_areas_are_those_of_the_contours():
    label = draw({(1, 0): heart(), (1, 3): heart(0.8)}).labels

    # ellipses at end diastole and, four fifths as wide and high, at end systole
    for phase, scale in ((Phase.ED, 1.0), (Phase.ES, 0.64)):
        pool, wall = ((label[phase] == structure).sum() for structure in (Structure.LVBP, Structure.LVM))
        assert pool == pytest.approx(scale * np.pi * 16 * 10, rel=0.005)
        assert pool + wall == pytest.approx(scale * np.pi * 22 * 15, rel=0.005)


def test_end_systole_is_the_other_frame_that_is_annotated():
    found = draw({(1, 0): heart(0.8), (1, 3): heart()})

    assert (found.ed, found.es) == (0, 3)
    assert found.problems == ()


def test_of_several_frames_the_one_with_the_smallest_area_is_end_systole():
    found = draw({(1, 0): heart(), (1, 1): heart(0.9), (1, 2): heart(0.7), (1, 4): heart(0.8)})

    assert found.es == 2
    assert found.problems == (
        "frames annotated beside end diastole, of which the one with the smallest area is taken: 3",
    )


@pytest.mark.parametrize("name", heart())
def test_leaves_out_a_frame_that_lacks_a_structure_and_says_so(name):
    found = draw({(1, 0): heart(), (1, 2): heart(0.5, **{name: None}), (1, 4): heart(0.8)})

    assert found.es == 4
    assert found.problems == ("annotated frames left out because they lack a structure: 1",)


def test_a_slice_may_lack_what_another_has():
    basal, apical = heart(saendocardialContour=None, saepicardialContour=None), heart(sarvendocardialContour=None)

    found = draw({(index, frame): named for frame in (0, 3) for index, named in enumerate((basal, heart(), apical))})

    assert found.problems == ()
    assert [set(np.unique(plane)) for plane in found.labels[Phase.ED]] == [{0, 3}, {0, 1, 2, 3}, {0, 1, 2}]


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        ({(1, 2): heart(), (1, 3): heart()}, "the first frame, end diastole, has no contours"),
        ({(1, 0): heart()}, r"no frame but the first has every structure (0 incomplete)"),
        ({(1, 0): heart(saepicardialContour=None), (1, 3): heart()}, "end diastole lacks a structure; all of LVBP"),
        ({(1, 0): heart(), (1, 3): heart(saendocardialContour=None)}, "every structure (1 incomplete)"),
        ({(1, 7): heart(), (9, 0): heart()}, "none of 2 contoured images is among the short-axis images"),
    ],
)
def test_refuses_what_gives_no_two_phases(frames, reason):
    assert reason in refusal(frames)


BOTH = ((1, 0), (1, 3))
UPPER_HALF = ellipse((30.5, 50.25), (16, 10))[:201]
EIGHT = [(60, 180), (180, 220), (180, 180), (60, 220)]


@pytest.mark.parametrize(
    ("contours", "problem"),
    [
        (heart(saendocardialContour=UPPER_HALF), "open contours, closed by a straight line: 2"),
        (
            heart(saepicardialContour=None, saepicardialOpenContour=ellipse((30.5, 50.25), (22, 15))),
            "open contours, closed by a straight line: 2",
        ),
        (heart(saendocardialContour=EIGHT), "contours that cross themselves: 2"),
        (heart(sarvendocardialContour=ellipse((60, 50), (18, 8))), "contours that leave the image: 2"),
        (heart(saendocardialContour=ellipse((40, 50), (16, 10))), "endocardia that cross their epicardium: 2"),
        (heart(saendocardialOpenContour=[(4, 4), (8, 8)]), "contours of fewer than 3 points, left out: 2"),
    ],
)
def test_tells_what_is_odd_about_contours_and_draws_them(contours, problem):
    found = draw(dict.fromkeys(BOTH, contours))

    assert found.problems == (problem,)
    assert set(np.unique(found.labels[Phase.ED])) == {0, *Structure}


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("saendocardialContour", "slices with an epicardium and no endocardium: 2"),
        ("saepicardialContour", "slices with an endocardium and no epicardium: 2"),
    ],
)
def test_tells_of_slices_with_half_a_wall(name, problem):
    half = heart(**{name: None})

    assert draw({(1, 0): heart(), (2, 0): half, (1, 3): heart(), (2, 3): half}).problems == (problem,)


def test_tells_of_slices_between_labelled_ones_and_of_images_that_are_not_there():
    found = draw({(index, frame): heart() for index in (0, 2, 8) for frame in (0, 3)})

    assert set(found.problems) == {
        "contoured images that are not among the short-axis images: 2",
        "unlabelled slices between labelled ones: 2",
    }


def test_tells_nothing_of_frames_that_are_not_used():
    found = draw({(1, 0): heart(), (1, 2): heart(saendocardialContour=UPPER_HALF), (1, 3): heart(0.5)})

    assert found.es == 3
    assert not any("open" in problem for problem in found.problems)


def test_takes_closed_and_open_contours_of_one_boundary_together():
    left, right = ellipse((20.0, 50.0), (4, 4)), ellipse((40.0, 50.0), (4, 4))
    contours = heart(saendocardialContour=left, saendocardialOpenContour=right)

    found = draw(dict.fromkeys(BOTH, contours))

    assert (found.labels[Phase.ED] == Structure.LVBP).sum() == pytest.approx(2 * np.pi * 16, abs=2)


def test_shows_nothing_of_the_person():
    found = draw(dict.fromkeys(BOTH, heart()))

    assert "1.2.826" not in repr(found)
    assert OBSERVER not in repr(found)
