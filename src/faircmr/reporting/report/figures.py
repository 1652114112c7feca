"""Figures of a study: how far its groups lie apart, what its strategies give and take, and how they err."""

from __future__ import annotations

import math

import pandas as pd
from matplotlib.figure import Figure

from faircmr.reporting.audit_tables import LEVELLING_DOWN, with_reading
from faircmr.reporting.report.chance import chance_of_disparity
from faircmr.reporting.report.dots import Dot, Legend, draw_dots
from faircmr.reporting.report.study import Study, each

NAN = math.nan
LOOK_OF_READING = {"higher": "plain", "lower": "marked", f"lower: {LEVELLING_DOWN}": "alarm"}


def draw_disparity(study: Study) -> Figure:
    """SD over protected groups of every strategy with its interval, on what chance alone would give."""
    disparity = study.of(study.tables.disparity, study.protected)
    chance = chance_of_disparity(study.of(study.tables.groups, study.protected), study.audit.confidence)
    bands = dict(zip(chance["model"], chance["upper"], strict=True))
    dots = [
        Dot(
            str(row.model),
            float(row.SD),
            float(row.SD_low),
            float(row.SD_high),
            "marked" if row.p_omnibus <= study.audit.alpha else "hollow",
            bands.get(str(row.model), NAN),
        )
        for row in each(disparity)
    ]
    legend = Legend(
        "SD over groups (points)",
        {"marked": "more than chance (omnibus test)", "hollow": "no more than chance was shown"},
        band=f"chance alone, in {100 * study.audit.confidence:.3g} % of studies",
    )
    return draw_dots({f"Disparity by {study.protected}": dots}, legend)


def draw_changes(study: Study) -> Figure:
    """Change of every protected group since the baseline, one panel a strategy."""
    disparity = study.of(study.tables.disparity, study.protected)
    changes = with_reading(study.of(study.tables.changes, study.protected), disparity, study.baseline)
    panels = {
        str(model): [
            Dot(
                str(row.group),
                float(row.change),
                float(row.low),
                float(row.high),
                LOOK_OF_READING.get(row.reading, "hollow"),
            )
            for row in each(rows)
        ]
        for model, rows in changes.groupby("model", sort=False)
    }
    words = {
        "plain": "higher",
        "marked": "lower",
        "alarm": "lower, while SD fell: levelling down",
        "hollow": "insufficient evidence",
    }
    return draw_dots(panels, Legend(f"change since {study.baseline} (points)", words, reference=0.0))


def draw_surface(study: Study) -> Figure:
    """HD95 of every protected group, mean over structures, one panel a strategy."""
    table = study.tables.surface
    rows = table[table["metric"] == "hd95"].groupby(["strategy", "group"], sort=False)[["median", "low", "high"]].mean()
    panels: dict[str, list[Dot]] = {}
    for row in each(rows.reset_index()):
        panels.setdefault(str(row.strategy), []).append(Dot(str(row.group), row.median, row.low, row.high))
    return draw_dots(panels, Legend("HD95 (mm)", {"plain": "median, and quartiles over subjects"}))


def draw_agreement(study: Study, measure: str) -> Figure:
    """Bias and limits of agreement of one clinical measure by group, one panel a strategy; of the first seed."""
    table = first_seed(study.tables.agreement)
    table = table[table["measure"] == measure]
    panels = {
        str(strategy): [
            Dot(str(row.group), float(row.bias), float(row.lower_limit), float(row.upper_limit)) for row in each(rows)
        ]
        for strategy, rows in table.groupby("strategy", sort=False)
    }
    unit = str(table["unit"].iloc[0])
    legend = Legend(
        f"{measure}, predicted minus reference ({unit})", {"plain": "bias, and limits of agreement"}, reference=0.0
    )
    return draw_dots(panels, legend)


def first_seed(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first training seed of each strategy, or of all seeds together where that is what there is."""
    seeds = table["seed"].fillna(-1)
    return table[seeds == seeds.groupby(table["strategy"]).transform("min")]
