"""Does R still say what is committed? Lists what differs; run by ``make references``.

.venv/bin/python tests/references/compare.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

OUTPUTS = Path(__file__).parent / "outputs"
RELATIVE, ABSOLUTE = 1e-8, 1e-12
"""Another build of R or of its linear algebra rounds otherwise in the last digits."""


def differences(committed: Path, fresh: Path) -> list[str]:
    """One line a table that one folder alone has, or whose columns, rows or numbers differ."""
    names = sorted({path.name for folder in (committed, fresh) for path in folder.glob("*.csv")})
    return [f"{name}: {found}" for name in names if (found := _difference(committed / name, fresh / name))]


def _difference(committed: Path, fresh: Path) -> str:
    for path, where in ((committed, "committed"), (fresh, "written")):
        if not path.exists():
            return f"not {where}"
    try:
        pd.testing.assert_frame_equal(pd.read_csv(committed), pd.read_csv(fresh), rtol=RELATIVE, atol=ABSOLUTE)
    except AssertionError as difference:
        return str(difference)
    return ""


if __name__ == "__main__":
    found = differences(OUTPUTS, Path(sys.argv[1]))
    print("\n".join(found) or f"R says what is committed: {len(list(OUTPUTS.glob('*.csv')))} tables")  # noqa: T201
    sys.exit(bool(found))
