"""Seconds of the cohort report's checks and page on tables of a cohort of the paper's size; no image is read.

    python benchmarks/cohort_checks_speed.py --subjects 5903

Six groups of the paper's proportions (an assumption), measures and descriptors drawn at random, one thread.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import pandas as pd
from markdown_table import as_markdown

from faircmr.core import generator, omission_table
from faircmr.core.scans import AS_STORED, FEATURES
from faircmr.core.study import AttributeParameters, empty_quarantine
from faircmr.fairness.audit import AuditParameters
from faircmr.fairness.cohort_checks import (
    GRID_MEASURES,
    IMAGE_MEASURES,
    CohortCheckParameters,
    CohortTables,
    check_cohort,
    compare_measures,
    detectable_gaps,
    find_pairs,
    geometry_counts,
    missing_values,
    quarantined_by_group,
    split_counts,
)
from faircmr.reporting import cohort_report

SHARES = {"White": 0.80, "Mixed": 0.03, "Asian": 0.07, "Black": 0.04, "Chinese": 0.016, "Others": 0.044}
ATTRIBUTES = AttributeParameters(protected_attribute="race", audit_attributes=("race", "sex"), covariates=("age",))
AUDIT, LIMITS = AuditParameters(attributes=("race", "sex")), CohortCheckParameters()
Result = TypeVar("Result")


class Clock:
    """Seconds of each step, in order."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def timed(self, what: str, work: Callable[[], Result]) -> Result:
        start = time.perf_counter()
        result = work()
        self.rows.append({"what": what, "seconds": time.perf_counter() - start})
        return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=5903)
    subjects, scans, quality, descriptors, splits = simulated(parser.parse_args().subjects)
    everybody = subjects.rename(columns={"protected_group": "race"})
    clock = Clock()
    counts = clock.timed("count groups, splits and sexes", lambda: split_counts(subjects, splits, ATTRIBUTES))
    tables = CohortTables(
        counts=counts,
        missing=clock.timed("missing values", lambda: missing_values(subjects, scans)),
        quarantined=quarantined_by_group(empty_quarantine(), everybody, "race"),
        geometry=geometry_counts(scans),
        omissions=omission_table({}),
        split_omissions=omission_table({}),
        measures=clock.timed(
            "compare people, grids and images", lambda: compare_measures(subjects, scans, quality, AUDIT)
        ),
        pairs=clock.timed(
            "look for near-duplicates", lambda: find_pairs(descriptors, everybody, splits, LIMITS.duplicate_distance)
        ),
        power=clock.timed("detectable gaps", lambda: detectable_gaps(counts, None, AUDIT, LIMITS)),
        audit=AUDIT,
        limits=LIMITS,
    )
    checks = clock.timed("hold against limits", lambda: check_cohort(tables, splits))
    clock.timed("write the page", lambda: cohort_report(tables, checks))
    table = pd.DataFrame(clock.rows)
    print(as_markdown(pd.concat([table, pd.DataFrame([{"what": "all", "seconds": table["seconds"].sum()}])]), 1))


def simulated(count: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Subjects, scans, image quality, descriptors and splits."""
    rng = generator(0, "cohort checks")
    ids = [f"sub-{number:05d}" for number in range(count)]
    subjects = pd.DataFrame(
        {
            "subject_id": ids,
            "protected_group": rng.choice(list(SHARES), count, p=list(SHARES.values())),
            "sex": rng.choice(["female", "male"], count),
            "age": rng.normal(62.0, 7.0, count),
        }
    )
    scans = pd.DataFrame({"subject_id": np.repeat(ids, 2), "phase": ["ED", "ES"] * count, "labelled": True})
    scans = scans.assign(unit="mm", label_grid=AS_STORED)
    grid = pd.DataFrame(rng.normal(10.0, 1.0, (2 * count, len(GRID_MEASURES))), columns=list(GRID_MEASURES))
    quality = pd.DataFrame(rng.uniform(0.0, 0.3, (2 * count, len(IMAGE_MEASURES))), columns=list(IMAGE_MEASURES))
    features = pd.DataFrame(rng.normal(size=(2 * count, len(FEATURES))), columns=list(FEATURES))
    names = scans[["subject_id", "phase"]]
    digests = [str(number) for number in range(2 * count)]
    splits = pd.DataFrame(
        {"subject_id": ids, "split": rng.choice(["train", "validation", "test"], count, p=[0.8, 0.1, 0.1])}
    )
    return (
        subjects,
        scans.join(grid),
        names.join(quality),
        names.assign(digest=digests).join(features),
        splits,
    )


if __name__ == "__main__":
    main()
