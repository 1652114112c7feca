"""A study of three groups and three strategies, and every table that its evaluation would have saved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

from faircmr.core import Omission, omission_table, strategy_step
from faircmr.core.scans import Phase, Structure
from faircmr.core.study import AttributeParameters, summarise
from faircmr.datasets import OptionalTableDataset
from faircmr.fairness.audit import AuditParameters, audit_strategies
from faircmr.fairness.metrics import clinical_agreement, reclassification
from faircmr.fairness.tables import asterisks_of, table1, table1_seed_sd, table2
from faircmr.mitigation import StrategyParameters
from faircmr.reporting.report import (
    Study,
    StudyTables,
    extreme_cases,
    one_below_another,
    provenance,
    strategy_choices,
    surface_errors,
)

GROUPS = {"Weiß & mehr": 24, "<b>Schwarz</b>": 12, "few": 3}
MEANS = {"baseline": (0.94, 0.86, 0.88), "even": (0.91, 0.9, 0.9), "matched": (0.92, 0.88, 0.89)}
STRATEGIES = {
    "baseline": StrategyParameters(name="baseline"),
    "even": StrategyParameters(name="even", sampler={"kind": "stratified_batch_sampling", "within": ["sex"]}),
    "matched": StrategyParameters(name="matched", cohort="size_matched"),
}
ATTRIBUTES = AttributeParameters(protected_attribute="race", audit_attributes=("race", "sex"), covariates=("age",))
AUDIT = AuditParameters(draws=400)
OMISSIONS = omission_table(
    {
        "Reading the data set": [Omission("archives", 3, 42, "no <contours>")],
        "Other attributes": [Omission("subjects", 2, 39, "not recorded", outcome="without age")],
        strategy_step("baseline"): [Omission("test scans", 0, 78, "no prediction was made", outcome="not predicted")],
        strategy_step("even"): [
            Omission("test scans", 0, 78, "no prediction was made", outcome="not predicted"),
            Omission("predicted scans", 4, 78, "no reference label", outcome="not scored"),
        ],
        strategy_step("matched"): [Omission("test scans", 5, 78, "no prediction was made", outcome="not predicted")],
    }
)
PHASES, STRUCTURES = tuple(map(str, Phase)), tuple(structure.name for structure in Structure)


def subjects() -> pd.DataFrame:
    race = np.repeat(list(GROUPS), list(GROUPS.values()))
    return pd.DataFrame(
        {
            "subject_id": [f"sub-{number:04d}" for number in range(len(race))],
            "protected_group": race,
            "race": race,
            "sex": np.resize(["F", "M"], len(race)),
            "age": np.linspace(45.0, 80.0, len(race)),
        }
    )


def scores(
    seeds: Sequence[int] = (0, 1), structures: Sequence[str] = STRUCTURES, metrics: Sequence[str] | None = None
) -> dict[str, pd.DataFrame]:
    """Scores of each strategy; the DSC of a subject is its group's mean and a little more, the same at every phase."""
    found = {name: pd.DataFrame(_rows(name, seeds, structures)) for name in MEANS}
    return {
        name: table[table["metric"].isin(metrics)] if metrics else table
        for name, table in ((name, table.astype({"seed": "Int64", "fold": "Int64"})) for name, table in found.items())
    }


def _rows(strategy: str, seeds: Sequence[int], structures: Sequence[str]) -> list[Mapping[str, object]]:
    means = dict(zip(GROUPS, MEANS[strategy], strict=True))
    rows = []
    for place, (subject, group) in enumerate(subjects()[["subject_id", "race"]].to_numpy()):
        dice = means[group] + 0.002 * (place % 7)
        for seed, phase, structure in product(seeds, PHASES, structures):
            drawn = (150.0 if phase == "ED" else 60.0) + place
            values = {
                "dsc": dice + 0.001 * seed,
                "hd95": 100 * (1 - dice),
                "assd": 10 * (1 - dice),
                "missed": 0.0,
                "volume": drawn * (2 - dice),
                "reference_volume": drawn,
            }
            key = {"strategy": strategy, "seed": seed, "fold": pd.NA, "study_key": "cohort:1 splits:2"}
            scan = {"subject_id": subject, "phase": phase, "structure": structure}
            rows += [{**key, **scan, "metric": metric, "value": value} for metric, value in values.items()]
    return rows


@cache
def study() -> Study:
    """Everything."""
    return study_of(scores())


def study_of(found: Mapping[str, pd.DataFrame]) -> Study:
    """What evaluation makes of these scores; clinical tables are left to :func:`study`."""
    people = subjects()
    audited = audit_strategies(found, people, ATTRIBUTES, AUDIT)
    clinical = any((table["metric"] == "volume").any() for table in found.values())
    empty = pd.DataFrame()
    tables = StudyTables(
        demographics=summarise(people),
        omissions=OMISSIONS,
        choices=strategy_choices(STRATEGIES),
        table1=one_below_another({name: table1(table, people, ("sex",)) for name, table in found.items()}),
        table1_seed_sd=table1_seed_sd(found, people, ("sex",)),
        table2=table2(found, people),
        groups=audited.groups,
        disparity=audited.disparity,
        changes=audited.changes,
        adjusted=audited.adjusted,
        matched=audited.matched,
        asterisks=asterisks_of(found, people, ("sex",)),
        agreement=clinical_agreement(found, people) if clinical else empty,
        reclassified=reclassification(found, people) if clinical else empty,
        surface=surface_errors(found, people),
        classifiers=CLASSIFIERS if clinical else empty,
        confusion=CONFUSION if clinical else empty,
        cases=extreme_cases(found, people, 1),
        provenance=provenance("cohort:1 splits:2", {"audit": AUDIT}),
    )
    return Study(saved(tables), AUDIT)


def saved(tables: StudyTables) -> StudyTables:
    """The same as the report gets them: written by the catalog's data sets, and read again."""
    with TemporaryDirectory() as folder:
        read = {}
        for name, table in vars(tables).items():
            dataset = OptionalTableDataset(str(Path(folder) / f"{name}.csv"))
            if len(table.columns):
                dataset.save(table)
            read[name] = dataset.load()
    return StudyTables(**read)


CONFUSION = pd.DataFrame(
    [("even", true, said, 20 if true == said else 1) for true in GROUPS for said in GROUPS],
    columns=["strategy", "protected_group", "predicted_group", "subjects"],
)
CLASSIFIERS = pd.DataFrame(
    [
        ("even", 0, "subject", "all", measure, value, value - 0.1, value + 0.05, 39)
        for measure, value in (("accuracy", 0.9), ("balanced_accuracy", 0.8), ("majority_rate", 0.6))
    ],
    columns=["strategy", "seed", "level", "group", "measure", "value", "low", "high", "n"],
)
