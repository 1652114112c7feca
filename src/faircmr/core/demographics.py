"""Who is in the study: numbers, sexes and ages by protected group (the paper's Fig. 2)."""

from __future__ import annotations

import pandas as pd

from faircmr.core.errors import InvalidCohortError
from faircmr.core.table_values import code_text

TOTAL = "Total"


def summarise(subjects: pd.DataFrame) -> pd.DataFrame:
    """Describe each protected group and everybody together.

    Args:
        subjects: ``subject_id`` and ``protected_group``; ``sex`` and ``age`` (years) where the
            cohort has them.

    Returns:
        One row a group, sorted, then ``Total``. Columns: ``protected_group``; ``n`` and ``percent``
        of the study; for each sex ``sex_<value>`` and ``sex_<value>_percent`` of those of the group
        whose sex is known, then ``sex_missing``; ``age_mean``, ``age_sd`` (``ddof=1``; missing for
        fewer than two) and ``age_missing``.

    Raises:
        InvalidCohortError: There are no subjects.

    Source:
        Puyol-Antón et al. 2021, section 4 and Fig. 2.
    """
    if subjects.empty:
        raise InvalidCohortError(
            "subjects",
            "none",
            "at least one subject",
            "02_intermediate/omissions.csv says which subjects are left out, and why",
        )
    subjects = subjects.assign(sex=code_text(subjects["sex"])) if "sex" in subjects else subjects
    groups = [(str(group), members) for group, members in subjects.groupby("protected_group", sort=True)]
    sexes = sorted(subjects["sex"].dropna().unique()) if "sex" in subjects else []
    rows = [
        {
            "protected_group": name,
            "n": len(members),
            "percent": 100 * len(members) / len(subjects),
            **_sexes(members, sexes),
            **_ages(members),
        }
        for name, members in [*groups, (TOTAL, subjects)]
    ]
    return pd.DataFrame(rows)


def _sexes(members: pd.DataFrame, sexes: list[str]) -> dict[str, float]:
    if "sex" not in members:
        return {}
    known = int(members["sex"].notna().sum())
    row: dict[str, float] = {}
    for sex in sexes:
        count = int((members["sex"] == sex).sum())
        row |= {f"sex_{sex}": count, f"sex_{sex}_percent": 100 * count / known if known else float("nan")}
    return {**row, "sex_missing": len(members) - known}


def _ages(members: pd.DataFrame) -> dict[str, float]:
    if "age" not in members:
        return {}
    age = members["age"].astype("float64")
    return {"age_mean": float(age.mean()), "age_sd": float(age.std(ddof=1)), "age_missing": int(age.isna().sum())}
