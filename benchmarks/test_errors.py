"""How often do the tests of fairness err? Monte-Carlo at the group sizes of the study, normal and skewed scores.

Group sizes are an assumption: 80 % of 590 test subjects in one group, the rest as in UK Biobank. Skewed scores are a
shifted gamma, mirrored: a tail of badly segmented hearts. Every table is drawn anew; permutations are drawn anew for
each batch of tables. About 20 minutes of CPU with the default numbers; pairs are tested one table at a time, and slow.

    python benchmarks/test_errors.py --parts null power --tables 5000
    python benchmarks/test_errors.py --parts margin --tables 20000
    python benchmarks/test_errors.py --parts pairs --tables 500
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import numpy as np
import pandas as pd
from markdown_table import as_markdown

from faircmr.core import derived_seed, generator
from faircmr.fairness.inference import (
    MARGIN,
    FloatArray,
    Groups,
    Moments,
    Tails,
    dunn,
    equivalence_tests,
    games_howell,
    holm,
    kruskal_wallis,
    permutation_tests,
    permuted_groups,
    sign_flip_tests,
    smallest_detectable_gap,
    standardised,
    welch_anova,
    welch_statistic,
    welch_t,
)

SIZES = (472, 18, 41, 24, 9, 26)
GROUPS = Groups(tuple(f"n={size}" for size in SIZES), np.repeat(np.arange(len(SIZES)), SIZES))
SHAPES = {"normal": 0.0, "skew -1.5": -1.5, "skew -4": -4.0}
SMALL_GROUPS_SD = (1.0, 1.5)
"""SD within the small groups, over that within the large one."""
MARGINS_IN_SD = (0.4, 4.0)
"""A margin of 1 DSC point where the SD within groups is 2.5 points, and a hard case where only the margin matters."""
DIRECTIONS = {"worse": -1.0, "better": 1.0}
BATCH = 250
ALPHA = 0.05


def main() -> None:
    arguments = arguments_of(__doc__)
    questions = questions_asked()
    with ProcessPoolExecutor(arguments.processes) as pool:
        for name in arguments.parts:
            title, simulate, conditions = questions[name]
            parts = pool.map(simulate, *zip(*conditions, strict=True), [arguments] * len(conditions))
            print(f"\n## {title}\n\n{as_markdown(pd.concat(parts), decimals=1)}", flush=True)
    print(f"\n{arguments.tables} tables, {arguments.draws} draws, seed {arguments.seed}, level 5 %.")


def questions_asked() -> dict[str, tuple[str, Callable[..., pd.DataFrame], Sequence[tuple[object, ...]]]]:
    """Title of a table, what simulates a part of it, and of which parts it consists."""
    none, spreads = "Rejected in % where there is no difference", list(product(SHAPES, SMALL_GROUPS_SD))
    at_margin = "Called equivalent in % where the true difference is the margin"
    at_gap = "Found in % at the gap that would be found in 80 % of normal tables by Welch's t"
    return {
        "null": (f"{none}: each group against the rest, and all at once", null_errors, spreads),
        "pairs": (f"{none}: some pair", pairwise_errors, spreads),
        "margin": (at_margin, margin_errors, list(product(SHAPES, MARGINS_IN_SD))),
        "power": (at_gap, powers, [(shape,) for shape in SHAPES]),
    }


def scores(shape: str, tables: int, rng: np.random.Generator) -> FloatArray:
    """Independent scores of mean 0 and SD 1, shape (tables, subjects)."""
    size, skewness = (tables, sum(SIZES)), SHAPES[shape]
    if not skewness:
        return rng.standard_normal(size)
    form = 4.0 / skewness**2
    return np.asarray(np.sign(skewness) * (rng.gamma(form, size=size) - form) / np.sqrt(form))


def batches(shape: str, tables: int, seed: int) -> Iterator[tuple[FloatArray, int]]:
    """Scores, and a seed for the permutations of these."""
    for start in range(0, tables, BATCH):
        count = min(BATCH, tables - start)
        yield scores(shape, count, generator(seed, "scores", shape, start)), derived_seed(seed, "draws", shape, start)


def null_errors(shape: str, small_sd: float, arguments: argparse.Namespace) -> pd.DataFrame:
    found: dict[str, list[FloatArray]] = {}
    for unit, seed in batches(shape, arguments.tables, arguments.seed):
        values = unit * np.where(GROUPS.codes == 0, 1.0, small_sd)
        default = permutation_tests(values, GROUPS, arguments.draws, seed)
        welch = welch_t(values, GROUPS).p_values
        tests = {
            "permutation": (default.against_rest.p_values, default.omnibus.p_values[:, np.newaxis]),
            "Welch": (welch, welch_anova(values, GROUPS).p_values),
            "Kruskal-Wallis": (np.full_like(welch, np.nan), kruskal_wallis(values, GROUPS).p_values),
            "paired sign flips": (
                sign_flip_tests(values, GROUPS, arguments.draws, seed).p_values,
                np.full((len(values), 1), np.nan),
            ),
        }
        for name, (each, omnibus) in tests.items():
            family = holm(each).min(axis=-1, keepdims=True)
            found.setdefault(name, []).append(np.concatenate([each, omnibus, family], axis=-1))
    names = {"scores": shape, "small SD x": small_sd}
    rows = [{**names, "test": name, **row(parts, [*GROUPS.names, "omnibus", "Holm"])} for name, parts in found.items()]
    return pd.DataFrame(rows)


def pairwise_errors(shape: str, small_sd: float, arguments: argparse.Namespace) -> pd.DataFrame:
    found: dict[str, list[FloatArray]] = {"Games-Howell": [], "Dunn, Holm": []}
    for unit, _ in batches(shape, arguments.tables, arguments.seed):
        values = unit * np.where(GROUPS.codes == 0, 1.0, small_sd)
        found["Games-Howell"].append(games_howell(values, GROUPS).p_values.min(axis=-1, keepdims=True))
        found["Dunn, Holm"].append(holm(dunn(values, GROUPS).p_values).min(axis=-1, keepdims=True))
    names = {"scores": shape, "small SD x": small_sd}
    return pd.DataFrame([{**names, "test": name, **row(parts, ["some pair"])} for name, parts in found.items()])


def margin_errors(shape: str, margin_in_sd: float, arguments: argparse.Namespace) -> pd.DataFrame:
    def p_values(unit: FloatArray, seed: int, group: int, sign: float) -> dict[str, FloatArray]:
        one = against_rest(group)
        values = (unit / margin_in_sd + sign * (one.codes == 0)) * MARGIN
        tested = equivalence_tests(values, one, arguments.draws, seed)
        return {"permutation": tested.p_values[:, 0], "Welch": welch_equivalence(values, one)}

    table = by_group_and_direction(shape, arguments, p_values)
    table.insert(1, "margin / SD", margin_in_sd)
    return table


def powers(shape: str, arguments: argparse.Namespace) -> pd.DataFrame:
    gaps = smallest_detectable_gap(SIZES, 1.0)

    def p_values(unit: FloatArray, seed: int, group: int, sign: float) -> dict[str, FloatArray]:
        one = against_rest(group)
        values = unit + sign * gaps[group] * (one.codes == 0)
        default = permutation_tests(values, one, arguments.draws, seed).against_rest
        return {
            "permutation": default.p_values[:, 0],
            "permutation, by size of t": by_absolute_value(values, one, arguments.draws, seed),
            "Welch": welch_t(values, one).p_values[:, 0],
        }

    return by_group_and_direction(shape, arguments, p_values)


def by_group_and_direction(
    shape: str,
    arguments: argparse.Namespace,
    p_values: Callable[[FloatArray, int, int, float], dict[str, FloatArray]],
) -> pd.DataFrame:
    """One row a direction and test, one column a group; each group moved by itself."""
    found: dict[tuple[str, str], list[list[FloatArray]]] = {}
    for unit, seed in batches(shape, arguments.tables, arguments.seed):
        for (direction, sign), group in product(DIRECTIONS.items(), range(len(SIZES))):
            for name, p_value in p_values(unit, seed, group, sign).items():
                found.setdefault((direction, name), [[] for _ in SIZES])[group].append(p_value)
    rows = [
        {"scores": shape, "group is": direction, "test": name}
        | row([np.stack([np.concatenate(parts) for parts in columns], axis=-1)], list(GROUPS.names))
        for (direction, name), columns in found.items()
    ]
    return pd.DataFrame(rows)


def row(p_values: list[FloatArray], names: list[str]) -> dict[str, float]:
    """Percent of tables rejected, NaN where nothing was tested."""
    together = np.concatenate(p_values)
    rejected = np.where(np.isnan(together), np.nan, together <= ALPHA)
    return dict(zip(names, 100.0 * rejected.mean(axis=0), strict=True))


def against_rest(group: int) -> Groups:
    return Groups(("group", "rest"), np.where(GROUPS.codes == group, 0, 1))


def welch_equivalence(values: FloatArray, one: Groups) -> FloatArray:
    from scipy.stats import ttest_ind

    inside, outside = values[:, one.codes == 0], values[:, one.codes == 1]
    options = {"axis": -1, "equal_var": False}
    below = ttest_ind(inside + MARGIN, outside, alternative="greater", **options).pvalue
    above = ttest_ind(inside - MARGIN, outside, alternative="less", **options).pvalue
    return np.asarray(np.maximum(below, above))


def by_absolute_value(values: FloatArray, one: Groups, draws: int, seed: int) -> FloatArray:
    """What the default test would be by the size of t, whichever its sign."""
    table = standardised(values)
    observed = Moments.of(table, one.membership)
    tails = Tails(np.abs(welch_statistic(observed, observed.rest())))
    for permuted in permuted_groups(one, draws, len(table), seed):
        drawn = permuted.moments(table)
        tails.add(np.abs(welch_statistic(drawn, drawn.rest())))
    return tails.upper[:, 0]


def arguments_of(description: str | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=list(questions_asked()), default=list(questions_asked()))
    parser.add_argument("--tables", type=int, default=5000, help="of each kind")
    parser.add_argument("--draws", type=int, default=999, help="permutations of a table")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
