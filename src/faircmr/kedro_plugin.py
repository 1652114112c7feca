"""What Kedro's commands load from an environment with this package, also outside of a project: entry points.

Kedro brings ``kedro-telemetry``. Outside of a project it reads neither ``.telemetry`` nor ``settings.py``, writes an id
of the user to ``~/.config/kedro/telemetry.toml`` and sends the command to ``heapanalytics.com``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

import click
from kedro.framework.cli.hooks import cli_hook_impl

from faircmr.core import ProjectNotFoundError

TELEMETRY_OFF = "KEDRO_DISABLE_TELEMETRY"


def turn_telemetry_off() -> None:
    """Entry point ``kedro.init``: runs before Kedro looks for a project."""
    os.environ[TELEMETRY_OFF] = os.environ.get(TELEMETRY_OFF) or "1"


class RefuseOutsideOfProject:
    """Entry point ``kedro.cli_hooks``: commands of a project need one."""

    @cli_hook_impl
    def before_command_run(self, project_metadata: object, command_args: Sequence[str]) -> None:
        """End a project's command outside of a project with one line."""
        from kedro.framework.cli.cli import project_commands

        if project_metadata is None and command_args and command_args[0] in project_commands.lazy_subcommands:
            click.ClickException(str(ProjectNotFoundError.here())).show()
            sys.exit(1)


refuse_outside_of_project = RefuseOutsideOfProject()
