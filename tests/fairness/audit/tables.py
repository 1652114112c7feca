"""Models whose fairness is known, for tests of the audit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from faircmr.core import generator
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.audit.comparison import AuditDraws, Compared, cohorts_by_subjects, comparisons, draw

SIZES = {"Asian": 20, "Black": 12, "White": 50}
PARAMETERS = AuditParameters(attributes=("race",), draws=1_000)
ID = r"\d{7}"
"""What a subject's id looks like, and nothing else does that an audit says."""


def people(sizes: Mapping[str, int] | None = None) -> pd.DataFrame:
    """One row a subject, who are of the groups ``race`` and in turn of two sexes; index ``subject_id``."""
    races = np.repeat(list(sizes or SIZES), list((sizes or SIZES).values()))
    index = pd.Index([str(1_000_000 + number) for number in range(len(races))], name="subject_id")
    return pd.DataFrame({"race": races, "sex": np.resize(["f", "m"], len(races))}, index=index)


def scored(subjects: pd.DataFrame, seed: int = 0, trainings: int = 1, sd: float = 0.02, **less: float) -> pd.DataFrame:
    """Scores around 0.9 of each subject (rows) in each training (columns), lower in the groups named."""
    shape = (len(subjects), trainings)
    gaps = subjects["race"].map(lambda race: less.get(race, 0.0)).to_numpy()[:, np.newaxis]
    values = 0.9 + generator(seed, "scores").normal(0.0, sd, shape) - gaps
    return pd.DataFrame(values.clip(0.0, 1.0), subjects.index, [str(number) for number in range(trainings)])


def as_long(scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The same as a table that somebody has: one row a score."""
    parts = [
        table.melt(var_name="seed", ignore_index=False).reset_index().assign(model=model)
        for model, table in scores.items()
    ]
    return pd.concat(parts, ignore_index=True)


def divided(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, parameters: AuditParameters = PARAMETERS
) -> list[Compared]:
    """All models by the first attribute."""
    found = cohorts_by_subjects(scores, subjects.index)
    return comparisons(found, subjects, parameters.attributes, parameters.min_group_size)[0][0]


def answered(
    scores: Mapping[str, pd.DataFrame], subjects: pd.DataFrame, parameters: AuditParameters = PARAMETERS
) -> list[AuditDraws]:
    """What the draws say of all models by the first attribute."""
    return [draw(compared, parameters) for compared in divided(scores, subjects, parameters)]
