"""Sizes of differences and pairs are shown with their intervals, and with what they are not about."""

import math
import re
from html import unescape

import pandas as pd

from faircmr.reporting import effect_rows, matched_rows

GROUPS = pd.DataFrame(
    [
        ("ours", "A", 20, -0.5, -0.9, -0.1, 0.36, 0.25, 0.47),
        ("ours", "<B>", 3, *(math.nan,) * 6),
    ],
    columns=[
        "model",
        "group",
        "n",
        "hedges_g",
        "g_low",
        "g_high",
        "superiority",
        "superiority_low",
        "superiority_high",
    ],
)
MATCHED = pd.DataFrame(
    [
        ("ours", "confounders", "A", 20, 17, -1.5, -2.0, -1.0, 0.0004, 0.0008, 0.6, 0.21, "age 0.21, sex F -0.10"),
        ("ours", "confounders", "<B>", 12, 3, 0.5, *(math.nan,) * 4, 0.4, 0.05, None),
        ("ours", "confounders and mediators", "A", 20, 0, *(math.nan,) * 5, 0.6, math.nan, math.nan),
    ],
    columns=[
        *("model", "matched_on", "group", "n", "pairs", "difference", "low", "high", "p", "p_holm"),
        *("imbalance_before", "imbalance_after", "unbalanced"),
    ],
)


def cells(page: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", page)
    return [[unescape(cell).replace("\xa0", " ") for cell in re.findall(r">([^<]*)</t[hd]>", row)] for row in rows]


def test_sizes_of_differences_have_intervals_and_a_small_group_has_none():
    head, _, known, unknown = cells(effect_rows(GROUPS))

    assert head[2:] == ["Hedges' g [interval] (SD)", "chance of the higher score [interval] (%)"]
    assert known == ["A", "20", "-0.50 [-0.90 to -0.10]", "36 [25 to 47]"]
    assert unknown == ["<B>", "3", "-", "-"]


def test_pairs_say_of_how_many_they_are_and_what_stays_unbalanced():
    _, _, both, none, few = cells(matched_rows(MATCHED))

    assert both[1:4] == ["confounders", "17 of 20", "-1.50 [-2.00 to -1.00]"]
    assert both[4:] == ["< 0.001", "< 0.001", "0.60", "0.21", "age 0.21, sex F -0.10"]
    assert few[2:] == ["3 of 12", "0.50", "-", "-", "0.40", "0.05", "-"]
    # rows of one group stand together
    assert none == ["A", "confounders and mediators", "0 of 20", "-", "-", "-", "0.60", "-", "-"]
