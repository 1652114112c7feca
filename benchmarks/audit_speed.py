"""Seconds and memory of an audit with every question asked: five strategies on 590 subjects in six groups.

    OMP_NUM_THREADS=1 python benchmarks/audit_speed.py --repeats 5

10,000 bootstrap and 10,000 permutation draws of everything; skewed scores. By one attribute, then by two of them (and
both together) with age and centre held equal and the size of the heart as a mediator. The time is that of ``audit``
alone (checks of its input and making of its tables in it), after one run to warm up. The memory is what a fresh
process holds at most during its first audit, less what it held before; libraries that are imported on first use are
in it. Linux only.
"""

from __future__ import annotations

import argparse
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from markdown_table import as_markdown

from faircmr.core import generator
from faircmr.fairness.audit import AuditParameters, audit

SIZES = {"White": 472, "Mixed": 18, "Asian": 41, "Black": 24, "Chinese": 9, "Other": 26}
"""Of 590 test subjects; an assumption."""
GAPS = {"baseline": 0.06, "balanced": 0.01, "stratified": 0.0, "meta-learning": 0.005, "group models": 0.02}
ONE_ATTRIBUTE, ADJUSTED = "one attribute", "two, with covariates and a mediator"
PARAMETERS = {
    ONE_ATTRIBUTE: AuditParameters(attributes=("race",)),
    ADJUSTED: AuditParameters(attributes=("race", "sex"), covariates=("age", "centre"), mediators=("heart_ml",)),
}


@dataclass(frozen=True)
class Tables:
    """What is audited."""

    scores: pd.DataFrame
    demographics: pd.DataFrame


def main() -> None:
    options = parse()
    rows = [
        {
            "asked by": asked,
            "trainings of a strategy": trainings,
            "seconds, median (min to max)": described(seconds(tables_of(trainings), asked, options.repeats)),
            "additional memory at most, MiB": f"{in_a_fresh_process(trainings, asked):.0f}",
        }
        for asked in PARAMETERS
        for trainings in options.trainings
    ]
    print(as_markdown(pd.DataFrame(rows), 1))


def tables_of(trainings: int) -> Tables:
    races = np.repeat(list(SIZES), list(SIZES.values()))
    subjects = [f"sub-{number:04d}" for number in range(len(races))]
    rng = generator(0, "audit speed")
    # mean 0.9 and SD 0.04, with a tail of failures
    hearts = 0.92 - 0.02 * rng.gamma(1.0, 2.0, len(races)) / 2.0
    parts = [
        pd.DataFrame(
            {
                "model": strategy,
                "seed": training,
                "subject_id": subjects,
                "value": (hearts - gap * (races != "White") + rng.normal(0.0, 0.01, len(races))).clip(0.0, 1.0),
            }
        )
        for strategy, gap in GAPS.items()
        for training in range(trainings)
    ]
    return Tables(pd.concat(parts, ignore_index=True), people(subjects, races))


def people(subjects: list[str], races: npt.NDArray[np.str_]) -> pd.DataFrame:
    rng = generator(0, "people of audit speed")
    return pd.DataFrame(
        {
            "subject_id": subjects,
            "race": races,
            "sex": rng.choice(["F", "M"], len(races)),
            "age": rng.normal(62.0, 7.0, len(races)),
            "centre": rng.choice(["A", "B", "C", "D"], len(races)),
            "heart_ml": rng.normal(250.0, 50.0, len(races)),
        }
    )


def seconds(tables: Tables, asked: str, repeats: int) -> list[float]:
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        audit(tables.scores, tables.demographics, PARAMETERS[asked])
        times.append(time.perf_counter() - start)
    return times[1:]


def described(times: list[float]) -> str:
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


def in_a_fresh_process(trainings: int, asked: str) -> float:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(additional_mib, trainings, asked).result()


def additional_mib(trainings: int, asked: str) -> float:
    tables = tables_of(trainings)
    before = held_mib("VmRSS")
    audit(tables.scores, tables.demographics, PARAMETERS[asked])
    return held_mib("VmHWM") - before


def held_mib(what: str) -> float:
    """``VmRSS`` now, ``VmHWM`` at most until now; ``ru_maxrss`` of a process begins at what its parent held."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--trainings", type=int, nargs="+", default=[1, 3], help="of each strategy")
    return parser.parse_args()


if __name__ == "__main__":
    main()
