"""How much of a group must train for it to be served as well? The baseline, by the share of the small groups.

Each of the five small groups has the same share of a training set of constant size; group A has the rest. As many of
each group validate and are tested as in the embedded study, but who they are is drawn anew at every share. A share and
cohort seed is one study in a folder of its own. Cut it off and start it again at will.

    python benchmarks/dose_response.py --folder /tmp/dose-response
"""

from __future__ import annotations

import argparse
from itertools import product

import pandas as pd
from embedded_study import Study, arguments_of, over_cohort_seeds, parameters_of, run_all, with_spread
from markdown_table import as_markdown

from faircmr.sources.synthetic import GROUPS

LARGE, *SMALL = GROUPS
NAMES = ("share", "small_group")


def main() -> None:
    arguments = arguments_of(__doc__, add_shares)
    folder = arguments.folder.resolve()
    table = run_all([study(arguments, *of) for of in cohorts(arguments)], arguments.studies_at_once)
    worst = table[[*SMALL, LARGE]]
    table = table.assign(worst_group=worst.idxmin(axis=1), worst=worst.min(axis=1))
    table.to_csv(folder / "dose_response.csv", index=False)
    shown = [*NAMES, "cohort_seed", LARGE, "worst_group", "worst", "Avg", "SD", "SER"]
    print(as_markdown(with_spread(table, shown), decimals=2))
    print(
        f"\nbaseline, {arguments.subjects} training subjects; share and subjects of each of {', '.join(SMALL)}. "
        "DSC in %, SD over groups in points; "
        f"after ±: SD over {len(arguments.training_seeds)} training seeds.\n\n"
        "Mean over cohort seeds (least to largest):\n"
    )
    print(as_markdown(over_cohort_seeds(table, NAMES, [LARGE, "worst", "Avg", "SD", "SER"]), decimals=2))
    print("\n" + "\n".join(trends(table)))


def cohorts(arguments: argparse.Namespace) -> list[tuple[int, int]]:
    """Subjects of a small group, and cohort seed, of every study."""
    small = [round(share / 100 * arguments.subjects) for share in arguments.shares]
    for count in small:
        if not 0 < count * len(SMALL) < arguments.subjects:
            raise SystemExit(f"{count} of {arguments.subjects} subjects in each of {len(SMALL)} groups: no such cohort")
    return list(product(small, arguments.cohort_seeds))


def study(arguments: argparse.Namespace, small: int, cohort_seed: int) -> Study:
    total = arguments.subjects
    sizes = {LARGE: total - len(SMALL) * small, **dict.fromkeys(SMALL, small)}
    names = {"share": f"{100 * small / total:.1f} %", "small_group": small, "cohort_seed": cohort_seed}
    root = arguments.folder.resolve() / f"{small}-of-{total}-cohort-seed-{cohort_seed}"
    return Study(root, ("baseline",), names, parameters_of(arguments, cohort_seed, training_subjects=sizes))


def trends(table: pd.DataFrame) -> list[str]:
    """In how many cohort seeds each number follows the share without exception."""
    lines = []
    for name, sign, what in (("SD", -1, "falls"), ("SER", -1, "falls"), ("worst", 1, "rises")):
        by_share = table.pivot(index="cohort_seed", columns="small_group", values=name).sort_index(axis=1)
        steps = sign * by_share.diff(axis=1).iloc[:, 1:]
        follows = int((steps > 0).all(axis=1).sum())
        lines.append(f"- {name} {what} from each share to the next in {follows} of {len(by_share)} cohort seeds.")
    return lines


def add_shares(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subjects", type=int, default=320, help="of training, the same at every share")
    parser.add_argument("--shares", type=float, nargs="+", default=[1.5, 5.0, 16.7], help="of a small group, in %%")


if __name__ == "__main__":
    main()
