"""Labels of ``dataset.json``: structures by name, left out by name, ignored; everything else is refused by name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import FaircmrError, InvalidCohortError, InvalidParameterError
from faircmr.core.scans import HIGHEST_VALUE, NoStructure, Structure
from faircmr.sources.nnunet.source import KNOWN_NAMES, NnunetLabels

LV, WALL, RV = Structure.LVBP, Structure.LVM, Structure.RVBP
OUT, IGNORED = NoStructure.LEFT_OUT, NoStructure.UNANNOTATED
HEART = {"background": 0, "LV": 1, "MYO": 2, "RV": 3}
USUAL = {1: LV, 2: WALL, 3: RV}


@pytest.mark.parametrize(
    ("labels", "own", "left_out", "expected"),
    [
        pytest.param(HEART, {}, (), USUAL, id="the usual names"),
        pytest.param({"background": 0, "RV": 1, "MLV": 2, "LVC": 3}, {}, (), {1: RV, 2: WALL, 3: LV}, id="Dataset027"),
        pytest.param({"background": 0, "LVBP": 1, "LVM": 2, "RV": 3}, {}, (), USUAL, id="Dataset114_MNMs"),
        pytest.param({"background": 0, "LV": 1, "MYO": 2}, {}, (), {1: LV, 2: WALL}, id="two structures"),
        pytest.param(
            {"background": 0, "left ventricle": 1, "LV-Myocardium": 2, "RV_blood_pool": 3},
            {},
            (),
            USUAL,
            id="spelled out",
        ),
        pytest.param({"Background": 0, "LV": 1}, {}, (), {1: LV}, id="a capital background"),
        pytest.param({"LV": 1}, {}, (), {1: LV}, id="no background"),
        pytest.param({"background": [0], "LV": [1]}, {}, (), {1: LV}, id="lists of one value"),
        pytest.param({**HEART, "ignore": 4}, {}, (), {**USUAL, 4: IGNORED}, id="nnU-Net's ignore label"),
        pytest.param(
            {**HEART, "void": 255}, {"void": "ignore"}, (), {**USUAL, 255: IGNORED}, id="an ignore label of ours"
        ),
        pytest.param({**HEART, "ignore": 4}, {"ignore": "left_out"}, (), {**USUAL, 4: OUT}, id="ignored is background"),
        pytest.param({**HEART, "LA": 4}, {"LA": "left_out"}, (), {**USUAL, 4: OUT}, id="an atrium"),
        pytest.param(
            {**HEART, "LA": 4, "RA": 5}, {}, ("LA", "RA"), {**USUAL, 4: OUT, 5: OUT}, id="two on the command line"
        ),
        pytest.param({**HEART, "RV": 3}, {"RV": "left_out"}, (), {1: LV, 2: WALL, 3: OUT}, id="a known structure"),
        pytest.param({**HEART, "scar": 4}, {}, ("scar",), {**USUAL, 4: OUT}, id="a scar as background"),
        pytest.param(
            {"background": 0, "LV": 1, "MYO": [2, 4]}, {}, (), {1: LV, 2: WALL, 4: WALL}, id="a wall of two values"
        ),
        pytest.param({**HEART, "heart": [1, 2, 3]}, {}, ("heart",), USUAL, id="a region over structures"),
        pytest.param(
            {**HEART, "heart": [1, 2, 3, 4]}, {}, ("heart",), {**USUAL, 4: OUT}, id="a region with a value of its own"
        ),
        pytest.param({"background": 0, "LV": 500, "MYO": 205}, {}, (), {500: LV, 205: WALL}, id="values above 255"),
    ],
)
def test_every_value_has_the_meaning_of_its_name(labels, own, left_out, expected):
    assert NnunetLabels.of(labels, own, left_out).values == expected


@pytest.mark.parametrize(
    ("labels", "own", "said"),
    [
        ({**HEART, "LA": 4}, {}, r"dataset\.json: label 'LA'; names such as lvbp, .*labels_left_out=LA.*LA: left_out"),
        ({**HEART, "LA": 4, "RA": 5}, {}, r"labels 'LA', 'RA'; .*labels_left_out=LA\+RA.*LA: left_out, RA: left_out"),
        ({**HEART, "LA": 4}, {}, r"say there which of LVBP, LVM, RVBP"),
        ({**HEART, "Ignore": 4}, {}, "label 'Ignore'"),
        ({**HEART, "heart": [1, 2, 3]}, {}, "label 'heart'"),
        ({"background": 0, "LV": [1, 2], "MYO": 2}, {}, r"label 'MYO' of value 2; each structure and each value"),
        ({"background": 0, "LV": [0, 1]}, {}, r"label 'LV' of value \[0, 1\]"),
        ({"background": 0, "LV": []}, {}, r"label 'LV' of value \[\]"),
        ({"background": 0, "LV": 1, "LVBP": 2}, {}, "label 'LVBP' of value 2; each structure and each value"),
        ({"background": 0, "LV": 1, "RV": 1}, {}, "label 'RV' of value 1"),
        ({"background": 0, "LV": 1, "ignore": 1}, {}, "label 'ignore' of value 1"),
        ({"background": 0, "LV": 1, "ignore": [2, 3]}, {}, r"label 'ignore' of values \[2, 3\]; one value"),
        ({"LV": 0, "RV": 1}, {}, "label 'LV' of value 0"),
        ({"background": 0, "LV": -1}, {}, "label 'LV' of value -1"),
        ({"background": 0, "LV": HIGHEST_VALUE + 1}, {}, "label 'LV' of value"),
        ({"background": 0}, {}, "no label is a structure"),
        ({"background": 0, "ignore": 1}, {}, "no label is a structure"),
        ({"background": 0, "LA": 1}, {"LA": "left_out"}, "no label is a structure"),
    ],
)
def test_what_cannot_be_meant_is_refused(labels, own, said):
    with pytest.raises(InvalidCohortError, match=said):
        NnunetLabels.of(labels, own)


@pytest.mark.parametrize(("own", "left_out"), [({"La": "left_out"}, ()), ({}, ("La",)), ({"lv": "LVBP"}, ())])
def test_a_name_that_is_not_in_the_description_is_no_meaning_of_anything(own, left_out):
    with pytest.raises(InvalidParameterError, match=r"labels of dataset\.json: 'LV', 'MYO', 'RV', 'LA'"):
        NnunetLabels.of({**HEART, "LA": 4}, own, left_out)


def test_what_is_left_out_is_counted_by_name():
    (omission,) = NnunetLabels.of({**HEART, "LA": 4, "RA": 5}, {"RA": "left_out"}, ("LA",)).omissions()

    assert str(omission) == "2 of 5 labels are treated as background: LA, RA (left out by name)"
    assert not NnunetLabels.of({**HEART, "ignore": 4}, {}).omissions()


@given(
    st.dictionaries(
        st.sampled_from([*HEART, "ignore", "LA", "scar", "RVC", ""]),
        st.integers(-2, 300) | st.lists(st.integers(0, 9), max_size=3),
        max_size=6,
    ),
    st.sets(st.sampled_from(["LA", "scar", "RV", ""])),
)
def test_any_labels_are_understood_or_refused(labels, left_out):
    try:
        found = NnunetLabels.of(labels, {}, left_out)
    except FaircmrError:
        return
    meanings = [meaning for meaning in found.values.values() if isinstance(meaning, Structure)]
    assert meanings
    assert all(0 < value <= HIGHEST_VALUE for value in found.values)
    assert set(found.left_out) == left_out
    for name, value in labels.items():
        if name in KNOWN_NAMES and name not in left_out:
            assert found.values[value if isinstance(value, int) else value[0]] is KNOWN_NAMES[name]


def test_known_names_are_in_the_form_in_which_they_are_looked_up():
    assert all(name.isascii() and name.isalpha() and name.islower() for name in KNOWN_NAMES)
