"""What a table of strategies over cohort seeds says about the paper's claims, whichever way it comes out.

Every number is of Table 2 as it stands: scores averaged over training seeds first. Whom a claim speaks of and did not
run is named.
"""

from __future__ import annotations

from itertools import pairwise

import pandas as pd
from markdown_table import as_markdown

ORDER = ("baseline", "meta_learning", "stratified", "protected_groups", "balanced")
"""The five of Puyol-Antón et al. 2021 by the SD of their Table 2, the largest first."""
BEST = ("protected_groups", "balanced")


def verdicts(table: pd.DataFrame) -> str:
    """Markdown, one claim a line, then a table of every strategy against the baseline.

    Args:
        table: One row a cohort seed and strategy: ``cohort_seed``, ``strategy``, ``A``, ``Avg``, ``SD``, ``SER``,
            ``sex_gap``, ``sex_gap_seed_sd``.
    """
    ran = set(table["strategy"])
    missing = [name for name in ORDER if name not in ran]
    lines = [f"- Not run, of the paper's five: {', '.join(missing)}."] if missing else []
    if len(ran & set(ORDER)) > 1:
        five = table[table["strategy"].isin(ORDER)]
        lines += [line for name in ("SD", "SER") for line in extremes(wide(five, name), name)]
        lines += order(wide(five, "SD"))
    lines.append(largest_sex_gap(table))
    against = [against_baseline(table)] if {"baseline"} < ran else []
    return "\n\n".join(["\n".join(lines), *against])


def wide(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """One row a cohort seed, one column a strategy."""
    return table.pivot(index="cohort_seed", columns="strategy", values=name)


def extremes(values: pd.DataFrame, name: str) -> list[str]:
    """Whether the baseline is the largest, and one of the paper's two best the lowest."""
    lines, seeds = [], f"{len(values)} cohort seeds"
    if "baseline" in values:
        largest = int((values.idxmax(axis=1) == "baseline").sum())
        lines.append(f"- {name}: baseline is the largest of the {values.shape[1]} in {largest} of {seeds}.")
        lower = values.drop(columns="baseline").lt(values["baseline"], axis=0).all(axis=1)
        lines.append(f"- {name}: every mitigation is lower than baseline in {int(lower.sum())} of {seeds}.")
    if set(BEST) & set(values):
        lowest = values.idxmin(axis=1)
        named = ", ".join(f"{seed}: {strategy}" for seed, strategy in lowest.items())
        best = int(lowest.isin(BEST).sum())
        lines.append(f"- {name}: protected_groups or balanced is the lowest in {best} of {seeds} ({named}).")
    return lines


def order(sd: pd.DataFrame) -> list[str]:
    """The order by SD, in each cohort seed and of the means over cohort seeds."""
    expected = [name for name in ORDER if name in sd]
    found = {str(seed): _descending(row) for seed, row in sd.iterrows()}
    whole = sum(names == expected for names in found.values())
    neighbours = [
        f"{first} > {second} in {int((sd[first] > sd[second]).sum())}" for first, second in pairwise(expected)
    ]
    return [
        f"- The paper's order by SD, {' > '.join(expected)}, comes out whole in {whole} of {len(sd)} cohort seeds.",
        f"  - neighbours: {', '.join(neighbours)} of {len(sd)}.",
        *(f"  - cohort seed {seed}: {' > '.join(names)}" for seed, names in found.items()),
        f"  - mean over cohort seeds: {' > '.join(_descending(sd.mean()))}",
    ]


def largest_sex_gap(table: pd.DataFrame) -> str:
    """No gap between the sexes is planted: what is found is chance."""
    row = table.iloc[int(table["sex_gap"].abs().argmax())]
    spread = "one training seed" if pd.isna(row["sex_gap_seed_sd"]) else f"seed SD {row['sex_gap_seed_sd']:.2f}"
    return (
        f"- Largest gap between the sexes (female less male; none is planted): {row['sex_gap']:+.2f} points "
        f"({spread}), {row['strategy']} in cohort seed {row['cohort_seed']}; "
        f"mean of all {table['sex_gap'].mean():+.2f}."
    )


def against_baseline(table: pd.DataFrame) -> str:
    """Each strategy less the baseline of the same cohort seed: disparity, and levelling down."""
    changes = {name: wide(table, name).pipe(lambda each: each.sub(each["baseline"], axis=0)) for name in NAMED}
    rows = [
        {"less the baseline": strategy, **_row({name: change[strategy] for name, change in changes.items()})}
        for strategy in table["strategy"].drop_duplicates()
        if strategy != "baseline"
    ]
    return as_markdown(pd.DataFrame(rows), decimals=2)


NAMED = {"SD": "lower", "SER": "lower", "A": "lower: levelled down", "Avg": "lower"}
"""Numbers that are compared with the baseline's, and what is counted."""


def _row(changes: dict[str, pd.Series[float]]) -> dict[str, str]:
    cells = {}
    for name, change in changes.items():
        cells[name] = f"{change.mean():+.2f} ({change.min():+.2f} to {change.max():+.2f})"
        cells[f"{name} {NAMED[name]}"] = f"{int((change < 0).sum())} of {len(change)}"
    return cells


def _descending(values: pd.Series[float]) -> list[str]:
    return [str(name) for name in values.sort_values(ascending=False).index]
