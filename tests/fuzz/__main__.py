"""Read damaged inputs with every reader, and print what came of them as a table.

Each reader's share is read once: what ``--folder`` holds is not done again. Another ``--seed`` makes other inputs.

python -m tests.fuzz --inputs 100000
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.fuzz.campaign import Tally, run
from tests.fuzz.readers import READERS

HEADER = ("reader", "inputs", "distinct outcomes", "faults", "slowest input, CPU seconds")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=100_000, help="of all readers together")
    parser.add_argument("--reader", choices=READERS, action="append", help="one of them; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--folder", type=Path, default=Path(".benchmarks/fuzz"), help="for results, and inputs at fault"
    )
    options = parser.parse_args()
    names = options.reader or list(READERS)
    shares = {name: READERS[name].share for name in names}
    counts = {name: -(-options.inputs * share // sum(shares.values())) for name, share in shares.items()}
    rows = [finished(name, options.seed, count, options.folder) for name, count in counts.items()]
    sys.stdout.write(f"{table(rows)}\n")
    return 1 if any(row["faults"] for row in rows) else 0


def finished(name: str, seed: int, count: int, folder: Path) -> dict[str, object]:
    """The row of one reader, from an earlier run or from this one."""
    path = folder / f"{name} {seed} {count}.json"
    if not path.is_file():
        row = row_of(run(name, seed, count, folder / "faults"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(row, indent=1))
        sys.stderr.write(f"{row}\n")
    found: dict[str, object] = json.loads(path.read_text())
    return found


def row_of(tally: Tally) -> dict[str, object]:
    values = (tally.reader, tally.inputs, len(tally.signatures), tally.faulty, round(tally.slowest, 2))
    return dict(zip(HEADER, values, strict=True))


def table(rows: list[dict[str, object]]) -> str:
    lines = [HEADER, ["---"] * len(HEADER), *([row[name] for name in HEADER] for row in rows)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
