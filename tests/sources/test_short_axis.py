"""Names, slices and intensities tell short-axis images from views, sequences and masks that lie next to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from faircmr.core import InvalidScanError
from faircmr.core.scans import Geometry
from faircmr.sources.unlabelled import (
    LONG_AXIS,
    MASK,
    MOST_MASK_VALUES,
    SCOUT,
    SEQUENCE,
    VESSELS,
    check_intensities,
    check_stack,
    further_channels,
    is_named_short_axis,
    rejection_by_name,
)

SHORT_AXIS_NAMES = [
    *("sa", "SA", "sax", "SAX", "SAx", "sa_ED", "sax_10", "sa1", "SAX01", "cine_sax", "CINESAX_300", "sa-stack"),
    *("CINE_segmented_SAX_b1", "short_axis", "short axis", "ShortAxis", "SHORT-AX", "001_SA_CINE", "Kurzachse"),
    *("kurze Achse", "petit_axe", "eje-corto", "7234567.sax.cine", "de_la_cruz_sa"),
]
OTHER_NAMES = {
    LONG_AXIS: [
        *(
            "la",
            "LA",
            "la_2ch",
            "la_3ch",
            "la_4ch",
            "001_LA_ED",
            "001_LA_CINE",
            "lax",
            "LAX_4Ch",
            "CINE_segmented_LAX_2Ch",
        ),
        *(
            "2ch",
            "2CH",
            "4ch_25",
            "3-ch",
            "4CHAMBER",
            "four_chamber",
            "2 chamber",
            "long_axis",
            "LongAxis",
            "long axis",
        ),
        *("hla", "VLA", "la2ch", "LAX4CH", "cinelax", "CINELAX_301", "2CV", "4cav", "4_Kammerblick", "Langachse"),
        *("patient0001_4CH_ED", "A4C", "grand axe", "eje_largo", "2ch_lax"),
    ],
    VESSELS: [
        *("ao", "AO", "aorta", "aorta_sag", "aortic", "CINE_segmented_Ao_dist", "lvot", "RVOT", "CINE_segmented_LVOT"),
        *(
            "flow",
            "flow_250_tp_AoV_bh_ePAT",
            "4dflow",
            "flow2d",
            "2D-Flow",
            "venc150",
            "phase_contrast",
            "pulmonary",
            "MRA",
        ),
    ],
    SEQUENCE: [
        *("T1", "t1map", "T1_mapping", "T2", "T2w", "T2star", "T2-MAP", "MOLLI", "ShMOLLI_192i", "LGE", "psir", "STIR"),
        *("patient1_LGE", "myops_training_101_DE", "perfusion", "first_pass", "late_gadolinium", "delayed-enhancement"),
        *("tagging", "cine_tagging_3sl_SAX_b1s", "ShMOLLI_192i_SAX_b2s_SAX_b2s_SAX_b2s_T1MAP", "sax_tag"),
    ],
    SCOUT: ["scout", "localizer", "localiser_2", "survey", "axial", "transversal", "coronal", "sagittal", "p1_sag"],
    MASK: [
        *(
            "p1_gt",
            "p1_GT",
            "p1_seg",
            "seg_sa",
            "seg4_la_4ch",
            "label_sa_ED",
            "p1_label",
            "p1-mask",
            "masks",
            "p1_pred",
        ),
        *(
            "prediction",
            "predictions",
            "p1 predicted",
            "p1_segmentation",
            "labelsTr",
            "labelsTs",
            "contour",
            "patient1_C0_manual",
        ),
        *("ground_truth", "groundtruth", "probabilities", "p1_softmax", "label-map", "inferTs", "mr_train_1001_label"),
    ],
}
UNDECIDED_NAMES = [
    *("7234567", "patient001", "patient001_4d", "patient001_frame01", "cine", "A0S9V9", "Case_N006", "p1_ED", "images"),
    *("segovia", "labelle", "red", "miles", "sarah", "lara", "salt", "laxman", "saxena", "aorist", "flower", "mascot"),
    *("de_la_cruz", "DE_LA_ROSA_cine", "contoured", "CINE_segmented", "p1_gtx", "tagore", "imagesTr", "vsa01"),
]
REASONS = [(name, reason) for reason, names in OTHER_NAMES.items() for name in names]
PLACES = {
    "the file": lambda name: [name],
    "the file, with an id before": lambda name: [f"7234567_{name}"],
    "the file, in a folder of the id": lambda name: [name, "7234567"],
    "the folder": lambda name: ["7234567", name],
    "a folder above": lambda name: ["7234567_cine", "visit 1", name],
}
"""Where a name may be: names of the file and of its folders, the nearest first."""


def each_place(test):
    return pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())(test)


@each_place
@pytest.mark.parametrize("name", SHORT_AXIS_NAMES)
def test_takes_what_is_called_short_axis(name, place):
    assert rejection_by_name(place(name)) == ""
    assert is_named_short_axis(place(name))


@each_place
@pytest.mark.parametrize(("name", "reason"), REASONS)
def test_leaves_out_what_is_called_something_else(name, reason, place):
    assert rejection_by_name(place(name)) == reason


@each_place
@pytest.mark.parametrize("name", UNDECIDED_NAMES)
def test_leaves_other_names_undecided(name, place):
    assert rejection_by_name(place(name)) == ""
    assert not is_named_short_axis(place(name))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["sa", "LA_012"], ""),
        (["sa_ED", "la_study"], ""),
        (["la_2ch", "sax"], LONG_AXIS),
        (["ED", "LAX", "sax_project"], LONG_AXIS),
        (["sa_ED", "labels"], MASK),
        (["sa_gt", "sa"], MASK),
        (["seg_la_4ch"], MASK),
    ],
)
def test_the_view_of_the_nearest_name_counts_and_a_mask_is_a_mask_wherever_that_is_said(names, reason):
    assert rejection_by_name(names) == reason


@given(st.lists(st.text(max_size=12), min_size=1, max_size=3))
def test_names_of_any_kind_are_judged_and_never_quoted(names):
    reason = rejection_by_name(names)

    assert reason in {"", *OTHER_NAMES}
    assert not (reason and is_named_short_axis(names) and reason != MASK)


@pytest.mark.parametrize(
    ("stems", "further"),
    [
        (["a_0000", "a_0001"], {"a_0001"}),
        (["a_0000", "a_0001", "a_0002", "b_0000"], {"a_0001", "a_0002"}),
        (["a_ED_0000", "a_ED_0001", "a_ES_0000"], {"a_ED_0001"}),
        (["sa", "sa_0001", "sa_0002"], {"sa_0001", "sa_0002"}),
        (["sa", "sa_0002"], set()),
        (["p_0001", "p_0002"], set()),
        (["p_0000", "p_0002"], set()),
        ([f"p_{number:04d}" for number in range(10)], set()),
        (["0000", "0001", "a", "a_1", "a_00001"], set()),
    ],
    ids=[
        "two",
        "three",
        "of phases",
        "next to a name without",
        "a gap after a name",
        "ids from 1",
        "a gap",
        "ids from 0",
        "other numbers",
    ],
)
def test_channels_are_told_from_ids_that_end_in_four_digits(stems, further):
    assert further_channels(stems) == further


def grid(slices, step):
    return Geometry((slices, 200, 180), (step, 1.4, 1.4))


@pytest.mark.parametrize(
    ("slices", "step"), [(2, 8.0), (8, 10.0), (12, 5.0), (20, 3.0), (4, 25.0), (11, 25.0), (6, 2.9999)]
)
def test_a_stack_of_thick_slices_may_be_short_axis(slices, step):
    check_stack(grid(slices, step))


@pytest.mark.parametrize(
    ("slices", "step", "reason"),
    [
        (1, 8.0, "the image has 1 slice, and no name says that it is short axis"),
        (1, 1.0, "the image has 1 slice"),
        (88, 1.25, "88 slices 1.25 mm apart, as 3-D acquisitions have"),
        (140, 0.625, "140 slices 0.625 mm apart"),
        (40, 7.0, "40 slices 7 mm apart, which reach beyond a heart"),
    ],
)
def test_another_stack_is_none_and_says_what_to_do(slices, step, reason):
    with pytest.raises(InvalidScanError) as error:
        check_stack(grid(slices, step))
    assert reason in error.value.value
    assert "sa, sax or short_axis" in error.value.remedy


def mask_of(*values, shape=(4, 30, 30)):
    return np.resize(np.array(values, np.float32), shape)


@pytest.mark.parametrize(
    "mask",
    [
        mask_of(0, 1),
        mask_of(0, 1, 2, 3),
        mask_of(0, 85, 170, 255),
        mask_of(0, 200, 500, 600, 1220, 2221),
        mask_of(-1, 0, 1),
        mask_of(*range(MOST_MASK_VALUES)),
        mask_of(0, 1, 2, 3, shape=(1, 10, 10)),
    ],
    ids=["one structure", "three", "grey levels", "MS-CMRSeg", "negative", "as many as possible", "small"],
)
def test_few_whole_numbers_are_a_mask_whatever_it_is_called(mask):
    with pytest.raises(InvalidScanError, match=r"different intensities, all whole numbers, as a mask has"):
        check_intensities(mask)


@pytest.mark.parametrize(
    "image",
    [
        mask_of(*range(MOST_MASK_VALUES + 1)),
        mask_of(7),
        mask_of(0.0, 0.5, 1.0),
        mask_of(0, 1, 2, shape=(1, 3, 3)),
        np.random.default_rng(0).normal(100, 20, (8, 40, 40)).astype(np.int16).astype(np.float32),
        np.random.default_rng(0).random((8, 40, 40), dtype=np.float32),
        np.where(np.arange(4000).reshape(4, 25, 40) < 3900, 0, np.arange(4000).reshape(4, 25, 40)).astype(np.float32),
    ],
    ids=["more values", "constant", "fractions", "too few voxels", "whole numbers", "0..1", "mostly padding"],
)
def test_other_intensities_are_an_image(image):
    check_intensities(image)


@given(arrays.arrays(np.float32, (3, 20, 20), elements=st.integers(0, 2000).map(float), fill=st.just(0.0)))
def test_the_order_of_voxels_does_not_matter(image):
    def is_mask(voxels):
        try:
            check_intensities(voxels)
        except InvalidScanError:
            return True
        return False

    assert is_mask(image) == is_mask(image[::-1, ::-1]) == is_mask(np.sort(image, axis=None))
    assert is_mask(image) == (1 < len(np.unique(image)) <= MOST_MASK_VALUES)
