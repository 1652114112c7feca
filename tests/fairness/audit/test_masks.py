"""Anybody's masks become the table that an audit reads."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScoresError
from faircmr.core.scans import AS_STORED, UNKNOWN, LabelImage, MaskPair, MaskPairs, Structure
from faircmr.fairness.audit import AuditColumns, MaskLabels, score_masks
from faircmr.fairness.audit.masks import SIDES
from faircmr.fairness.audit.score_table import scores_by_model
from faircmr.fairness.metrics import dice_score, score_scan
from tests.fairness.metrics.volumes import SPACING, block, empty, random_hearts

LVBP = block(slice(1, 4), slice(3, 6), slice(3, 6))
LARGER = block(slice(1, 4), slice(3, 7), slice(3, 6))
ACDC = MaskLabels(RVBP=1, LVM=2, LVBP=3)


@dataclass(frozen=True)
class Read:
    """A pair in memory, in the labels of whoever drew it."""

    prediction: LabelImage
    reference: LabelImage
    grid: str = AS_STORED

    def __call__(self, coding):
        return MaskPair(
            self.in_ours(self.prediction, coding.predictions),
            self.in_ours(self.reference, coding.references),
            SPACING,
            self.grid,
        )

    @staticmethod
    def in_ours(image, label_values):
        ours = np.zeros(image.shape, np.uint8)
        for value, meaning in label_values.items():
            ours[image == value] = int(meaning)
        return ours


def pairs(**cases: tuple[LabelImage, LabelImage]) -> MaskPairs:
    return MaskPairs({name: Read(*images) for name, images in cases.items()})


def test_every_case_has_the_scores_of_its_scan():
    hearts = {"p1_ED": random_hearts(0), "p1_ES": random_hearts(1)}

    table = score_masks(pairs(**hearts), MaskLabels()).scores

    assert table.columns.tolist() == ["case", "structure", "metric", "value"]
    assert table.index.equals(pd.RangeIndex(len(table)))
    for case, images in hearts.items():
        rows = table[table["case"] == case].drop(columns="case").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, score_scan(*images, SPACING))


def test_the_values_of_the_masks_are_anybody_s():
    # LVBP and RVBP change places in the labels of ACDC
    swapped = np.array([0, 3, 2, 1], np.uint8)
    images = random_hearts(2)

    found = score_masks(pairs(a=tuple(swapped[image] for image in images)), ACDC).scores

    pd.testing.assert_frame_equal(found, score_masks(pairs(a=images), MaskLabels()).scores)


def test_the_table_is_one_that_an_audit_reads():
    table = score_masks(pairs(p1_ED=(LARGER, LVBP), p1_ES=(LVBP, LVBP), p2_ED=(empty(), LVBP)), MaskLabels()).scores

    (scores,) = scores_by_model(table, AuditColumns(), "dsc").values()

    # a structure in neither image has no Dice
    assert scores.index.tolist() == ["p1", "p2"]
    assert scores[""].tolist() == pytest.approx([(54 / 63 + 1) / 2, 0.0])


def test_masks_on_different_grids_are_refused():
    with pytest.raises(InvalidScoresError, match=r"prediction: .*; the shape of its reference"):
        score_masks(pairs(a=(LVBP[1:], LVBP)), MaskLabels())


def test_of_what_no_reference_shows_nothing_is_said():
    both = np.where(block(slice(1, 4), slice(8, 10), slice(3, 6)), int(Structure.RVBP), LVBP).astype(np.uint8)

    table = score_masks(pairs(p1_ED=(both, LVBP), p2_ED=(LARGER, LVBP)), MaskLabels()).scores

    assert set(table["structure"]) == {"LVBP"}


def coded(label, coding):
    """A label image with the first value of each structure in a coding."""
    table = np.zeros(256, np.uint16)
    for value, meaning in reversed(coding.items()):
        table[int(meaning)] = value
    return table[label]


CODINGS = {
    "as ACDC": {"LVBP": 3, "LVM": 2, "RVBP": 1},
    "as MM-WHS": {"LVBP": 500, "LVM": 205, "RVBP": 600},
    "a scar coded apart": {"LVM": [4, 2]},
    "an atrium left out": {"left_out": 4},
}


@pytest.mark.parametrize("predictions", CODINGS)
@pytest.mark.parametrize("references", CODINGS)
def test_scores_do_not_depend_on_how_either_side_is_coded(predictions, references):
    prediction, reference = random_hearts(3)
    labels = MaskLabels.model_validate({"predictions": CODINGS[predictions], "references": CODINGS[references]})
    pair = coded(prediction, labels.coding.predictions), coded(reference, labels.coding.references)

    found = score_masks(pairs(a=pair), labels)

    pd.testing.assert_frame_equal(found.scores, score_masks(pairs(a=(prediction, reference)), MaskLabels()).scores)


@pytest.mark.parametrize("side", [0, 1])
def test_what_is_left_out_counts_as_background_and_is_counted(side):
    images = list(random_hearts(4))
    with_atrium = [image.copy() for image in images]
    empty_corner = np.index_exp[0, :2, :2]
    with_atrium[side][empty_corner] = 4
    images[side][empty_corner] = 0

    found = score_masks(pairs(a=tuple(with_atrium), b=tuple(images)), MaskLabels.model_validate({"left_out": 4}))

    expected = score_masks(pairs(a=tuple(images), b=tuple(images)), MaskLabels())
    pd.testing.assert_frame_equal(found.scores, expected.scores)
    assert any(f"1 of 2 {SIDES[side]} show what is left out (value 4)" in note for note in found.notes)


@given(st.integers(0, 1000), st.floats(0.0, 0.9))
def test_scores_with_ignored_voxels_are_those_of_the_other_voxels(seed, share):
    prediction, reference = random_hearts(seed)
    ignored = np.random.default_rng(seed).random(reference.shape) < share
    drawn = np.where(ignored, 9, reference).astype(np.uint8)

    found = score_masks(pairs(a=(prediction, drawn)), MaskLabels.model_validate({"ignore": 9})).scores

    dsc = found[found["metric"] == "dsc"].set_index("structure")["value"]
    expected = dice_score(prediction[~ignored], reference[~ignored], list(Structure))
    shown = [one for one, value in zip(Structure, expected, strict=True) if (reference[~ignored] == one).any()]
    assert set(dsc.index) == {one.name for one in shown}
    for structure in shown:
        assert dsc[structure.name] == pytest.approx(expected[list(Structure).index(structure)])
    if ignored.any():
        assert set(found["metric"]) <= {"dsc", "missed", "invented"}, "volumes and distances need the whole heart"


def test_pairs_with_ignored_voxels_are_counted_and_those_without_keep_all_metrics():
    prediction, reference = random_hearts(5)
    partly, nothing = reference.copy(), np.full_like(reference, 9)
    partly[0] = 9

    found = score_masks(
        pairs(a=(prediction, partly), b=(prediction, nothing), c=(prediction, reference)),
        MaskLabels.model_validate({"ignore": 9}),
    )

    metrics = found.scores.groupby("case")["metric"].agg(set)
    assert metrics["c"] >= {"dsc", "hd95", "volume", "reference_volume"}
    assert "dsc" not in metrics.get("b", set())
    (note,) = [note for note in found.notes if "not annotated" in note]
    assert note.startswith("In 2 of 3 references")
    assert "1 have no annotated voxel" in note


def test_a_structure_that_the_model_does_not_segment_is_left_out_of_both():
    prediction, reference = random_hearts(6)
    left = np.where(prediction == Structure.RVBP, 0, prediction).astype(np.uint8)
    labels = MaskLabels.model_validate({"predictions": {"RVBP": None}})

    found = score_masks(pairs(a=(left, reference)), labels)

    assert set(found.scores["structure"]) == {"LVBP", "LVM"}
    assert any("RVBP is not scored" in note for note in found.notes)


@pytest.mark.parametrize(
    ("grids", "said"),
    [
        ((AS_STORED, AS_STORED), []),
        (("flipped", AS_STORED), ["1 of 2 predictions were stored in another orientation or position"]),
        ((UNKNOWN, UNKNOWN), ["In 2 of 2 pairs voxels were matched by their place in the file"]),
        (("axes swapped, shifted", UNKNOWN), ["(axes swapped, shifted), and were put on its grid", "In 1 of 2 pairs"]),
    ],
)
def test_how_predictions_were_stored_is_told(grids: tuple[str, str], said: list[str]):
    heart = random_hearts(0)
    cases = MaskPairs({str(number): Read(heart[0], heart[0], grid) for number, grid in enumerate(grids)})

    notes = score_masks(cases, MaskLabels()).notes

    assert len(notes) == len(said)
    assert all(words in " ".join(notes) for words in said)
