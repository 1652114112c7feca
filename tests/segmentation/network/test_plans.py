"""Plans can be edited by hand; invalid edits are refused with a reason."""

import json

import pytest
from pydantic import ValidationError

from faircmr.core.scans import Structure
from faircmr.segmentation.network import Plans
from tests.segmentation.phantoms import plans_of


def edited(**values: object) -> Plans:
    return Plans.model_validate_json(json.dumps(plans_of().model_dump(mode="json") | values))


def test_survive_their_file():
    assert edited() == plans_of()


def test_reduction_multiplies_the_strides():
    assert edited(strides=((1, 1), (2, 2), (1, 2))).reduction == (2, 4)


def test_name_structures_once_in_the_order_of_their_classes():
    plans = edited(structures=["RVBP", "LVBP", "RVBP"])

    assert plans.structures == (Structure.LVBP, Structure.RVBP)
    assert plans.classes == 3
    assert plans_of().classes == 4


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"patch": (18, 16)}, r"patch is \(18, 16\) and the strides reduce it by \(4, 4\).*multiple"),
        ({"patch": (4, 4)}, "at least twice"),
        ({"kernels": ((3, 3), (3, 3))}, "kernels lists 2 stages and filters 3"),
        ({"kernels": ((3, 3), (2, 3), (3, 3))}, "every size must be odd"),
        ({"strides": ((2, 2), (2, 2), (2, 2))}, r"the first stride is \(2, 2\)"),
        ({"deep_supervision_heads": 3}, "deep_supervision_heads is 3: 3 stages have at most 2"),
        ({"filters": (4, 8)}, "at least 3 items"),
        ({"spacing": (0.0, 1.0)}, "greater than 0"),
        ({"structures": ()}, "at least 1 item"),
        ({"structures": ("LV",)}, "one of: LVBP, LVM, RVBP"),
        ({"filter": (4, 8, 8)}, "Extra inputs"),
    ],
    ids=str,
)
def test_edited_into_nonsense_are_refused(edit: dict[str, object], message: str):
    values = plans_of().model_dump() | edit
    with pytest.raises(ValidationError, match=message):
        Plans.model_validate(values)
