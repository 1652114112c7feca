"""Is there a number that may be a participant's id of UK Biobank in what git tracks?

UK Biobank asks its users to look before they publish code. Its ids have seven digits, from one million to a little
above six. Names of files are looked at, and the contents of all, compressed ones too. What is found is told by file
and line, and never quoted.

    python tools/check_ids.py
"""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

ID = re.compile(rb"(?<!\d)(?<!\d\.)(?:[1-6]\d{6}|[1-6]_\d{3}_\d{3}(?!_\d))(?!\.?\d)")
"""As a number in a text, and as Python may write it."""
FIRST, BEYOND = 10**6, 61 * 10**5
ROUND = 50_000
"""What these numbers are multiples of is written for a size or a count; of ids it is one in 50,000."""


def main() -> int:
    root = Path(__file__).resolve().parents[1]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    paths = [Path(name) for name in listed.decode().split("\0") if name]
    found = [place for path in paths for place in places_in(root, path)]
    print(*found, sep="\n", end="\n" if found else "", file=sys.stderr)
    if found:
        print(f"Error: {len(found)} numbers may be ids of participants; remove them", file=sys.stderr)
        return 1
    print(f"No number in {len(paths)} tracked files may be a participant's id")
    return 0


def places_in(root: Path, path: Path) -> Iterator[str]:
    """File and line of every number that may be an id."""
    if has_id(str(path).encode()):
        yield f"{path.parent}: the name of a file"
    whole = root / path
    if whole.is_file():
        lines = enumerate(content_of(whole).split(b"\n"), start=1)
        yield from (f"{path}:{number}" for number, line in lines if has_id(line))


def has_id(line: bytes) -> bool:
    """Whether a number of seven digits stands in it that may be an id."""
    values = (int(match.group().replace(b"_", b"")) for match in ID.finditer(line))
    return any(FIRST <= value < BEYOND and value % ROUND for value in values)


def content_of(path: Path) -> bytes:
    """What a file says, also one that is compressed."""
    content = path.read_bytes()
    try:
        return gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError, zlib.error):
        return content


if __name__ == "__main__":
    sys.exit(main())
