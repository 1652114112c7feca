"""The gallery: whom it shows, which slice, and that the same cohort gives the same picture."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from faircmr.core.scans import Phase, Structure
from faircmr.reporting import (
    GalleryExample,
    cohort_gallery,
    contour_legend,
    examples_of,
    mid_ventricular_slice,
    new_figure,
)
from faircmr.reporting.gallery import CONTOURS, draw_slice
from tests.reporting.hearts import cohort, heart

BOTH = (Phase.ED, Phase.ES)


def test_shows_the_first_subject_of_each_group_that_has_both_phases():
    people = cohort({"sub-0001": (Phase.ED,), "sub-0002": BOTH, "sub-0003": BOTH, "sub-0004": (Phase.ES,)})
    subjects = pd.DataFrame(
        {"subject_id": list(people.subjects["subject_id"]), "protected_group": ["B", "B", "B", "A"]}
    )
    read = []
    people = type(people)(people.subjects, people.scans, people.files, lambda files: read.append(files) or heart())

    examples = examples_of(people, subjects)

    assert [(example.group, tuple(example.scans)) for example in examples] == [("A", (Phase.ES,)), ("B", BOTH)]
    assert [files.image for files in read] == [
        str(("sub-0004", Phase.ES)),
        *(str(("sub-0002", phase)) for phase in BOTH),
    ]


def test_a_subject_without_scans_is_not_shown():
    subjects = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "protected_group": ["A", "B"]})

    assert [example.group for example in examples_of(cohort({"sub-0002": BOTH}), subjects)] == ["B"]


@pytest.mark.parametrize(("slices", "middle"), [((1, 4), 2), ((0, 2), 1), ((4, 5), 4), ((0, 0), 2)])
def test_the_mid_ventricular_slice_is_the_middle_of_those_with_an_lv_blood_pool(slices, middle):
    assert mid_ventricular_slice(heart(slices)) == middle


def test_the_middle_slice_stands_in_where_nobody_has_drawn_a_label():
    assert mid_ventricular_slice(heart(labelled=False)) == 2


def test_is_a_png_with_a_column_a_group_and_equal_for_equal_cohorts():
    examples = [GalleryExample(group, {phase: heart() for phase in BOTH}) for group in "ABCD"]

    picture = cohort_gallery(examples)

    assert cohort_gallery(examples) == picture
    narrow, wide = (Image.open(io.BytesIO(cohort_gallery(part))).size[0] for part in (examples[:3], examples))
    assert wide / narrow == pytest.approx(4 / 3, rel=0.01)


def test_blank_and_unlabelled_panels_are_drawn_without_complaint():
    examples = [GalleryExample("A", {Phase.ED: heart(labelled=False)}), GalleryExample("B", {Phase.ES: heart((0, 0))})]

    assert cohort_gallery(examples).startswith(b"\x89PNG")


def test_contours_lie_on_the_edges_of_the_structures_in_millimetres():
    panel = new_figure(3, 3).subplots()

    draw_slice(panel, heart(), 2)

    endocardium, epicardium, right_ventricle = (
        np.concatenate(c.get_paths()[0].to_polygons()) for c in panel.collections
    )
    # centre at pixel 24, 24, whose own centre is at 49 mm; radii of 6 and 10 pixels of 2 mm
    for contour, radius in ((endocardium, 12), (epicardium, 20)):
        assert np.hypot(*(contour - 49).T) == pytest.approx(radius, abs=2)
    assert right_ventricle[:, 0].max() < 49


def test_a_panel_never_shows_what_is_outside_the_image():
    panel = new_figure(3, 3).subplots()

    draw_slice(panel, heart(), 2)

    assert panel.get_xlim() == (0.0, 80.0)
    assert panel.get_ylim() == (96.0, 0.0)


def test_the_legend_names_every_contour_in_its_colour():
    examples = [GalleryExample("A", {Phase.ED: heart()})]

    assert {line.get_label(): line.get_color() for line in contour_legend(examples)} == {
        name: colour for name, _, colour in CONTOURS.values()
    }


def test_the_legend_and_the_panel_show_no_contour_that_nobody_drew():
    whole = heart()
    left = replace(whole, label=np.where(whole.label == Structure.LVBP, whole.label, 0).astype(np.uint8))
    panel = new_figure(3, 3).subplots()

    draw_slice(panel, left, 2)

    assert len(panel.collections) == 1
    assert [line.get_label() for line in contour_legend([GalleryExample("A", {Phase.ED: left})])] == ["LV endocardium"]
