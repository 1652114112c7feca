"""``python -m faircmr``: ``kedro run`` without a project folder, with ``--conf-source``."""

from __future__ import annotations

import sys
from typing import Any

from kedro.framework.cli.utils import find_run_command
from kedro.framework.project import configure_project


def main(*arguments: Any, **options: Any) -> Any:
    """Run a pipeline as ``kedro run`` does; the current folder takes the project's place."""
    configure_project("faircmr")
    options.setdefault("standalone_mode", not hasattr(sys, "ps1"))
    return find_run_command("faircmr")(*arguments, **options)


if __name__ == "__main__":
    main()
