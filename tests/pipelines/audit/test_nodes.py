"""What is wrong with the labels of masks is on the console and on the page."""

import logging

import numpy as np
import pandas as pd
import pytest

from faircmr.core import Omission
from faircmr.core.scans import MaskPair, MaskPairs
from faircmr.fairness.audit import AuditColumns, AuditParameters, MaskLabels
from faircmr.pipelines import audit as nodes
from tests.fairness.metrics.hearts import drawn_heart

SUBJECTS = 20
SPACING = (8.0, 1.5, 1.5)
SWAPPED = np.array([0, 3, 2, 1], np.uint8)


def in_ours(stored, values):
    table = np.zeros(256, np.uint8)
    for value, meaning in values.items():
        table[value] = int(meaning)
    return table[stored]


def folders(change=lambda label: label, omissions=()):
    """Masks of some subjects, with predictions that are changed, as a folder would give them."""

    def reader(seed):
        reference = drawn_heart(seed)
        return lambda coding: MaskPair(
            in_ours(change(reference), coding.predictions), in_ours(reference, coding.references), SPACING
        )

    return MaskPairs({f"{seed:04d}_ED": reader(seed) for seed in range(SUBJECTS)}, tuple(omissions))


def audited(masks, labels, caplog):
    people = pd.DataFrame({"subject_id": [f"{seed:04d}" for seed in range(SUBJECTS)], "sex": ["F", "M"] * 10})
    with caplog.at_level(logging.WARNING):
        scores, notes = nodes.score_masks(masks, MaskLabels.model_validate(labels))
        parameters = AuditParameters(attributes=("sex",), draws=1000)
        groups, *_, page = nodes.audit_scores(scores, people, parameters, AuditColumns(), notes)
    return groups, page, " ".join(caplog.messages)


@pytest.mark.parametrize(
    ("masks", "labels", "said"),
    [
        (folders(lambda label: SWAPPED[label]), {}, "In 20 of 20 pairs the structures agree clearly better"),
        (folders(), {"predictions": {"RVBP": None}}, "RVBP is not scored"),
        (folders(lambda label: np.where(label == 3, 0, label)), {}, "No prediction shows RVBP (value 3)"),
        (
            folders(lambda label: np.where(label == 0, 4, label)),
            {"left_out": 4},
            "20 of 20 predictions show what is left",
        ),
    ],
    ids=["coded differently", "not segmented", "never shown", "left out"],
)
def test_what_is_said_of_labels_is_on_the_console_and_on_the_page(masks, labels, said, caplog):
    _, page, console = audited(masks, labels, caplog)

    assert said in page
    assert said in console


def test_values_that_are_declared_apart_repair_what_was_reported(caplog):
    declared = {"predictions": {"LVBP": 3, "RVBP": 1}}

    groups, page, _ = audited(folders(lambda label: SWAPPED[label]), declared, caplog)

    assert groups["mean"].tolist() == [100.0, 100.0]
    assert "agree clearly better" not in page


def test_masks_that_are_not_scored_are_on_the_page_too(caplog):
    alone = Omission("predictions", 1, 21, "no reference of the same name", outcome="not scored")

    _, page, console = audited(folders(omissions=[alone]), {}, caplog)

    assert "1 of 21 predictions" in page
    assert "1 of 21 predictions" in console
