"""From raw scans to tensors by the engine's functions, without Kedro.

Usage: python prepare_ours.py SOURCE FOLDER WORKERS
"""

from __future__ import annotations

import sys
from pathlib import Path

from faircmr.core.study import index_scans
from faircmr.datasets import CohortDataset, TensorsDataset
from faircmr.segmentation.data import preprocess_subjects
from faircmr.segmentation.network import PlanOverrides, make_plans, take_fingerprint


def main(source: str, folder: str, workers: str) -> None:
    target = Path(folder)
    target.mkdir(parents=True)
    cohort = CohortDataset("faircmr.sources.acdc.Acdc", source, str(target / "key.csv"), workers=int(workers)).load()
    scans = index_scans(cohort).scans
    plans = make_plans(take_fingerprint(scans), PlanOverrides())
    (target / "plans.json").write_text(plans.model_dump_json(indent=1))
    TensorsDataset(str(target / "tensors"), int(workers)).save(preprocess_subjects(cohort.read, scans, plans))


if __name__ == "__main__":
    main(*sys.argv[1:])
