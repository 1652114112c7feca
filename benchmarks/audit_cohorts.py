"""Does the audit find a gap where one was planted, and none where there is none? Twenty cohorts of each, trained.

Each cohort is a study of its own: people, images, training. At strength 0 no group differs from another, so that a
strategy with one model for all is called uneven by chance alone; a model for each group may make a gap where none was,
and is told of and not judged. A planted gap is looked for in the baseline alone: what a mitigation leaves of it is a
question for another benchmark. Cut it off and start it again at will.

    python benchmarks/audit_cohorts.py --folder /tmp/audit-cohorts --params training.epochs=10
"""

from __future__ import annotations

import argparse
from itertools import product

import pandas as pd
from embedded_study import Study, arguments_of, parameters_of, run_all
from markdown_table import as_markdown

from faircmr.pipeline_registry import FAMILIES, STRATEGIES

PROTECTED = "group"
PAPER = [name for name in STRATEGIES if FAMILIES[name] == "paper"]
PLANTED, NONE = 1.0, 0.0


def main() -> None:
    arguments = arguments_of(__doc__, add_own)
    studies = [study(arguments, *of) for of in product(arguments.cohort_seeds, arguments.strengths)]
    run_all(studies, arguments.studies_at_once)
    table = pd.concat([verdicts(one, arguments.alpha) for one in studies], ignore_index=True)
    table.to_csv(arguments.folder.resolve() / "audit_cohorts.csv", index=False)
    counts = table.groupby(["strength", "strategy"], sort=False)[["uneven", "any_group_different"]]
    print(as_markdown(counts.sum().reset_index().rename(columns=str), decimals=0))
    print(
        f"\nOf {len(arguments.cohort_seeds)} cohorts of each strength: uneven, the omnibus permutation test at "
        f"{100 * arguments.alpha:g} %; any group different, after Holm's correction over all groups and strategies. "
        "At strength 0 all that is found is error, but for protected_groups."
    )


def study(arguments: argparse.Namespace, cohort_seed: int, strength: float) -> Study:
    names = {"cohort_seed": cohort_seed, "strength": strength}
    parameters = parameters_of(arguments, cohort_seed, shift_strength=strength)
    root = arguments.folder.resolve() / f"strength-{strength:g}-cohort-seed-{cohort_seed}"
    strategies = ("baseline",) if strength else tuple(arguments.strategies)
    return Study(root, strategies, names, parameters)


def verdicts(one: Study, alpha: float) -> pd.DataFrame:
    """What the audit of a study says of each strategy."""
    folder = one.root / "08_reporting"
    disparity, groups = (pd.read_csv(folder / f"audit_{name}.csv") for name in ("disparity", "groups"))
    by_group = groups[groups["attribute"] == PROTECTED].groupby("model")["verdict"]
    found = disparity[disparity["attribute"] == PROTECTED].set_index("model").loc[list(one.strategies)]
    rows = pd.DataFrame(
        {
            "strategy": found.index,
            "SD": found["SD"].to_numpy(),
            "p_omnibus": found["p_omnibus"].to_numpy(),
            "uneven": (found["p_omnibus"] <= alpha).to_numpy(),
            "any_group_different": [by_group.get_group(name).str.startswith("different").any() for name in found.index],
        }
    )
    return pd.DataFrame([one.names] * len(rows)).join(rows)


def add_own(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(cohort_seeds=list(range(20)), training_seeds=[0])
    parser.add_argument(
        "--strategies", nargs="+", choices=STRATEGIES, default=PAPER, metavar="NAME", help="at strength 0"
    )
    parser.add_argument("--strengths", nargs="+", type=float, choices=(NONE, PLANTED), default=[NONE, PLANTED])
    parser.add_argument("--alpha", type=float, default=0.05)


if __name__ == "__main__":
    main()
