"""Tables of what mitigation adds to a training step, against what it may add."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

MOST_OF_A_STEP, MOST_OF_BOTH = 0.01, 1.05
"""Goals: share of a step that sampling or weighting may take, and joint step over the sum of both networks' own."""
Times = np.ndarray[Any, np.dtype[np.float64]]
Seconds = Mapping[str, Times]
"""Seconds of each turn, by what was timed."""


def shares(plain: Times, losses: Seconds, samplers: Seconds) -> pd.DataFrame:
    """Sampling and weighting as shares of one plain step."""
    step = statistics.median(plain)
    more = {
        "stratified sampler": samplers["stratified"],
        "stratified sampler, more than the random one": samplers["stratified"] - samplers["random"],
        "loss of reweighing, more than the plain one": losses["reweighing"] - losses["plain"],
        "loss of Group DRO, more than the plain one": losses["group_dro"] - losses["plain"],
    }
    rows = [row("one step, plain loss, stratified batches", plain), row("plain loss alone", losses["plain"])]
    for name, seconds in more.items():
        share = statistics.median(seconds) / step
        verdict = "met" if share <= MOST_OF_A_STEP else "missed"
        rows.append({**row(name, seconds), "of a step": f"{share:.2%}", "goal": f"{MOST_OF_A_STEP:.0%}: {verdict}"})
    return pd.DataFrame(rows).fillna("")


def joint(steps: Seconds) -> pd.DataFrame:
    """The joint step against both networks' own."""
    own = steps["segmentation"] + steps["classifier"]
    ratio = statistics.median(steps["joint"]) / statistics.median(own)
    verdict = "met" if ratio <= MOST_OF_BOTH else "missed"
    return pd.DataFrame(
        [
            row("segmentation alone, head of full resolution alone", steps["segmentation"]),
            row("classifier alone, segmentation given", steps["classifier"]),
            row("sum of both", own),
            {
                **row("joint step of meta-learning", steps["joint"]),
                "of the sum": f"{ratio:.3f}",
                "goal": f"{MOST_OF_BOTH}: {verdict}",
            },
        ]
    ).fillna("")


def row(what: str, seconds: Times) -> dict[str, str]:
    low, high = 1000 * seconds.min(), 1000 * seconds.max()
    return {"what": what, "ms, median (min to max)": f"{1000 * np.median(seconds):.3f} ({low:.3f} to {high:.3f})"}
