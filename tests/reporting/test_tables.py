"""Tables in the terminal: every number in its place, two decimals, nothing wrapped."""

import math

import pandas as pd

from faircmr.fairness.tables import CELLS
from faircmr.reporting.terminal_tables import render_table1, render_table2

TABLE_1 = pd.DataFrame(
    [
        ("total", "Total (mean of groups)", 3, *[87.054] * 7),
        ("total", "Total (pooled)", 3, *[88.006] * 7),
        ("sex", "F", 2, *[90.0] * 7),
        ("sex", "not recorded", 1, *[80.0] * 7),
        ("protected_group", "A", 3, *[93.515] * 6, 93.5),
        ("protected_group", "[B] :heart:", 0, *[math.nan] * 7),
    ],
    columns=["attribute", "group", "n", *CELLS, "Avg"],
)
TABLE_2 = pd.DataFrame(
    [("baseline", 93.51, 84.52, 89.02, 6.3569, 2.385), ("stratified", 93.0, math.nan, 93.0, 0.0, math.inf)],
    columns=["strategy", "White", "Mixed", "Avg", "SD", "SER"],
)


def cells(text: str) -> list[list[str]]:
    """Words of each line, those of one name joined by single spaces."""
    return [[word.strip() for word in line.split("  ") if word.strip()] for line in text.splitlines()]


def test_table_1_names_rows_and_columns_and_rounds_to_two_decimals():
    lines = cells(render_table1(TABLE_1, "DSC of baseline"))

    assert lines[0] == ["DSC of baseline"]
    assert ["n", "LVBP", "LVM", "RVBP", "LVBP", "LVM", "RVBP", "Avg"] in lines
    assert ["Total (mean of groups)", "3", *["87.05"] * 7] in lines
    assert ["sex: not recorded", "1", *["80.00"] * 7] in lines
    assert ["sex: F", "2", *["90.00"] * 7] in lines
    assert any(line[:2] == ["A", "3"] and line[-1] == "93.50" for line in lines)


def test_a_missing_value_is_a_dash_and_a_name_is_printed_as_it_is():
    assert ["[B] :heart:", "0", *["-"] * 7] in cells(render_table1(TABLE_1, "DSC"))


def test_table_2_has_a_line_a_strategy():
    lines = cells(render_table2(TABLE_2, "Table 2"))

    assert ["White", "Mixed", "Avg", "SD", "SER"] in lines
    assert ["baseline", "93.51", "84.52", "89.02", "6.36", "2.38"] in lines
    assert ["stratified", "93.00", "-", "93.00", "0.00", "inf"] in lines


def test_a_spread_over_seeds_stands_behind_its_measure_and_says_what_it_is():
    spread = {"Avg_seed_sd": [0.254, math.nan], "SD_seed_sd": [0.5, math.nan], "SER_seed_sd": [0.1, math.nan]}

    text = render_table2(TABLE_2.assign(seeds=[3, 1], **spread), "Table 2")

    lines = cells(text)
    assert ["White", "Mixed", "Avg", "SD", "SER", "seeds"] in lines
    assert ["baseline", "93.51", "84.52", "89.02 ± 0.25", "6.36 ± 0.50", "2.38 ± 0.10", "3"] in lines
    assert ["stratified", "93.00", "-", "93.00", "0.00", "inf", "1"] in lines
    assert "SD over training seeds" in text
    assert "no spread over groups" in text


def test_a_study_of_one_seed_is_shown_without_a_word_on_seeds():
    assert render_table2(TABLE_2.assign(seeds=1), "Table 2") == render_table2(TABLE_2, "Table 2")
    assert "seed" not in render_table2(TABLE_2.assign(seeds=1), "Table 2")


def test_a_table_of_six_groups_and_several_seeds_fits_a_terminal_of_120_columns():
    groups = {group: [90.0] for group in "ABCDEF"}
    measures = {"Avg": 90.0, "SD": 10.0, "SER": 10.0, "seeds": 3}
    spread = {"Avg_seed_sd": 9.0, "SD_seed_sd": 9.0, "SER_seed_sd": 9.0}

    text = render_table2(pd.DataFrame({"strategy": ["protected_groups"], **groups, **measures, **spread}), "Table 2")

    assert max(map(len, text.splitlines())) <= 120


def test_says_what_the_measures_are_and_what_they_do_not_show():
    note = render_table2(TABLE_2, "Table 2").split("\n\n")[-1]

    assert "ddof = 1" in note
    assert "by chance alone" in note
    assert "not that anybody got more" in note


def test_a_table_of_many_groups_is_not_wrapped():
    groups = {f"a group with a long name {number}": [90.0] for number in range(9)}

    lines = render_table2(pd.DataFrame({"strategy": ["baseline"], **groups, "Avg": 90.0, "SD": 0.0, "SER": 1.0}), "")

    assert [len(line) for line in cells(lines) if line[:1] == ["baseline"]] == [13]


def test_is_plain_text_without_colour_codes_or_trailing_space():
    for text in (render_table1(TABLE_1, "DSC"), render_table2(TABLE_2, "Table 2")):
        assert "\x1b" not in text
        assert all(line == line.rstrip() for line in text.splitlines())
        assert not text.endswith("\n")
