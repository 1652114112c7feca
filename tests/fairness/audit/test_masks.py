"""Anybody's masks become the table that an audit reads."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from faircmr.core.anatomy import Structure
from faircmr.core.errors import InvalidScoresError
from faircmr.core.mask_pairs import MaskPairs
from faircmr.core.scan import LabelImage
from faircmr.fairness.audit.masks import MaskLabels, score_masks
from faircmr.fairness.audit.parameters import AuditColumns
from faircmr.fairness.audit.score_table import scores_by_model
from faircmr.fairness.metrics.scan import score_scan
from tests.fairness.metrics.volumes import SPACING, block, empty, random_hearts

LVBP = block(slice(1, 4), slice(3, 6), slice(3, 6))
LARGER = block(slice(1, 4), slice(3, 7), slice(3, 6))
ACDC = MaskLabels(RVBP=1, LVM=2, LVBP=3)


@dataclass(frozen=True)
class Read:
    """A pair in memory, in the labels of whoever drew it."""

    prediction: LabelImage
    reference: LabelImage

    def __call__(self, label_values):
        return *(self.in_ours(image, label_values) for image in (self.prediction, self.reference)), SPACING

    @staticmethod
    def in_ours(image, label_values):
        ours = np.zeros_like(image)
        for value, structure in label_values.items():
            ours[image == value] = structure
        return ours


def pairs(**cases: tuple[LabelImage, LabelImage]) -> MaskPairs:
    return MaskPairs({name: Read(*images) for name, images in cases.items()}, unmatched=0)


def test_every_case_has_the_scores_of_its_scan():
    hearts = {"p1_ED": random_hearts(0), "p1_ES": random_hearts(1)}

    table = score_masks(pairs(**hearts), MaskLabels())

    assert table.columns.tolist() == ["case", "structure", "metric", "value"]
    assert table.index.equals(pd.RangeIndex(len(table)))
    for case, images in hearts.items():
        rows = table[table["case"] == case].drop(columns="case").reset_index(drop=True)
        pd.testing.assert_frame_equal(rows, score_scan(*images, SPACING))


def test_the_values_of_the_masks_are_anybody_s():
    # LVBP and RVBP change places in the labels of ACDC
    swapped = np.array([0, 3, 2, 1], np.uint8)
    images = random_hearts(2)

    found = score_masks(pairs(a=tuple(swapped[image] for image in images)), ACDC)

    pd.testing.assert_frame_equal(found, score_masks(pairs(a=images), MaskLabels()))
    assert ACDC.values == {1: Structure.RVBP, 2: Structure.LVM, 3: Structure.LVBP}


def test_the_table_is_one_that_an_audit_reads():
    table = score_masks(pairs(p1_ED=(LARGER, LVBP), p1_ES=(LVBP, LVBP), p2_ED=(empty(), LVBP)), MaskLabels())

    (scores,) = scores_by_model(table, AuditColumns(), "dsc").values()

    # a structure in neither image has no Dice
    assert scores.index.tolist() == ["p1", "p2"]
    assert scores[""].tolist() == pytest.approx([(54 / 63 + 1) / 2, 0.0])


def test_masks_on_different_grids_are_refused():
    with pytest.raises(InvalidScoresError, match=r"prediction: .*; the shape of its reference"):
        score_masks(pairs(a=(LVBP[1:], LVBP)), MaskLabels())


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({"LVBP": 2}, "two structures have one value"),
        ({"LVM": 3}, "two structures have one value"),
        ({"RVBP": 0}, "greater than 0"),
        ({"LVBP": -1}, "greater than 0"),
        ({"LA": 4}, "Extra inputs are not permitted"),
    ],
)
def test_labels_that_would_hide_a_structure_are_refused(labels, said):
    with pytest.raises(ValidationError, match=said):
        MaskLabels.model_validate(labels)


def test_of_what_no_reference_shows_nothing_is_said():
    both = np.where(block(slice(1, 4), slice(8, 10), slice(3, 6)), int(Structure.RVBP), LVBP).astype(np.uint8)

    table = score_masks(pairs(p1_ED=(both, LVBP), p2_ED=(LARGER, LVBP)), MaskLabels())

    assert set(table["structure"]) == {"LVBP"}
