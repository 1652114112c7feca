"""How many steps of nnU-Net's default plan fit into ten minutes on this machine.

Usage: python default_plan.py --work WORK --nnunet .venv-nnunet --steps 3

Its own trainer, plan, loading and augmentation, float32; the first step warms up. Needs the full volumes as nnU-Net
preprocesses them (``prepare.py``).
"""

from __future__ import annotations

import json
import statistics
import subprocess

from layout import FULL, HERE, Layout, write_json
from machine import machine
from options import base_parser, settled

BUDGET = 600


def main() -> None:
    parser = base_parser(__doc__)
    parser.add_argument("--steps", type=int, default=3, help="counted steps")
    options = settled(parser)
    layout = Layout(options.work)
    if not (layout.preprocessed / FULL / "nnUNetPlans.json").is_file():
        raise SystemExit("no preprocessed volumes: run prepare.py first")
    environment = layout.environment(options.threads, loaders=0) | {"nnUNet_results": str(layout.work / "step_results")}
    command = [options.nnunet / "bin" / "python", HERE / "default_plan_theirs.py"]
    arguments = [str(options.threads), str(1 + options.steps)]
    finished = subprocess.run(
        [*map(str, command), *arguments], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    measured = json.loads(finished.stdout.splitlines()[-1])
    step = statistics.median(measured["seconds"][1:])
    write_json(layout.result("default_plan"), {"machine": machine(options.nnunet), **measured})
    print("| nnU-Net's default plan | one step, s | steps in 600 s |\n|---|---|---|")
    print(f"| patch {measured['patch_size']}, batch {measured['batch_size']} | {step:.1f} | {BUDGET / step:.0f} |")


if __name__ == "__main__":
    main()
