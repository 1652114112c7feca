"""Studies of the embedded cohort for benchmarks: run by the command that a user types, and read back.

Each study has a folder of its own below the benchmark's. What is finished in it is skipped by the receipts that
every run asks, so a benchmark that was cut off goes on when it is started again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from omegaconf import OmegaConf

from faircmr.fairness.tables import MEASURES, scores_by_seed, table1
from faircmr.sources.synthetic import GROUPS

PROJECT = Path(__file__).parents[1]
MEASURED = (*MEASURES, "sex_gap")
"""Columns that have their SD over training seeds in a column ``<name>_seed_sd`` beside them."""


@dataclass(frozen=True)
class Study:
    """One ``kedro run``.

    Attributes:
        root: Its ``data_root``; log and parameters lie beside it.
        strategies: To run and compare.
        names: What the benchmark calls it: the first columns of its rows.
        parameters: As on the command line of ``kedro run``, nested.
    """

    root: Path
    strategies: tuple[str, ...]
    names: Mapping[str, object]
    parameters: Mapping[str, Any]

    def run(self) -> None:
        """Run what is not finished."""
        self.root.parent.mkdir(parents=True, exist_ok=True)
        own = {"data_root": str(self.root), "source_root": str(self.root / "01_raw" / "scans")}
        run = {"pipelines": ",".join([*self.strategies, "evaluation"]), "params": {**self.parameters, **own}}
        # a file, because a list has commas and --params is divided at commas
        self.root.with_suffix(".yml").write_text(yaml.safe_dump({"run": run}))
        log = self.root.with_suffix(".log")
        with log.open("w") as out:
            code = subprocess.run(
                [sys.executable, "-m", "kedro", "run", "--config", str(self.root.with_suffix(".yml"))],
                check=False,
                cwd=PROJECT,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "KEDRO_DISABLE_TELEMETRY": "1"},
            ).returncode
        if code:
            raise SystemExit(f"{log}: {(log.read_text().splitlines() or ['empty'])[-1]}")

    def rows(self) -> pd.DataFrame:
        """Table 2 of the study's strategies with the gap between the sexes, female less male, in points."""
        table = pd.read_csv(self.root / "08_reporting" / "table2.csv").set_index("strategy").loc[[*self.strategies]]
        table = table.reindex(columns=[*GROUPS, *MEASURES, "seeds", *(f"{name}_seed_sd" for name in MEASURES)])
        gaps = pd.DataFrame([self._sex_gap(strategy) for strategy in table.index], index=table.index)
        rows = table.join(gaps).reset_index()
        return pd.DataFrame([self.names] * len(rows)).join(rows)

    def _sex_gap(self, strategy: str) -> dict[str, float]:
        subjects = pd.read_parquet(self.root / "03_primary" / "subjects.parquet")
        scores = pd.read_parquet(self.root / "07_model_output" / strategy / "scores.parquet")
        of_seeds = pd.Series([sex_gap(of_seed, subjects) for _, of_seed in scores_by_seed(scores)])
        return {"sex_gap": sex_gap(scores, subjects), "sex_gap_seed_sd": float(of_seeds.std(ddof=1))}


def sex_gap(scores: pd.DataFrame, subjects: pd.DataFrame) -> float:
    """Mean DSC of women less that of men, points."""
    table = table1(scores, subjects, ["sex"])
    averages = table[table["attribute"] == "sex"].set_index("group")["Avg"]
    return float(averages["female"] - averages["male"])


def run_all(studies: Sequence[Study], at_once: int) -> pd.DataFrame:
    """Run the studies and put their rows below each other."""

    def finished(study: Study) -> pd.DataFrame:
        study.run()
        print(f"{study.root.name} is finished", file=sys.stderr, flush=True)
        return study.rows()

    with ThreadPoolExecutor(at_once) as pool:
        return pd.concat(list(pool.map(finished, studies)), ignore_index=True)


def with_spread(table: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Columns as text; a measure with its SD over training seeds behind it, ``3.09 ± 0.12``."""

    def cells(name: str) -> list[object]:
        if f"{name}_seed_sd" not in table:
            return table[name].tolist()
        pairs = zip(table[name], table[f"{name}_seed_sd"], strict=True)
        return [f"{value:.2f}" if pd.isna(sd) else f"{value:.2f} ± {sd:.2f}" for value, sd in pairs]

    return pd.DataFrame({spoken(name): cells(name) for name in columns})


def over_cohort_seeds(table: pd.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Mean, least and largest value over cohort seeds as text, ``3.09 (2.56 to 3.38)``."""

    def cell(values: pd.Series[float]) -> str:
        return f"{values.mean():.2f} ({values.min():.2f} to {values.max():.2f})"

    return table.groupby([*by], sort=False)[[*columns]].agg(cell).reset_index().rename(columns=spoken)


def spoken(name: str) -> str:
    """A column's name as a heading."""
    return name.replace("_", " ")


def arguments_of(
    description: str | None, extend: Callable[[argparse.ArgumentParser], object] = lambda _: None
) -> argparse.Namespace:
    """Arguments that every benchmark of studies has, and its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the studies are kept")
    parser.add_argument("--cohort-seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--training-seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--studies-at-once", type=int, default=1)
    parser.add_argument("--params", nargs="*", default=[], help="further parameters, as training.threads=1")
    extend(parser)
    return parser.parse_args()


def parameters_of(arguments: argparse.Namespace, cohort_seed: int, **own: object) -> dict[str, Any]:
    """Parameters of a study: the benchmark's own, and over them what the command line names."""
    common: dict[str, Any] = {"cohort_seed": cohort_seed, "fits": {"training_seeds": arguments.training_seeds}}
    merged = OmegaConf.merge(common | own, OmegaConf.from_dotlist(arguments.params))
    return dict(OmegaConf.to_container(merged))  # type: ignore[arg-type]
