"""How often does the paper's test mark a group that does not differ from the others?

Simulated test sets in which all groups have one true mean, of 590 subjects in groups of 472, 18, 41, 24, 9 and 26: an
assumption, the paper gives no counts. Scores are normal or skewed (mirrored gamma), and as spread in every group, twice
as spread in the five small ones, or twice as spread in the large one. Prints the tables of docs/paper_fidelity.md.

    python benchmarks/literal_test_error.py --draws 100000
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from markdown_table import as_markdown

from faircmr.core import generator
from faircmr.fairness.inference import Groups
from faircmr.fairness.tables import literal_t_test

SIZES = np.array([472, 18, 41, 24, 9, 26])
GROUPS = Groups(tuple(f"n = {size}" for size in SIZES), np.repeat(np.arange(len(SIZES)), SIZES))
SKEWS = (0.0, -1.5, -4.0)
SPREADS = {"equal": (1.0, 1.0), "small groups twice": (1.0, 2.0), "large group twice": (2.0, 1.0)}
"""SD of the large group and of the small ones."""
LEVELS = (0.01, 0.05)
CHUNK = 2_000


def main() -> None:
    arguments = parse_arguments()
    cases = list(product(SPREADS, SKEWS))
    rates = {case: rejection_rates(*case, arguments.draws) for case in cases}
    for column, level in enumerate(LEVELS):
        rows = [
            {"SD": spread, "skew": f"{skew:g}", **dict(zip(names(), rates[spread, skew][column], strict=True))}
            for spread, skew in cases
        ]
        error = 100 * np.sqrt(level * (1 - level) / arguments.draws)
        print(f"\nMarked in fact, %, nominal {level:.0%} (standard error of a rate at it: {error:.2f}):\n")
        print(as_markdown(pd.DataFrame(rows), decimals=2))
    print(f"\n{arguments.draws:,} test sets a row; any: at least one of the six groups is marked.")


def names() -> list[str]:
    return [*GROUPS.names, "any"]


def rejection_rates(spread: str, skew: float, draws: int) -> npt.NDArray[np.float64]:
    """Share of test sets in which each group, and any, is marked: percent, shape (levels, groups + 1)."""
    counts = np.zeros((len(LEVELS), len(SIZES) + 1))
    for scores in simulated_test_sets(spread, skew, draws):
        _, p = literal_t_test(scores, GROUPS)
        for row, level in enumerate(LEVELS):
            marked = p < level
            counts[row] += [*marked.sum(axis=0), marked.any(axis=1).sum()]
    return 100 * counts / draws


def simulated_test_sets(spread: str, skew: float, draws: int) -> Iterator[npt.NDArray[np.float64]]:
    """Scores with mean 0, in chunks; the numbers do not depend on the size of a chunk."""
    rng = generator(0, "literal test", spread, str(skew))
    large, small = SPREADS[spread]
    sds = np.where(GROUPS.codes == 0, large, small)
    for start in range(0, draws, CHUNK):
        yield sds * standard_scores(rng, (min(CHUNK, draws - start), SIZES.sum()), skew)


def standard_scores(rng: np.random.Generator, shape: tuple[int, ...], skew: float) -> npt.NDArray[np.float64]:
    """Mean 0 and SD 1; below 0 a skew is that of a mirrored gamma distribution, whose skewness is 2 / sqrt(shape)."""
    if skew == 0.0:
        return rng.normal(size=shape)
    gamma_shape = 4.0 / skew**2
    return np.asarray((gamma_shape - rng.gamma(gamma_shape, size=shape)) / np.sqrt(gamma_shape))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=100_000, help="simulated test sets a row")
    return parser.parse_args()


if __name__ == "__main__":
    main()
