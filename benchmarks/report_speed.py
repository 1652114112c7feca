"""Time and size of the report of a large study, everything simulated: ``python benchmarks/report_speed.py``.

590 test subjects in six groups, five strategies with three trainings each, overlays on the grid of UK Biobank. The
tables of evaluation are made first and not counted; what is counted is what ``kedro run --pipelines reporting`` does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import pandas as pd

from faircmr.core.scans import Cohort, Geometry, Phase, Prediction, PredictionKey, Scan, ScanFiles, Structure
from faircmr.core.study import AttributeParameters, summarise
from faircmr.fairness.audit import AuditParameters, audit_strategies
from faircmr.fairness.metrics import clinical_agreement, reclassification
from faircmr.fairness.tables import asterisks_of, table1, table1_seed_sd, table2
from faircmr.mitigation import FitsParameters, StrategyParameters
from faircmr.pipelines import reporting as nodes
from faircmr.reporting.report import ReportParameters, provenance

GROUPS = {"White": 472, "Mixed": 20, "Asian": 34, "Black": 24, "Chinese": 14, "Others": 26}
CHOICES: Mapping[str, Mapping[str, str]] = {
    "baseline": {},
    "stratified": {"sampler": "stratified_batch_sampling"},
    "meta_learning": {"objective": "fair_meta_learning"},
    "protected_groups": {"stages": "protected_groups"},
    "balanced": {"cohort": "balanced"},
}
SEEDS = (0, 1, 2)
GRID, SPACING = (10, 208, 162), (10.0, 1.83, 1.83)
METRICS = ("dsc", "hd95", "assd", "missed", "volume", "reference_volume")
Made = TypeVar("Made")


def main() -> None:
    """Print time and size of each step."""
    rng = np.random.default_rng(0)
    people = subjects(rng)
    found = {name: scores(name, people, rng) for name in CHOICES}
    tables = evaluated(found, people)
    report, audit = ReportParameters(), AuditParameters()
    started = time.process_time()
    surface = timed("surfaces", lambda: nodes.summarise_surfaces(people, **found))
    cases = timed("cases", lambda: nodes.find_cases(people, report, **found))
    pictures = timed("overlays", lambda: nodes.draw_cases(cohort(people), cases, **predictions(people)))
    tables |= {"surface": surface, "cases": cases}
    page = timed("report", lambda: nodes.report_study(audit, report, pictures, **tables))
    timed("paper's tables", lambda: nodes.write_paper_tables(audit, **tables))
    timed("paper's figures", lambda: nodes.draw_paper_figures(audit, **tables))
    timed("cards", lambda: nodes.write_cards(audit, report, **tables))
    print(f"together {time.process_time() - started:.1f} s of one CPU; report.html {len(page.encode()) / 1e6:.2f} MB")


def timed(name: str, make: Callable[[], Made]) -> Made:
    """What is made, its time printed."""
    started = time.process_time()
    made = make()
    print(f"{name}: {time.process_time() - started:.2f} s")
    return made


def subjects(rng: np.random.Generator) -> pd.DataFrame:
    """Who was tested."""
    race = np.repeat(list(GROUPS), list(GROUPS.values()))
    people = {"subject_id": [f"sub-{number:04d}" for number in range(len(race))], "protected_group": race, "race": race}
    return pd.DataFrame(
        {**people, "sex": rng.choice(["female", "male"], len(race)), "age": rng.normal(63, 7, len(race))}
    )


def scores(strategy: str, people: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Long scores: everybody, every seed, phase, structure and metric."""
    phases, structures = tuple(map(str, Phase)), tuple(one.name for one in Structure)
    names = ["seed", "subject_id", "phase", "structure", "metric"]
    index = pd.MultiIndex.from_product([SEEDS, people["subject_id"], phases, structures, METRICS], names=names)
    table = index.to_frame(index=False).astype({"seed": "Int64"})
    noise = rng.random(len(table))
    scale = {"dsc": 0.1, "hd95": 8.0, "assd": 2.0, "missed": 0.0, "volume": 80.0, "reference_volume": 80.0}
    value = table["metric"].map(scale).astype(float) * noise + table["metric"].map({"dsc": 0.85}).fillna(1.0).astype(
        float
    )
    return table.assign(value=value.clip(upper=1.0).where(table["metric"] == "dsc", value), strategy=strategy).assign(
        fold=pd.array([pd.NA] * len(table), dtype="Int64"), study_key="cohort:1 splits:2"
    )


def evaluated(found: Mapping[str, pd.DataFrame], people: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What evaluation has saved."""
    attributes = AttributeParameters(protected_attribute="race", audit_attributes=("race", "sex"))
    audited = audit_strategies(found, people, attributes, AuditParameters(draws=1000))
    strategies = {name: StrategyParameters.model_validate({"name": name, **one}) for name, one in CHOICES.items()}
    return {
        "demographics": summarise(people),
        "choices": nodes.list_strategies(**strategies),
        "table1": nodes.gather_tables(**{name: table1(table, people, ("sex",)) for name, table in found.items()}),
        "table1_seed_sd": table1_seed_sd(found, people, ("sex",)),
        "table2": table2(found, people),
        "groups": audited.groups,
        "disparity": audited.disparity,
        "changes": audited.changes,
        "adjusted": audited.adjusted,
        "matched": audited.matched,
        "asterisks": asterisks_of(found, people, ("sex",)),
        "agreement": clinical_agreement(found, people),
        "reclassified": reclassification(found, people),
        "provenance": provenance("cohort:1 splits:2", {"fits": FitsParameters(training_seeds=SEEDS)}),
    }


def cohort(people: pd.DataFrame) -> Cohort:
    """One noisy heart, whoever is asked for."""
    scan = heart()
    files = {(one, phase): ScanFiles(image=one) for one in people["subject_id"] for phase in Phase}
    return Cohort(people, pd.DataFrame(files.keys(), columns=["subject_id", "phase"]), files, lambda _: scan)


def predictions(people: pd.DataFrame) -> dict[str, dict[PredictionKey, Prediction]]:
    """The same heart a pixel beside, from every strategy."""
    scan = heart()
    beside = np.roll(scan.label if scan.label is not None else np.zeros(GRID, np.uint8), 1, axis=2)
    one = {
        PredictionKey(0, None, who, Phase.ED): Prediction(who, Phase.ED, 0, None, beside, scan.geometry)
        for who in people["subject_id"]
    }
    return dict.fromkeys(CHOICES, one)


def heart() -> Scan:
    """Noise does not compress: no picture of a scan is larger."""
    _, rows, columns = GRID
    radius = np.hypot(*(np.mgrid[:rows, :columns] - np.array([rows / 2, columns / 2])[:, None, None]))
    label = np.broadcast_to(np.where(radius < 14, 1, np.where(radius < 20, 2, 0)), GRID).astype(np.uint8)
    image = np.random.default_rng(0).random(GRID, dtype=np.float32) + label
    return Scan(image, label, Geometry(GRID, SPACING))


if __name__ == "__main__":
    main()
