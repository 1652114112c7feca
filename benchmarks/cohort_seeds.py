"""The embedded study over several cohort seeds: does stratified sampling shrink the planted gap?

Every seed is one whole study (its own cohort, group shifts and fits) in a folder of its own, run by
the same command that a user types. Finished studies are kept, so the script can be cut off and
started again.

    python benchmarks/cohort_seeds.py --folder /tmp/cohort-seeds --seeds 0 1 2 3 4 5 6 7 8 9
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from markdown_table import as_markdown


def main() -> None:
    arguments = parse_arguments()
    with ThreadPoolExecutor(arguments.studies_at_once) as pool:
        rows = list(pool.map(lambda seed: study(seed, arguments), arguments.seeds))
    table = pd.concat(rows, ignore_index=True)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.folder / "cohort_seeds.csv", index=False)
    print(as_markdown(table, decimals=2))
    print(verdict(table))


def study(seed: int, arguments: argparse.Namespace) -> pd.DataFrame:
    """Table 2 of one cohort seed with the DSC of each sex beside it."""
    root = arguments.folder / f"cohort-seed-{seed}"
    parameters = f"data_root={root},source_root={root / '01_raw' / 'scans'},cohort_seed={seed}"
    log = arguments.folder / f"cohort-seed-{seed}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as out:
        subprocess.run(
            [sys.executable, "-m", "kedro", "run", "--params", ",".join([parameters, *arguments.params])],
            check=True,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "KEDRO_DISABLE_TELEMETRY": "1"},
        )
    table2 = pd.read_csv(root / "08_reporting" / "table2.csv")
    sexes = [sex_rows(root, strategy) for strategy in table2["strategy"]]
    table = pd.concat([table2, pd.DataFrame(sexes)], axis=1)
    table.insert(0, "cohort_seed", seed)
    return table


def sex_rows(root: Path, strategy: str) -> dict[str, float]:
    table1 = pd.read_csv(root / "08_reporting" / f"table1_{strategy}.csv")
    averages = table1[table1["attribute"] == "sex"].set_index("group")["Avg"]
    return {f"sex {sex}": float(average) for sex, average in averages.items()}


def verdict(table: pd.DataFrame) -> str:
    sd = table.pivot(index="cohort_seed", columns="strategy", values="SD")
    smaller = (sd["baseline"] > sd["stratified"]).sum()
    sexes = [column for column in table.columns if column.startswith("sex ")]
    gap = (table[sexes].max(axis=1) - table[sexes].min(axis=1)).max()
    return f"SD(baseline) > SD(stratified) in {smaller} of {len(sd)} cohort seeds; largest gap between sexes {gap:.2f}"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True, help="where the studies are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--studies-at-once", type=int, default=1)
    parser.add_argument("--params", nargs="*", default=[], help="further parameters, as training.threads=1")
    return parser.parse_args()


if __name__ == "__main__":
    main()
