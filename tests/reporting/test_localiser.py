"""The localiser's errors in the terminal."""

import pandas as pd

from faircmr.fairness.metrics import localiser_table
from faircmr.reporting.terminal_tables import render_localiser

SUBJECTS = pd.DataFrame({"subject_id": ["sub-1", "sub-2"], "protected_group": ["A", "B"]})


def test_shows_each_group_and_all():
    scores = pd.DataFrame(
        {
            "subject_id": ["sub-1", "sub-2"],
            "located": [True, False],
            "heart_inside": [0.995, None],
            "box_overlap": [0.8, None],
            "centre_error": [2.5, None],
        }
    )

    text = render_localiser(localiser_table(scores, SUBJECTS), "Heart region: any")

    rows = {
        line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()[:3] in {"A  ", "B  ", "all"}
    }
    assert rows["A"] == ["1", "0", "99.50", "99.50", "80.00", "2.50"]
    assert rows["B"] == ["1", "1", "-", "-", "-", "-"]
    assert rows["all"][:2] == ["2", "1"]


def test_shows_nothing_for_full_images():
    assert render_localiser(localiser_table(pd.DataFrame(), SUBJECTS), "any") == ""
