"""Table 1 against the paper's, and how it treats what is missing."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidParameterError
from faircmr.fairness.tables import CELLS, table1
from faircmr.fairness.tables.paper import group_averages
from tests.fairness.published import GROUPS, ROUNDING, TABLE_1, scores_of, subjects_of

NUMBERS = [*CELLS, "Avg"]
PAPER = {group: TABLE_1[group][:-1] for group in GROUPS}
SUBJECTS = subjects_of({group: group for group in GROUPS}, sex=["F", "M", "F", "M", "F", None])


def row(table: pd.DataFrame, group: str) -> pd.Series:
    return table.set_index("group").loc[group]


def test_groups_and_their_mean_are_the_rows_that_the_paper_printed():
    table = table1(scores_of(PAPER), SUBJECTS, audit_attributes=[])

    for group in GROUPS:
        assert row(table, group)[NUMBERS].tolist() == pytest.approx(TABLE_1[group], abs=2 * ROUNDING)
    total = row(table, "Total (mean of groups)")[NUMBERS]
    assert total.tolist() == pytest.approx(TABLE_1["Total"], abs=2 * ROUNDING)


def test_rows_are_totals_then_audit_attributes_then_groups_with_their_numbers_of_subjects():
    table = table1(scores_of(PAPER), SUBJECTS, audit_attributes=["sex"])

    assert list(table.columns) == ["attribute", "group", "n", *NUMBERS]
    assert list(zip(table["attribute"], table["group"], table["n"], strict=True)) == [
        ("total", "Total (mean of groups)", 6),
        ("total", "Total (pooled)", 6),
        ("sex", "F", 3),
        ("sex", "M", 2),
        ("sex", "not recorded", 1),
        *(("protected_group", group, 1) for group in sorted(GROUPS)),
    ]


def test_the_two_totals_differ_where_groups_differ_in_size():
    cells = {"a1": (90.0,) * 6, "a2": (90.0,) * 6, "a3": (90.0,) * 6, "b1": (50.0,) * 6}

    table = table1(scores_of(cells), subjects_of({"a1": "A", "a2": "A", "a3": "A", "b1": "B"}), [])

    assert row(table, "Total (mean of groups)")["Avg"] == pytest.approx(70.0)
    assert row(table, "Total (pooled)")["Avg"] == pytest.approx(80.0)


def test_a_group_without_scored_subjects_keeps_its_row_and_leaves_the_mean_of_groups():
    subjects = subjects_of({"a1": "A", "b1": "B", "c1": "C"})

    table = table1(scores_of({"a1": (90.0,) * 6, "b1": (80.0,) * 6}), subjects, [])

    assert row(table, "C")["n"] == 0
    assert row(table, "C")[NUMBERS].isna().all()
    assert row(table, "Total (mean of groups)")["Avg"] == pytest.approx(85.0)


def test_a_structure_that_the_cohort_lacks_is_no_column_and_breaks_nothing():
    scores = scores_of(PAPER)

    table = table1(scores[scores["structure"] != "RVBP"], SUBJECTS, ["sex"])

    assert list(table.columns) == ["attribute", "group", "n", "ED LVBP", "ED LVM", "ES LVBP", "ES LVM", "Avg"]
    assert row(table, "White")["Avg"] == pytest.approx(np.mean([97.33, 93.08, 95.06, 90.58]))
    assert table.notna().all(axis=None)


def test_a_subject_without_a_phase_counts_where_it_has_scores():
    scores = scores_of({"a1": (90.0,) * 6, "a2": (50.0,) * 6, "b1": (70.0,) * 6})
    without_es = scores[(scores["subject_id"] != "a2") | (scores["phase"] == "ED")]

    a = row(table1(without_es, subjects_of({"a1": "A", "a2": "A", "b1": "B"}), []), "A")

    assert a[["n", "ED LVM", "ES LVM", "Avg"]].tolist() == [2, 70.0, 90.0, 70.0]


def test_categories_keep_their_order_and_other_values_the_alphabet_s():
    ages = pd.Categorical([">65", "<50", "50-65", "<50", ">65", "<50"], categories=["<50", "50-65", ">65", ">90"])

    table = table1(scores_of(PAPER), SUBJECTS.assign(age_band=ages), ["age_band"])

    assert table.loc[table["attribute"] == "age_band", "group"].tolist() == ["<50", "50-65", ">65"]


def test_groups_of_group_averages_are_those_of_table_1():
    scores = scores_of(PAPER)

    averages = group_averages(scores, SUBJECTS)

    assert (100 * averages).tolist() == pytest.approx(table1(scores, SUBJECTS, [])["Avg"].tolist()[2:])
    assert averages.index.tolist() == sorted(GROUPS)


def test_refuses_an_unknown_audit_attribute_and_lists_the_known():
    with pytest.raises(InvalidParameterError, match="audit_attributes: gender; one of protected_group, sex"):
        table1(scores_of(PAPER), SUBJECTS, ["gender"])


def test_refuses_a_measurement_as_an_audit_attribute_without_quoting_it():
    ids = [f"sub-{number:04d}" for number in range(40)]
    subjects = subjects_of(dict.fromkeys(ids, "A"), age=[30.5 + number for number in range(40)])

    with pytest.raises(InvalidParameterError, match="age with 40 values; at most 30 values; report bands of it"):
        table1(scores_of(dict.fromkeys(ids, (90.0,) * 6)), subjects, ["age"])
