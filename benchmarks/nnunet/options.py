"""Arguments that all benchmarks take."""

from __future__ import annotations

import argparse
from pathlib import Path

from layout import ACDC


def base_parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for everything that is written")
    parser.add_argument("--acdc", type=Path, default=ACDC, help="folder of ACDC's subjects")
    parser.add_argument("--nnunet", type=Path, default=Path(".venv-nnunet"), help="nnU-Net's environment")
    parser.add_argument("--threads", type=int, default=2)
    return parser


def settled(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Arguments of the command line, with paths that hold in any working directory."""
    options = parser.parse_args()
    options.work, options.acdc = options.work.resolve(), options.acdc.resolve()
    # an environment's python is a link: resolving it would leave the environment
    options.nnunet = options.nnunet.absolute()
    return options
