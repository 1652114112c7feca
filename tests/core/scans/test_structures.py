"""Which structures a study has, from what its labels show."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, Omission
from faircmr.core.scans import ALL_STRUCTURES, Structure, structures_in_label, structures_of_study, undrawn_structures


def scans(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["phase", "structures"])


def test_a_label_shows_what_it_holds_in_the_order_of_the_values():
    label = np.array([[[3, 0], [1, 3]]], np.uint8)

    assert structures_in_label(label) == "LVBP RVBP"
    assert structures_in_label(np.zeros((1, 2, 2), np.uint8)) == ""
    assert structures_in_label(None) == ""


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("ED", "LVBP LVM RVBP"), ("ES", "LVBP LVM RVBP")], ALL_STRUCTURES),
        ([("ED", "LVBP"), ("ES", "LVBP")], (Structure.LVBP,)),
        ([("ED", "RVBP LVBP"), ("ES", "LVBP"), ("ES", "RVBP")], (Structure.LVBP, Structure.RVBP)),
        ([("ED", "LVBP LVM")], (Structure.LVBP, Structure.LVM)),
        ([("ED", "LVBP LVM"), ("ES", "")], (Structure.LVBP, Structure.LVM)),
        ([("ED", ""), ("ES", "")], ALL_STRUCTURES),
    ],
    ids=["all", "left blood pool", "each in some subjects", "one phase drawn", "the other unlabelled", "no label"],
)
def test_a_study_has_what_is_drawn_at_every_phase(rows, expected):
    assert structures_of_study(scans(*rows)) == expected


def test_what_is_drawn_at_one_phase_alone_is_left_out_and_that_is_said():
    table = scans(("ED", "LVBP LVM"), ("ED", "LVBP LVM"), ("ES", "LVBP"))

    assert structures_of_study(table) == (Structure.LVBP,)
    assert undrawn_structures(table) == [Omission("structures", 1, 2, "LVM is drawn at ED only")]


@pytest.mark.parametrize("rows", [[], [("ED", ""), ("ES", "")], [("ED", "LVBP LVM"), ("ES", "LVM LVBP")]])
def test_nothing_is_said_of_structures_that_are_drawn_everywhere_or_nowhere(rows):
    assert undrawn_structures(scans(*rows)) == []


def test_phases_that_share_no_structure_make_no_study():
    with pytest.raises(InvalidCohortError, match="none is drawn at each of ED, ES; at least one structure"):
        structures_of_study(scans(("ED", "LVM"), ("ES", "LVBP")))
