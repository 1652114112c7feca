"""How often do the intervals hold the truth? Coverage of every estimand, at six groups of 472 to 9 subjects.

The sizes are an assumption. Scores are Dice with an SD of 4 points within each group. True group means lie around 85 %,
evenly spaced, the larger the group the higher, and scaled to the SD over groups that is asked for. Skewed scores are a
gamma variable turned over, so that mean, SD and skewness are exact. "Rare failures" are normal scores of which 5 % lie
8 SD lower (skewness -2.7): of groups of nine, two in three show none. Nothing is cut off at 0 or 1, for the truth to
stay exact. With several trainings, each moves all scores by 0.5 points (SD), those of a group by 0.3, and
each score by 2.

    python benchmarks/interval_coverage.py --tables 2000 --draws 2000
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np
import numpy.typing as npt
import pandas as pd
from interval_alternatives import bca, percentile, student
from markdown_table import as_markdown

from faircmr.core import derived_seed, generator
from faircmr.fairness.inference import (
    GroupBootstrap,
    Groups,
    Interval,
    bootstrap_t,
    bootstrap_t_over_seeds,
    gap_interval,
    sd_interval,
    ser_interval,
    worst_interval,
)
from faircmr.fairness.tables import disparity_sd, skewed_error_ratio

Array = npt.NDArray[np.float64]
Shape = Callable[[np.random.Generator, tuple[int, ...]], Array]
Key = tuple[str, str]
SIZES = {f"n = {size}": size for size in (472, 18, 41, 24, 9, 26)}
PLACES = np.array([5.0, -3.0, 3.0, -1.0, -5.0, 1.0])
GROUPS = Groups.of(list(np.repeat(list(SIZES), list(SIZES.values()))), order=list(SIZES))
MEAN, WITHIN_SD = 0.85, 0.04
TRAINING_SDS = (0.005, 0.003, 0.02)
MEASURES = {"SD": disparity_sd, "SER": skewed_error_ratio}
PROJECTED = {"SD": sd_interval, "SER": ser_interval, "gap": gap_interval, "worst": worst_interval}
AT_ONCE = 100
"""Tables that share their draws of subjects; the next hundred has others."""


def gamma(skewness: float) -> Shape:
    shape = 4 / skewness**2
    return lambda random, size: (shape - random.gamma(shape, size=size)) / np.sqrt(shape)


def rare_failures(random: np.random.Generator, size: tuple[int, ...]) -> Array:
    often, lower = 0.05, 8.0
    scores = random.standard_normal(size) - lower * (random.random(size) < often)
    return np.asarray((scores + often * lower) / np.sqrt(1 + lower**2 * often * (1 - often)))


SHAPES: dict[str, Shape] = {
    "normal": np.random.Generator.standard_normal,
    "skew -1.5": gamma(1.5),
    "skew -4": gamma(4.0),
    "rare failures": rare_failures,
}


@dataclass(frozen=True)
class Setting:
    """One row of the tables printed."""

    scores: str
    sd: float
    simulate: Callable[[np.random.Generator], Array]
    """Scores of as many tables as share their draws, less their true mean."""
    intervals: Callable[[Array, int, int], dict[Key, Interval]]
    """By name and estimand, from scores, draws and seed."""

    def rows(self, arguments: argparse.Namespace) -> Iterator[dict[str, object]]:
        names = (self.scores, f"{self.sd:g}")
        print(*names, file=sys.stderr, flush=True)
        means = MEAN + self.sd / 100 * PLACES / PLACES.std(ddof=1)
        true = truth(means)
        held, widths = defaultdict[Key, list[Array]](list), defaultdict[Key, list[Array]](list)
        for first in range(0, arguments.tables, AT_ONCE):
            scores = self.simulate(generator(arguments.seed, *names, first)) + means[GROUPS.codes]
            seed = derived_seed(arguments.seed, *names, "draws", first)
            for key, interval in self.intervals(scores, arguments.draws, seed).items():
                held[key].append(interval.holds(true[key[1]]).astype(np.float64))
                widths[key].append(interval.high - interval.low)
        for (name, estimand), parts in held.items():
            width = np.median(widths[name, estimand]) * (1 if estimand == "SER" else 100)
            row = {"interval": name, "estimand": estimand, "scores": self.scores, "true SD": names[1]}
            yield {**row, "coverage": 100 * np.mean(parts), "median width": width}


def main() -> None:
    arguments = parsed()
    table = pd.DataFrame([row for setting in settings(arguments) for row in setting.rows(arguments)])
    for name, rows in table.groupby("interval", sort=False):
        for number, unit, decimals in (("coverage", "%", 1), ("median width", "points (SER: no unit)", 2)):
            wide = rows.pivot_table(number, ["scores", "true SD"], "estimand", sort=False).reset_index()
            print(f"\n{name}: {number}, {unit}\n\n{as_markdown(wide, decimals)}")
    print(f"\n{arguments.tables} tables a row, {arguments.draws} draws a table.")


def settings(arguments: argparse.Namespace) -> Iterator[Setting]:
    for (name, shape), sd in product(SHAPES.items(), arguments.sds):
        yield Setting(name, sd, partial(one_training, shape=shape), of_one_training)
    for seeds, sd in product(arguments.trainings, arguments.sds):
        yield Setting(f"{seeds} trainings", sd, partial(trainings, seeds=seeds), of_trainings)


def one_training(random: np.random.Generator, shape: Shape) -> Array:
    return WITHIN_SD * shape(random, (AT_ONCE, len(GROUPS.codes)))


def trainings(random: np.random.Generator, seeds: int) -> Array:
    """Scores of subjects, moved by each training: all, each group, each subject."""
    subjects = len(GROUPS.codes)
    of_all, of_group, of_subject = (
        sd * random.standard_normal((AT_ONCE, seeds, many))
        for sd, many in zip(TRAINING_SDS, (1, len(SIZES), subjects), strict=True)
    )
    heart = WITHIN_SD * random.standard_normal((AT_ONCE, 1, subjects))
    return np.asarray(heart + of_all + of_group[..., GROUPS.codes] + of_subject)


def of_one_training(scores: Array, draws: int, seed: int) -> dict[Key, Interval]:
    result = bootstrap_t(scores, GROUPS, draws, seed)
    found = {**of_result(result, ""), **by_group("Student's t", student(result.groups, GROUPS.sizes))}
    for name, measure in MEASURES.items():
        found["percentile", name] = percentile(measure, result.groups)
        found["BCa", name] = bca(measure, result.groups, scores, GROUPS)
    return found


def of_trainings(scores: Array, draws: int, seed: int) -> dict[Key, Interval]:
    conditional = bootstrap_t(scores.mean(axis=1), GROUPS, draws, seed)
    crossed = bootstrap_t_over_seeds(scores, GROUPS, draws, seed)
    return {**of_result(crossed, ", crossed"), **of_result(conditional, ", only subjects drawn again")}


def of_result(result: GroupBootstrap, how: str) -> dict[Key, Interval]:
    region = result.region()
    projected = {(f"projection{how}", name): project(region) for name, project in PROJECTED.items()}
    each = by_group(f"bootstrap-t{how}", result.groups.interval())
    return {**each, (f"bootstrap-t{how}", "mean of groups"): result.mean_of_groups.interval(), **projected}


def by_group(name: str, intervals: Interval) -> dict[Key, Interval]:
    ends = (intervals.low, intervals.estimate, intervals.high)
    return {(name, group): Interval(*(end[..., number] for end in ends)) for number, group in enumerate(SIZES)}


def truth(means: Array) -> dict[str, float]:
    groups = dict(zip(SIZES, means.tolist(), strict=True))
    measures = {name: float(measure(means)) for name, measure in MEASURES.items()}
    return {**groups, **measures, "gap": np.ptp(means), "worst": means.min(), "mean of groups": means.mean()}


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=2000, help=f"a row; in steps of {AT_ONCE}")
    parser.add_argument("--draws", type=int, default=2000, help="of subjects, for each table")
    parser.add_argument("--sds", type=float, nargs="+", default=[0.0, 0.3, 1.0, 4.0], help="over groups, in points")
    parser.add_argument("--trainings", type=int, nargs="*", default=[3, 5], help="of the settings with several")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
