"""Tables of an audit for a page: percent and points with two decimals, each estimate with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pandas as pd

from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.inference import Verdict
from faircmr.reporting.html_page import Html, element, table

ABSENT = "-"
NO_BREAK = "\N{NO-BREAK SPACE}"
LEVELLING_DOWN = "levelling down"
Columns = dict[str, Callable[[Any], str]]
"""What makes a cell of a row, by the head of its column."""


def decimal(value: float, decimals: int = 2) -> str:
    """A number with its sign, ``∞`` where nothing bounds it, ``-`` where there is none."""
    if math.isnan(value):
        return ABSENT
    text = f"{abs(value):.{decimals}f}" if math.isfinite(value) else "∞"
    return f"-{text}" if value < 0 and text.strip("0.") else text


def p_value(value: float) -> str:
    """A p value with three decimals, as ``< 0.001`` where they show none."""
    return f"<{NO_BREAK}0.001" if value < 0.001 else decimal(value, 3)


def interval(low: float, high: float, decimals: int = 2) -> str:
    """Both ends of an interval; nothing where there is none."""
    ends = (decimal(low, decimals), "to", decimal(high, decimals))
    return "" if math.isnan(low) else NO_BREAK.join(ends)


def question_words(asked: AuditParameters) -> dict[str, str]:
    """What sentences need to know of the questions of an audit."""
    margin = 100.0 * asked.margin
    return {
        "confidence": f"{100 * asked.confidence:.3g}{NO_BREAK}%",
        "margin": f"{margin:.3g} {'point' if margin == 1.0 else 'points'}",
        "alpha": f"{asked.alpha:g}",
        "least": str(asked.min_group_size),
    }


def overview(groups: pd.DataFrame, attributes: Sequence[str]) -> Html:
    """What is said of how many groups, one row a model and one column an attribute."""
    said = groups.groupby(["model", "attribute"])["verdict"].value_counts()
    rows = [[model, *(_counted(said, model, name) for name in attributes)] for model in dict.fromkeys(groups["model"])]
    return table("What is said of how many groups", ["model", *attributes], {"": rows}, "words")


def disparity_rows(disparity: pd.DataFrame, unit: str) -> Html:
    """How far apart the groups of each model are.

    Args:
        disparity: Rows of one attribute, of :attr:`faircmr.fairness.audit.Audit.disparity`.
        unit: Of the scores, e.g. ``DSC``.
    """
    columns: Columns = {
        "model": lambda row: str(row.model),
        f"mean {unit} (%)": lambda row: decimal(row.mean),
        "Avg [interval] (%)": _with_interval("Avg"),
        "SD [interval] (points)": _with_interval("SD"),
        "SD less noise (points)": lambda row: decimal(row.SD_corrected),
        "SER [interval]": _with_interval("SER"),
        "gap [interval] (points)": _with_interval("gap"),
        "worst group [interval] (%)": _with_interval("worst"),
        "omnibus p": lambda row: p_value(row.p_omnibus),
        "equity-scaled by SD": lambda row: decimal(row.ES_SD, 3),
        "equity-scaled by deviations": lambda row: decimal(row.ES_deviations, 3),
        "may be the worst": lambda row: str(row.may_be_worst),
    }
    return table("Disparity between groups", list(columns), {"": _cells(disparity, columns)})


def group_rows(groups: pd.DataFrame, unit: str) -> Html:
    """How each group is served by each model.

    Args:
        groups: Rows of one attribute, of :attr:`faircmr.fairness.audit.Audit.groups`.
        unit: Of the scores, e.g. ``DSC``.
    """
    columns: Columns = {
        "group": lambda row: str(row.group),
        "n": lambda row: str(row.n),
        f"mean {unit} [interval] (%)": lambda row: bracketed(row.mean, row.low, row.high),
        "SD over subjects (points)": lambda row: decimal(row.sd),
        "difference from all others (points)": lambda row: decimal(row.difference),
        "p": lambda row: p_value(row.p),
        "p, Holm": lambda row: p_value(row.p_holm),
        "equivalence p, Holm": lambda row: p_value(row.p_equivalence_holm),
        "smallest detectable difference (points)": lambda row: decimal(row.detectable),
        "verdict": lambda row: str(row.verdict),
    }
    return table("Groups, by model", list(columns), by_model(groups, columns))


def change_rows(changes: pd.DataFrame, baseline: str) -> Html:
    """What each model gives and takes since the baseline.

    Args:
        changes: Rows of one attribute, as :func:`with_reading` makes them.
        baseline: Name of that model.
    """
    columns: Columns = {
        "group": lambda row: str(row.group),
        "n": lambda row: str(row.n),
        "not paired": lambda row: str(row.not_paired),
        "change [interval] (points)": lambda row: bracketed(row.change, row.low, row.high),
        "p": lambda row: p_value(row.p),
        "p, Holm": lambda row: p_value(row.p_holm),
        "reading": lambda row: _alarm(row.reading),
    }
    return table(f"Change since {baseline}, of the same subjects", list(columns), by_model(changes, columns))


def adjusted_rows(adjusted: pd.DataFrame) -> Html:
    """What is left of each group's difference when covariates are held equal.

    Args:
        adjusted: Rows of one attribute, of :attr:`faircmr.fairness.audit.Audit.adjusted`.
    """
    columns: Columns = {
        "group": lambda row: str(row.group),
        "adjusted for": lambda row: str(row.adjustment),
        "n": lambda row: str(row.n),
        "difference from all others [interval] (points)": lambda row: bracketed(row.difference, row.low, row.high),
        "p": lambda row: p_value(row.p),
        "p, Holm": lambda row: p_value(row.p_holm),
        "p, all groups": lambda row: p_value(row.p_all_groups),
    }
    return table("Differences with covariates held equal", list(columns), by_model(by_group(adjusted), columns))


def with_reading(changes: pd.DataFrame, disparity: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Changes with a column ``reading``.

    Args:
        changes: Rows of one attribute, of :attr:`faircmr.fairness.audit.Audit.changes`.
        disparity: Rows of the same attribute.
        baseline: Name of the model that changes are counted from.

    Returns:
        ``reading`` is ``higher`` or ``lower`` where the interval holds no 0, ``lower: levelling down`` where a model's
        SD has fallen as well, and ``insufficient evidence`` elsewhere.
    """
    sds = dict(zip(disparity["model"], disparity["SD"], strict=True))
    evener = changes["model"].map(sds).astype(float) < sds.get(baseline, math.nan)
    reading = pd.Series(str(Verdict.INSUFFICIENT_EVIDENCE), index=changes.index, dtype="str")
    reading = reading.mask(changes["low"] > 0.0, "higher").mask(changes["high"] < 0.0, "lower")
    return changes.assign(reading=reading.mask((changes["high"] < 0.0) & evener, f"lower: {LEVELLING_DOWN}"))


def by_group(rows: pd.DataFrame) -> pd.DataFrame:
    """All rows of a group of a model one below the other, in the order in which both appear."""
    return rows.sort_values(["model", "group"], kind="stable", key=_in_order_of_appearance)


def _in_order_of_appearance(values: pd.Series[str]) -> pd.Series[int]:
    return pd.Series(pd.factorize(values)[0], index=values.index)


def _counted(said: pd.Series[int], model: str, attribute: str) -> str:
    counts = [(said.get((model, attribute, str(verdict)), 0), verdict) for verdict in Verdict]
    return "; ".join(f"{count} {verdict}" for count, verdict in counts if count) or ABSENT


def _with_interval(name: str) -> Callable[[Any], str]:
    return lambda row: bracketed(getattr(row, name), getattr(row, f"{name}_low"), getattr(row, f"{name}_high"))


def bracketed(estimate: float, low: float, high: float, decimals: int = 2) -> str:
    """An estimate, and in brackets its interval if it has one."""
    ends, number = interval(low, high, decimals), decimal(estimate, decimals)
    return f"{number} [{ends}]" if ends else number


def _alarm(reading: str) -> str:
    return element("strong", reading, class_="alarm") if LEVELLING_DOWN in reading else reading


def by_model(rows: pd.DataFrame, columns: Columns) -> dict[str, Sequence[Sequence[str]]]:
    """Cells of all rows, by the model that they are of."""
    return {str(model): _cells(of_model, columns) for model, of_model in rows.groupby("model", sort=False)}


def _cells(rows: pd.DataFrame, columns: Columns) -> list[list[str]]:
    found: Iterable[Any] = rows.itertuples(index=False)
    return [[make(row) for make in columns.values()] for row in found]


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
