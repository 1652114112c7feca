"""Subjects whose differences are known, for tests of what adjusts them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from faircmr.core import generator

SIZES = {"White": 80, "Asian": 24, "Black": 12}


def cohort(sizes: dict[str, int] | None = None, seed: int = 0) -> pd.DataFrame:
    """One row a subject: group and covariates, independent of each other and of any score."""
    groups = np.repeat(list(sizes or SIZES), list((sizes or SIZES).values()))
    rng, subjects = generator(seed, "cohort"), len(groups)
    return pd.DataFrame(
        {
            "group": groups,
            "age": rng.normal(60, 8, subjects),
            "bmi": rng.normal(27, 4, subjects),
            "sex": rng.choice(["F", "M"], subjects),
            "centre": rng.choice([11, 12, 13], subjects),
            "lv_volume": rng.normal(150, 30, subjects),
        },
        index=pd.Index([f"sub-{number:04d}" for number in range(subjects)], name="subject_id"),
    )


def noise(subjects: pd.DataFrame, sd: float = 0.02, seed: int = 0) -> pd.Series:
    """Scores around 0.85 that depend on nothing."""
    drawn = generator(seed, "noise").normal(0.85, sd, len(subjects))
    return pd.Series(drawn, index=subjects.index)
