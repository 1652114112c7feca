"""Every strategy on the embedded cohort, over cohort seeds and training seeds: does the paper's order come out?

A cohort seed is one study (its own people and group shifts) in a folder of its own; in it every strategy is trained
with every training seed. Verdicts are printed as they come out. Cut it off and start it again at will.

    python benchmarks/strategies.py --folder /tmp/strategies
    python benchmarks/strategies.py --folder /tmp/strategies --strategies all --cohort-seeds 0
"""

from __future__ import annotations

import argparse

from embedded_study import MEASURED, Study, arguments_of, over_cohort_seeds, parameters_of, run_all, with_spread
from markdown_table import as_markdown
from verdicts import verdicts

from faircmr.pipeline_registry import FAMILIES, STRATEGIES
from faircmr.sources.synthetic import GROUPS


def main() -> None:
    arguments = arguments_of(__doc__, add_strategies)
    chosen = STRATEGIES if arguments.strategies == ["all"] else tuple(arguments.strategies)
    folder = arguments.folder.resolve()
    studies = [
        Study(folder / f"cohort-seed-{seed}", chosen, {"cohort_seed": seed}, parameters_of(arguments, seed))
        for seed in arguments.cohort_seeds
    ]
    table = run_all(studies, arguments.studies_at_once)
    table.to_csv(folder / "strategies.csv", index=False)
    print(as_markdown(with_spread(table, ["cohort_seed", "strategy", *GROUPS, *MEASURED]), decimals=2))
    print(
        "\nDSC in %, averaged over training seeds first; SD over groups and sex gap (female less male) in points; "
        f"after ±: SD over {len(arguments.training_seeds)} training seeds of what one seed alone gives.\n\n"
        "Mean over cohort seeds (least to largest):\n"
    )
    print(as_markdown(over_cohort_seeds(table, ["strategy"], [*GROUPS, *MEASURED[:-1]]), decimals=2))
    print()
    print(verdicts(table))


def add_strategies(parser: argparse.ArgumentParser) -> None:
    choices, paper = ["all", *STRATEGIES], [name for name in STRATEGIES if FAMILIES[name] == "paper"]
    parser.add_argument("--strategies", nargs="+", choices=choices, default=paper, metavar="NAME", help="or all")


if __name__ == "__main__":
    main()
