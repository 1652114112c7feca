"""Values of masks are declared for both sides or apart, and what cannot be meant is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from faircmr.core import InvalidParameterError, known_paths, parse_parameters
from faircmr.core.scans import HIGHEST_VALUE, NoStructure, Structure
from faircmr.fairness.audit import MaskLabels
from faircmr.fairness.audit.masks import PREDICTIONS, REFERENCES, SIDES

LV, WALL, RV = Structure.LVBP, Structure.LVM, Structure.RVBP
OUT, IGNORED = NoStructure.LEFT_OUT, NoStructure.UNANNOTATED
USUAL = {1: LV, 2: WALL, 3: RV}


def labels(**given):
    return MaskLabels.model_validate(given)


@pytest.mark.parametrize(
    ("given", "predictions", "references"),
    [
        pytest.param({}, USUAL, USUAL, id="the usual values"),
        pytest.param({"LVBP": 3, "RVBP": 1}, {3: LV, 2: WALL, 1: RV}, {3: LV, 2: WALL, 1: RV}, id="those of ACDC"),
        pytest.param({"LVBP": 500, "LVM": 205, "RVBP": 600}, *[{500: LV, 205: WALL, 600: RV}] * 2, id="of MM-WHS"),
        pytest.param({"LVM": [2, 4]}, *[{**USUAL, 4: WALL}] * 2, id="a scar that is coded apart"),
        pytest.param({"LVM": "2+4"}, *[{**USUAL, 4: WALL}] * 2, id="the same on the command line"),
        pytest.param({"left_out": [4, 5]}, *[{**USUAL, 4: OUT, 5: OUT}] * 2, id="atria"),
        pytest.param({"left_out": 4}, *[{**USUAL, 4: OUT}] * 2, id="one atrium"),
        pytest.param({"ignore": 4}, USUAL, {**USUAL, 4: IGNORED}, id="predictions ignore nothing"),
        pytest.param({"references": {"ignore": "9"}}, USUAL, {**USUAL, 9: IGNORED}, id="ignored in references"),
        pytest.param(
            {"predictions": {"LVBP": 3, "RVBP": 1}}, {3: LV, 2: WALL, 1: RV}, USUAL, id="predictions coded otherwise"
        ),
        pytest.param(
            {"references": {"LVBP": 3, "RVBP": "1"}}, USUAL, {3: LV, 2: WALL, 1: RV}, id="references coded otherwise"
        ),
        pytest.param(
            {"predictions": {"LVBP": 1, "LVM": 2, "RVBP": 3}, "references": {"LVBP": 3, "LVM": 2, "RVBP": 1}},
            USUAL,
            {3: LV, 2: WALL, 1: RV},
            id="both coded apart",
        ),
        pytest.param(
            {"predictions": {"RVBP": None}}, {1: LV, 2: WALL}, {1: LV, 2: WALL, 3: OUT}, id="a model of the left side"
        ),
        pytest.param({"RVBP": "null", "left_out": 3}, *[{1: LV, 2: WALL, 3: OUT}] * 2, id="no right side on either"),
        pytest.param(
            {"left_out": [4], "predictions": {"LVM": [2, 4]}},
            {**USUAL, 4: WALL},
            {**USUAL, 4: OUT},
            id="left out of references, and a structure in predictions",
        ),
        pytest.param({"LVBP": 1.0, "LVM": "2"}, USUAL, USUAL, id="numbers as YAML and Parquet write them"),
    ],
)
def test_each_side_has_the_meaning_that_is_declared(given, predictions, references):
    coding = labels(**given).coding

    assert coding.predictions == predictions
    assert coding.references == references


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"LVBP": 2}, "value 2 is LVBP and LVM; each value once"),
        ({"LVM": 3}, "value 3 is LVM and RVBP"),
        ({"LVM": [2, 1]}, "value 1 is LVBP and LVM"),
        ({"left_out": 3}, "value 3 is RVBP and left_out"),
        ({"ignore": 3}, "value 3 is RVBP and ignore"),
        ({"ignore": 4, "left_out": "4+5"}, "value 4 is left_out and ignore"),
        ({"predictions": {"LVBP": 3}}, "value 3 of the predictions is LVBP and RVBP"),
        ({"references": {"left_out": 1}}, "value 1 of the references is LVBP and left_out"),
        ({"predictions": {"ignore": 4}}, "only references have ignored voxels"),
        ({"LVBP": None, "LVM": None, "RVBP": None}, "no structure has a value in both"),
        (
            {"predictions": {"LVBP": None, "LVM": None}, "references": {"RVBP": None}},
            "no structure has a value in both",
        ),
        ({"RVBP": 0}, f"a whole number from 1 to {HIGHEST_VALUE}"),
        ({"LVBP": -1}, "a whole number from 1"),
        ({"LVBP": 1.5}, "a whole number from 1"),
        ({"LVBP": HIGHEST_VALUE + 1}, "a whole number from 1"),
        ({"LVBP": "one"}, "a whole number from 1"),
        ({"LVBP": "1+"}, "a whole number from 1"),
        ({"LVBP": float("nan")}, "a whole number from 1"),
        ({"LVBP": {"value": 1}}, "a whole number from 1"),
        ({"LVBP": True}, "a whole number from 1"),
        ({"left_out": [0]}, "a whole number from 1"),
        ({"LA": 4}, "Extra inputs are not permitted"),
        ({"predictions": {"LA": 4}}, "Extra inputs are not permitted"),
        ({"predictions": 3}, "Input should be a valid dictionary"),
    ],
)
def test_labels_that_would_hide_a_structure_are_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        labels(**given)


def test_an_error_names_the_parameter():
    with pytest.raises(InvalidParameterError, match=r"audit_labels\.predictions\.LVBP: 'x'; a whole number from 1"):
        parse_parameters(MaskLabels, {"predictions": {"LVBP": "x"}}, "audit_labels")
    assert "audit_labels.references.left_out" in known_paths(MaskLabels, "audit_labels")


@pytest.mark.parametrize(
    ("given", "scored", "said"),
    [
        ({}, [LV, WALL, RV], []),
        ({"predictions": {"RVBP": None}}, [LV, WALL], ["RVBP is not scored: .* in the predictions"]),
        ({"references": {"LVM": None}}, [LV, RV], ["LVM is not scored: .* in the references"]),
        ({"RVBP": None}, [LV, WALL], ["RVBP is not scored: .* in the predictions and references"]),
    ],
)
def test_what_one_side_has_not_segmented_is_not_scored_and_named(given, scored, said):
    made = labels(**given)

    assert list(made.scored) == scored
    for sentence, expected in zip(made.not_scored_notes(), said, strict=True):
        assert re.search(expected, sentence)


values = st.lists(st.integers(1, 12), max_size=3)
side = st.dictionaries(st.sampled_from(["LVBP", "LVM", "RVBP", "left_out", "ignore"]), values)


@given(side, st.none() | side, st.none() | side)
def test_any_declaration_is_refused_or_gives_every_value_one_meaning(common, predictions, references):
    try:
        made = labels(**common, predictions=predictions, references=references)
    except ValidationError:
        return
    for name, coding in zip(SIDES, (made.coding.predictions, made.coding.references), strict=True):
        assert set(made.scored) == {meaning for meaning in coding.values() if isinstance(meaning, Structure)}
        assert set(made.left_out_of(name)) == {value for value, meaning in coding.items() if meaning is OUT}
        for structure in made.scored:
            assert {value for value, meaning in coding.items() if meaning is structure} == set(
                made.values_of(structure, name)
            )
    assert IGNORED not in made.coding.predictions.values()


@given(side, st.sampled_from([PREDICTIONS, REFERENCES]))
def test_a_side_that_repeats_what_is_common_changes_nothing(common, name):
    common = {key: value for key, value in common.items() if key != "ignore"}
    try:
        made = labels(**common)
    except ValidationError:
        return
    assert labels(**common, **{name: common}).coding == made.coding
