"""The classifier's report in the terminal."""

import pandas as pd

from faircmr.fairness.metrics import reports_by_seed
from faircmr.reporting.terminal_tables import render_classifier


def test_shows_accuracy_and_what_each_group_gets():
    table = pd.DataFrame(
        {
            "seed": 0,
            "subject_id": [f"sub-{number}" for number in range(4)],
            "protected_group": list("AAAB"),
            "phase": "ED",
            "slice_index": 0,
            "log_probability_A": [-0.1, -0.1, -3.0, -3.0],
            "log_probability_B": [-2.35, -2.35, -0.051, -0.051],
        }
    )

    text = render_classifier(reports_by_seed(table), "Classifier: any")

    (row,) = (line for line in text.splitlines() if line.strip().startswith("0 "))
    # 3 of 4 right; recall 2/3 and 1; three of four subjects are A; precision 1 and 1/2
    assert row.split()[1] == "0.75"
    assert row.split()[3:] == ["0.83", "0.75", "1.00/0.67", "0.50/1.00"]
    assert text.startswith("Classifier: any")


def test_shows_nothing_where_there_is_no_classifier():
    assert render_classifier(reports_by_seed(pd.DataFrame()), "any") == ""
