"""Python processes that are started here."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def child_environment(**variables: str) -> dict[str, str]:
    """Variables under which a Python that is started here also finds what this process finds.

    Args:
        **variables: Others to set.
    """
    paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
    return {**os.environ, "PYTHONPATH": paths, **variables}
