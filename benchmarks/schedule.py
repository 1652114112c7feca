"""Is the gap between groups a matter of data, or of stopping early? The same studies with longer schedules.

baseline and stratified at 1, 2 and 4 times the steps of the embedded study; the learning rate falls to zero at the end
of each schedule. A factor and cohort seed is one study in a folder of its own. Cut it off and start it again at will.

    python benchmarks/schedule.py --folder /tmp/schedule
"""

from __future__ import annotations

import argparse
from itertools import product

import pandas as pd
from embedded_study import PROJECT, Study, arguments_of, over_cohort_seeds, parameters_of, run_all, with_spread
from markdown_table import as_markdown
from omegaconf import DictConfig, OmegaConf

from faircmr.sources.synthetic import GROUPS

STRATEGIES = ("baseline", "stratified")
LARGE, *SMALL = GROUPS
NAMES = ("factor", "steps", "strategy")


def main() -> None:
    arguments = arguments_of(__doc__, add_factors)
    folder = arguments.folder.resolve()
    studies = [study(arguments, *of) for of in product(arguments.factors, arguments.cohort_seeds)]
    table = run_all(studies, arguments.studies_at_once)
    table["others"] = table[SMALL].mean(axis=1)
    table["gap"] = table[LARGE] - table["others"]
    table.to_csv(folder / "schedule.csv", index=False)
    shown = ["factor", "steps", "cohort_seed", "strategy", LARGE, "others", "gap", "Avg", "SD", "SER"]
    print(as_markdown(with_spread(table, shown), decimals=2))
    print(
        f"\nDSC in %; others: mean of {', '.join(SMALL)}; gap and SD over groups in points; after ±: SD over "
        f"{len(arguments.training_seeds)} training seeds.\n\nMean over cohort seeds (least to largest):\n"
    )
    print(as_markdown(over_cohort_seeds(table, NAMES, [LARGE, "others", "gap", "SD", "SER"]), decimals=2))
    print("\n" + "\n".join(changes(table)))


def study(arguments: argparse.Namespace, factor: int, cohort_seed: int) -> Study:
    training = schedule_of(arguments)
    epochs = factor * training.epochs
    names = {"factor": factor, "steps": epochs * training.iterations_per_epoch, "cohort_seed": cohort_seed}
    parameters = parameters_of(arguments, cohort_seed)
    # over what the command line names, which is the schedule of factor 1
    parameters["training"] = {**parameters.get("training", {}), "epochs": epochs}
    root = arguments.folder.resolve() / f"{factor}-times-cohort-seed-{cohort_seed}"
    return Study(root, STRATEGIES, names, parameters)


def schedule_of(arguments: argparse.Namespace) -> DictConfig:
    """Epochs and steps an epoch of factor 1."""
    base = OmegaConf.load(PROJECT / "conf" / "base" / "parameters_training.yml")
    merged: DictConfig = OmegaConf.merge(base, OmegaConf.from_dotlist(arguments.params)).training
    return merged


def changes(table: pd.DataFrame) -> list[str]:
    """SD and gap of the longest schedule against the shortest."""
    shortest, longest = table["factor"].min(), table["factor"].max()
    lines = []
    against = f"at {longest} times the steps less that at {shortest} times"
    for strategy, name in product(STRATEGIES, ("SD", "gap")):
        values = table[table["strategy"] == strategy].pivot(index="cohort_seed", columns="factor", values=name)
        change = values[longest] - values[shortest]
        lines.append(
            f"- {strategy}: {name} {against} is {change.mean():+.2f} points "
            f"({change.min():+.2f} to {change.max():+.2f}); "
            f"it falls in {int((change < 0).sum())} of {len(change)} cohort seeds."
        )
    return lines


def add_factors(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--factors", type=int, nargs="+", default=[1, 2, 4], help="times the steps of the study")


if __name__ == "__main__":
    main()
