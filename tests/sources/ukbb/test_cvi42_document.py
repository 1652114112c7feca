"""Workspaces of cvi42: what is read, and what is refused without a word of what stands in it."""

import traceback

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.sources.ukbb import cvi42 as document
from faircmr.sources.ukbb.cvi42 import Boundary, read_workspace
from tests.sources.ukbb.workspaces import OBSERVER, contour, drawn, ellipse, image, item, workspace

TRIANGLE = [(40, 20), (80, 21), (60, 62)]
WHOLE = drawn({"1.2.826.1": {"saendocardialContour": TRIANGLE}})


def refusal(content):
    with pytest.raises(InvalidScanError) as error:
        read_workspace(content)
    told = "".join(traceback.format_exception(error.value))
    assert OBSERVER not in told
    assert "1.2.826" not in told
    assert error.value.offender == "scan"
    return str(error.value)


def test_divides_x_and_y_by_the_resolution_of_each_contour():
    first = contour("saendocardialContour", TRIANGLE, resolution=4)
    second = contour("sarvendocardialContour", TRIANGLE, resolution=2)

    endo, right = read_workspace(workspace(image("1.2.826.1", first, second))).contours["1.2.826.1"]

    assert endo.points.tolist() == [[10.0, 5.0], [20.0, 5.25], [15.0, 15.5]]
    assert right.points.tolist() == [[20.0, 10.0], [40.0, 10.5], [30.0, 31.0]]


@pytest.mark.parametrize(
    ("name", "boundary", "drawn_open"),
    [
        ("saendocardialContour", Boundary.ENDOCARDIUM, False),
        ("saepicardialContour", Boundary.EPICARDIUM, False),
        ("sarvendocardialContour", Boundary.RV_ENDOCARDIUM, False),
        ("saendocardialOpenContour", Boundary.ENDOCARDIUM, True),
        ("saepicardialOpenContour", Boundary.EPICARDIUM, True),
        ("sarvendocardialOpenContour", Boundary.RV_ENDOCARDIUM, True),
    ],
)
def test_knows_what_a_contour_follows_by_its_name(name, boundary, drawn_open):
    (found,) = read_workspace(drawn({"1": {name: TRIANGLE}})).contours["1"]

    assert (found.boundary, found.drawn_open) == (boundary, drawn_open)


def test_passes_over_other_contours_and_those_without_points():
    content = drawn(
        {
            "1": {"sapapilMuscContour": TRIANGLE, "saepicardialContour": [], "saendocardialContour": TRIANGLE},
            "2": {"laendocardialContour": TRIANGLE},
            "3": {"saepicardialContour": []},
        }
    )

    annotation = read_workspace(content)

    assert {uid: len(contours) for uid, contours in annotation.contours.items()} == {"1": 1}
    assert annotation.contours["1"][0].points.shape == (3, 2)


def test_does_not_mix_contours_that_belong_to_no_image_with_those_that_do():
    stray = item("Presets", item("Contours", contour("saendocardialContour", [(0, 0)] * 5)))
    content = workspace(image("1", contour("saepicardialContour", TRIANGLE)))
    before_the_images = content.replace(b"<Hash:item", stray.encode() + b"<Hash:item", 1)

    annotation = read_workspace(before_the_images)

    assert {uid: [len(found.points) for found in named] for uid, named in annotation.contours.items()} == {"1": [3]}


def test_gives_the_observer_to_the_caller_and_to_nobody_else():
    annotation = read_workspace(WHOLE)

    assert annotation.observer == OBSERVER
    assert OBSERVER not in repr(annotation)
    assert "1.2.826" not in repr(annotation)
    assert read_workspace(WHOLE.replace(OBSERVER.encode(), b" ")).observer is None


def test_reads_a_workspace_whatever_its_prefixes_and_encoding():
    text = WHOLE.decode()
    other_prefixes = text.replace("Hash:", "h:").replace("xmlns:Hash", "xmlns:h").encode()
    utf_16 = text.replace("UTF-8", "UTF-16").encode("utf-16")

    for content in (other_prefixes, utf_16):
        (found,) = read_workspace(content).contours["1.2.826.1"]
        assert found.points.tolist() == [[10.0, 5.0], [20.0, 5.25], [15.0, 15.5]]


ENTITIES = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
EXTERNAL = '<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
EXTERNAL_SUBSET = '<!DOCTYPE w SYSTEM "http://localhost/w.dtd">'


@pytest.mark.parametrize("declaration", [ENTITIES, EXTERNAL, EXTERNAL_SUBSET, "<!DOCTYPE w>"])
def test_refuses_a_document_type_and_with_it_every_entity(declaration):
    content = WHOLE.replace(b"?>", b"?>" + declaration.encode(), 1).replace(
        b"Jane", b"Jane &b;" if "&" in declaration else b"Jane"
    )

    assert "declares a document type" in refusal(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04",
        WHOLE[: len(WHOLE) // 2],
        WHOLE + WHOLE,
        WHOLE.replace(b"Jane", b"Jane &nobody;"),
        WHOLE.replace(b"Jane", b"J\xe4ne"),
        WHOLE.replace(b"UTF-8", b"klingon"),
        WHOLE.replace(b"UTF-8", b"utf-7"),
        WHOLE.replace(b"xmlns:Hash", b"xmlns:Hush"),
        WHOLE.replace(b">40<", b">forty<"),
        WHOLE.replace(b">40<", b"><"),
        WHOLE.replace(b">4</Hash:item>", b">four</Hash:item>"),
    ],
)
def test_refuses_what_is_damaged(content):
    assert content != WHOLE
    assert "is damaged" in refusal(content)


@pytest.mark.parametrize("coordinate", [b"nan", b"inf", b"-1e300", b"1e5000"])
def test_refuses_coordinates_that_are_nowhere(coordinate):
    assert "not finite, or far outside every image" in refusal(WHOLE.replace(b">40<", b">" + coordinate + b"<"))


@pytest.mark.parametrize("resolution", ["", "0", "-4", "nan", "inf"])
def test_refuses_a_contour_without_a_resolution(resolution):
    content = workspace(image("1.2.826.1", contour("saendocardialContour", TRIANGLE, resolution)))

    assert "a contour has no resolution" in refusal(content)


@pytest.mark.parametrize("coordinate", ["<Point:x>40</Point:x>", "<Point:y>20</Point:y>"])
def test_refuses_points_that_lack_a_coordinate(coordinate):
    assert "points without x or y" in refusal(WHOLE.replace(coordinate.encode(), b""))


def test_refuses_a_workspace_without_short_axis_contours():
    message = refusal(drawn({"1.2.826.1": {"laendocardialContour": TRIANGLE}}))

    assert "it holds no short-axis contour; contours named saendocardialContour, " in message
    assert "it holds no short-axis contour" in refusal(b"<a/>")


def test_refuses_deep_nesting_before_the_end_of_the_document():
    assert "nested too deeply; at most 64" in refusal(b"<a>" * 100_000)


def test_refuses_what_is_too_large_without_parsing_it(monkeypatch):
    def parsed(content):
        raise AssertionError("parsed")

    monkeypatch.setattr(document, "_parsed", parsed)

    assert "bytes, of which" in refusal(b" " * 100_000_000)
    assert "bytes, of which" in refusal(b"<b/>" * 2_000_000)
    assert "bytes, of which" in refusal(b"<b " + b'a="" ' * 2_000_000 + b"/>")


def test_has_room_for_eight_times_the_contours_of_two_phases():
    outline = ellipse((100, 100), (40, 40), points=300)
    names = ("saendocardialContour", "saepicardialContour", "sarvendocardialContour")
    # the document of one phase of one slice, times 12 slices and 2 phases
    one = drawn({"1": dict.fromkeys(names, outline)})

    assert 8 * 24 * len(one) < document.LARGEST
    assert 8 * 24 * (one.count(b"<") + one.count(b"=")) < document.MOST_MARKS


@given(st.data())
def test_whatever_is_done_to_a_workspace_it_is_read_or_refused(data):
    mutated = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(mutated)))
        end = data.draw(st.integers(start, min(start + 40, len(mutated))))
        mutated[start:end] = data.draw(
            st.binary(max_size=8) | st.sampled_from([b"<", b"&", b"nan", bytes(mutated[:end])])
        )

    try:
        annotation = read_workspace(bytes(mutated))
    except InvalidScanError as error:
        assert error.__cause__ is None  # noqa: PT017
    else:
        read = [found.points for contours in annotation.contours.values() for found in contours]
        assert read
        assert all(points.shape[1] == 2 and np.isfinite(points).all() for points in read)
