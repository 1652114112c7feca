"""Tables of how large differences are, and of what pairs of people who are alike say of them."""

from __future__ import annotations

import pandas as pd

from faircmr.reporting.audit_tables import ABSENT, Columns, bracketed, by_group, by_model, decimal, p_value
from faircmr.reporting.html_page import Html, table


def effect_rows(groups: pd.DataFrame) -> Html:
    """How large the difference of each group is, in units that do not depend on the score.

    Args:
        groups: Rows of one attribute, of :attr:`faircmr.fairness.audit.Audit.groups`.
    """
    columns: Columns = {
        "group": lambda row: str(row.group),
        "n": lambda row: str(row.n),
        "Hedges' g [interval] (SD)": lambda row: bracketed(row.hedges_g, row.g_low, row.g_high),
        "chance of the higher score [interval] (%)": lambda row: bracketed(
            100.0 * row.superiority, 100.0 * row.superiority_low, 100.0 * row.superiority_high, decimals=0
        ),
    }
    return table("Size of the differences from all others", list(columns), by_model(groups, columns))


def matched_rows(matched: pd.DataFrame) -> Html:
    """What is left of each group's difference between people who are alike.

    Args:
        matched: Rows of one attribute, of :attr:`faircmr.fairness.audit.Audit.matched`.
    """
    columns: Columns = {
        "group": lambda row: str(row.group),
        "alike in": lambda row: str(row.matched_on),
        "pairs of members": lambda row: f"{row.pairs} of {row.n}",
        "member less other [interval] (points)": lambda row: bracketed(row.difference, row.low, row.high),
        "p": lambda row: p_value(row.p),
        "p, Holm": lambda row: p_value(row.p_holm),
        "largest imbalance before (SD)": lambda row: decimal(row.imbalance_before),
        "after (SD)": lambda row: decimal(row.imbalance_after),
        "still unbalanced, by SD": lambda row: ABSENT if pd.isna(row.unbalanced) else row.unbalanced,
    }
    return table("Pairs of people who are alike", list(columns), by_model(by_group(matched), columns))
