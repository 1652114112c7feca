"""Time and memory of data engineering, scoring and evaluation by the size of a simulated cohort.

    python -m benchmarks.reliability.scale --folder .benchmarks/scale

Every figure is of a whole ``kedro run`` in a process of its own: seconds of CPU, which other work on the machine
disturbs less than seconds of the clock; of repeats the least. Exponents are of work: seconds of CPU over those that
always the same piece of work took beside the command, for a virtual machine may be half as fast for minutes; of repeats
the median. What a command costs whatever the size (its start, its imports, draws of the bootstrap) is taken out by
subtracting its cost in the smallest cohort: the exponent is the slope of log(cost - that of the smallest) against
log(subjects - those of the smallest), over all sizes, and from each to the next; it is 1 where costs are a line. Every
measurement is kept, and what was measured is not measured again.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks.reliability.scale_runs import Workplace, measure_study
from benchmarks.reliability.scale_steps import EVALUATED, LISTED, WITH_IMAGES, Size, Step

WORK = (LISTED[0], WITH_IMAGES[0], WITH_IMAGES[3], EVALUATED[0])
AGAIN = (LISTED[1], WITH_IMAGES[1], WITH_IMAGES[4], EVALUATED[1])
MOST_EXPONENT, MOST_MIB = 1.05, 2048.0
OF_SMALL = 3
"""Repeats of small cohorts for each of the largest with images: their few seconds are soon taken, and soon wrong."""
OF_REPEATS: Mapping[str, Callable[[list[float]], float]] = {
    "cpu": min,
    "wall": min,
    "peak": max,
    "work": statistics.median,
}
Figures = Mapping[int, float]
"""One figure of a step by the number of subjects, sizes rising."""


def main() -> int:
    options = parse()
    place = Workplace(options.folder.resolve())
    place.prepare()
    sizes = [Size(count) for count in sorted(options.subjects)]
    tables = [Size(count, images=False) for count in sorted(options.tables)]
    larger = [Size(options.larger_scans[0], options.larger_scans[1], evaluated=False)] if options.larger_scans else []
    scored = place.study(sizes[-1], 0)
    repeats = {size: options.repeats * (1 if size == sizes[-1] else OF_SMALL) for size in sizes}
    # rounds of all sizes, for a machine's slow minutes would otherwise be those of one size
    for repeat in range(max(repeats.values())):
        for size in (*sizes, *tables, *larger):
            if repeat < repeats.get(size, 1):
                measure_study(place, size, repeat, scored)
    found = Found(place, [*sizes, *tables], max(repeats.values()))
    sys.stdout.write("\n".join(found.report(larger)) + "\n")
    return int(found.fails())


class Found:
    """What was measured.

    Args:
        place: Where it is kept.
        sizes: Cohorts, the smallest first.
        repeats: Studies of each size, at most.
    """

    def __init__(self, place: Workplace, sizes: Sequence[Size], repeats: int) -> None:
        self._place, self._sizes, self._repeats = place, sizes, repeats

    def figures(self, step: Step, what: str) -> Figures:
        """Least seconds, median work, or most memory, of the repeats."""
        choose = OF_REPEATS[what]
        costs = {size.subjects: self._place.costs(size, self._repeats, step) for size in self._sizes}
        return {count: choose([getattr(one, what) for one in each]) for count, each in costs.items() if each}

    def report(self, larger: Sequence[Size]) -> Iterator[str]:
        """Tables in Markdown."""
        counts = [size.subjects for size in self._sizes]
        columns = ["ms a subject", "exponent", "from each to the next"]
        yield from table("CPU, s (clock, s)", counts, columns, map(self._time, WORK))
        yield from table("peak, MiB", counts, ["KiB a subject"], map(self._memory, WORK))
        yield from table("nothing to do: CPU, s (clock, s)", counts, columns, map(self._time, AGAIN))
        for size in larger:
            for step in (LISTED[0], WITH_IMAGES[0]):
                peak = max(cost.peak for cost in self._place.costs(size, self._repeats, step))
                yield f"{step.name} of {size.subjects} subjects with scans of {size.pixels} pixels: peak {peak:.0f} MiB"

    def fails(self) -> bool:
        """Whether some work grows faster than the cohort, or holds too much."""
        growth = [exponent(self.figures(step, "work")) for step in WORK]
        most = [peak for step in WORK for peak in self.figures(step, "peak").values()]
        return not all(one <= MOST_EXPONENT for one in growth) or max(most) > MOST_MIB

    def _time(self, step: Step) -> list[str]:
        cpu, wall, work = (self.figures(step, what) for what in ("cpu", "wall", "work"))
        cells = [
            f"{cpu[size.subjects]:.1f} ({wall[size.subjects]:.1f})" if size.subjects in cpu else ""
            for size in self._sizes
        ]
        growth = [f"{exponent(work):.2f}", ", ".join(f"{one:.2f}" for one in exponents(work))]
        return [step.name, *cells, f"{1000 * slope(cpu):.2f}", *growth]

    def _memory(self, step: Step) -> list[str]:
        peak = self.figures(step, "peak")
        cells = [f"{peak[size.subjects]:.0f}" if size.subjects in peak else "" for size in self._sizes]
        return [step.name, *cells, f"{1024 * slope(peak):.1f}"]


def exponent(costs: Figures) -> float:
    """Growth over all sizes, beyond the cost of the smallest.

    Args:
        costs: Of three sizes or more.

    Returns:
        Of a cost ``a + b n`` 1, whatever ``a``; of ``a + b n^2`` more than 1.9 where sizes are far apart. NaN where a
        cohort costs no more than the smallest, or sizes are fewer.
    """
    beyond = _beyond_the_smallest(costs)
    if len(beyond) < 2 or any(math.isnan(cost) for _, cost in beyond):
        return math.nan
    return statistics.linear_regression(*zip(*beyond, strict=True)).slope


def exponents(costs: Figures) -> list[float]:
    """As :func:`exponent`, from each size but the smallest to the next."""
    return [
        (more - less) / (larger - smaller) for (smaller, less), (larger, more) in pairwise(_beyond_the_smallest(costs))
    ]


def _beyond_the_smallest(costs: Figures) -> list[tuple[float, float]]:
    """Logarithms of subjects and cost; NaN of a cohort that costs no more."""
    (smallest, fixed), *others = costs.items()
    return [
        (math.log(count - smallest), math.log(cost - fixed) if cost > fixed else math.nan) for count, cost in others
    ]


def slope(costs: Figures) -> float:
    """Cost of a subject, from the smallest cohort to the largest."""
    (smallest, first), *_, (largest, last) = costs.items()
    return (last - first) / (largest - smallest)


def table(title: str, counts: Sequence[int], further: Sequence[str], rows: Iterator[list[str]]) -> Iterator[str]:
    """A table in Markdown, a column a size."""
    head = [title, *(f"{count:,}" for count in counts), *further]
    yield from (f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))
    yield ""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where cohorts, studies and results are kept")
    parser.add_argument("--subjects", type=int, nargs="+", default=[100, 1000, 5903], help="of cohorts with images")
    parser.add_argument(
        "--tables", type=int, nargs="*", default=[100_000], help="of cohorts that are indexed and evaluated"
    )
    parser.add_argument(
        "--larger-scans", type=int, nargs="*", default=[1000, 128], help="subjects, and pixels, for memory"
    )
    parser.add_argument("--repeats", type=int, default=2, help="of the largest with images; smaller: three for each")
    options = parser.parse_args()
    if len({*options.subjects, *options.tables}) < 2:
        parser.error("--subjects and --tables: two sizes at least, to compare")
    return options


if __name__ == "__main__":
    sys.exit(main())
