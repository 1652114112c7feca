"""The synthetic tables that R and faircmr both read; seed 0, committed, and no person's.

    .venv/bin/python tests/references/make_inputs.py

Run again, it writes the same files unless NumPy has changed its streams; then the outputs must be made again too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from faircmr.core import generator

INPUTS = Path(__file__).parent / "inputs"
SIZES = {"A": 40, "B": 18, "C": 12, "D": 10, "E": 9, "F": 7}
LOSS = {"A": 0.0, "B": 3.0, "C": 1.0, "D": 0.5, "E": 4.0, "F": 2.0}
"""Points of DSC that a group is worse by."""


def scores() -> pd.DataFrame:
    """One row a subject: skewed DSC in percent of two strategies, the first also with ties, and confounders."""
    rng = generator(0, "references", "scores")
    group = np.repeat(list(SIZES), list(SIZES.values()))
    n = len(group)
    age = rng.normal(62, 7, n).round(1)
    spread = np.where(group == "A", 1.0, 1.6)
    dsc = 93 - np.array([LOSS[name] for name in group]) - 0.05 * (age - 62) - spread * rng.gamma(2.0, 1.0, n)
    table = {
        "subject": np.arange(1, n + 1),
        "group": group,
        # a centre with one subject: what a group of one is given
        "centre": np.where(np.arange(n) == n - 1, "three", np.where(np.arange(n) % 3 == 0, "two", "one")),
        "sex": rng.choice(["female", "male"], n),
        "age": age,
        "dsc": dsc.round(3),
        "dsc_other": (dsc + 0.3 + rng.normal(0, 1.5, n)).round(3),
        "dsc_rounded": dsc.round(0).astype(int),
    }
    return pd.DataFrame(table)


def volumes() -> pd.DataFrame:
    """LV end-diastolic volume in mL by reference and by model, for limits of agreement."""
    rng = generator(0, "references", "volumes")
    reference = rng.normal(145, 30, 30).round(1)
    return pd.DataFrame({"reference": reference, "model": (reference + rng.normal(-2, 6, 30)).round(1)})


def main() -> None:
    """Write both tables."""
    scores().to_csv(INPUTS / "scores.csv", index=False)
    volumes().to_csv(INPUTS / "volumes.csv", index=False)


if __name__ == "__main__":
    main()
