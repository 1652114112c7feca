"""Commands of this project: Kedro's ``run``, with ``--params`` checked before Kedro reads them."""

from __future__ import annotations

import click
from kedro.framework.cli.project import run as kedro_run

from faircmr.running import with_checked_params

run = with_checked_params(kedro_run)


@click.group(name="faircmr")
def cli() -> None:
    """Commands of this project."""


cli.add_command(run)
