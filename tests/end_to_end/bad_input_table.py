"""Writes ``docs/bad_input.md``: ``python -m tests.end_to_end.bad_input_table`` tries every kind and says what it gets.

With names of kinds behind it the command tries those alone and leaves the other lines as they are.
:mod:`tests.end_to_end.test_bad_input` compares what is said with what the page has.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.end_to_end.bad_input import KINDS, Case
from tests.end_to_end.clinic import Clinic, write_clinic

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "bad_input.md"
ROW = re.compile(r"^\| (?P<kind>[^|]+) \| `(?P<said>.*)` \|$", re.MULTILINE)
PIPELINES = re.compile(r"one of __default__, [^;]*;")
HEAD = """\
# Bad input

What faircmr says when it is given something that it cannot use. A run ends with exit code 1 and one line on stderr,
`Error: <what is wrong>: <value>; <what is permitted>; <what to do>`, before anything of the study is changed. What is
found on the way, as the size of a group or a strategy that cannot be, leaves models, predictions and scores as they
were. No line names a person: a scan is named by its key (`sub-0001`), and `01_raw/key.csv` says whose it is. The
traceback stands in `logs/faircmr.log`, without what other libraries quote.

{kinds} kinds are tried on a whole study of a small clinic with ids of seven digits, by
`tests/end_to_end/test_bad_input.py`, which compares every line with this page. The page is written by
`python -m tests.end_to_end.bad_input_table`; `<study>` stands for the folder of the study.

By default a scan that cannot be used is left out with its subject, and written to `02_intermediate/quarantine.csv`; the
lines for scans are those of `quarantine.invalid_scans: error`.
"""

TAIL = "bad_input_of_the_field.md"
"""Beside this file: what the slow tests of ``cases`` hold, by situation."""


def said_of(finished: subprocess.CompletedProcess[str], clinic: Clinic) -> str:
    """The last line of stderr, whatever the study's folder is called and however many pipelines there are."""
    last = finished.stderr.strip().splitlines()[-1].removeprefix("Error: ")
    return PIPELINES.sub("one of __default__, ...;", last.replace(str(clinic.folder), "<study>"))


def page(said: Mapping[str, str]) -> str:
    """The page.

    Args:
        said: What is said of each kind.
    """
    parts = [HEAD.format(kinds=len(said))]
    for name, kinds in KINDS.items():
        rows = "".join(f"| {kind} | `{said[kind].replace('|', chr(92) + '|')}` |\n" for kind in kinds)
        parts.append(f"## {name}\n| what is wrong | what is said |\n|---|---|\n{rows}")
    return "\n".join([*parts, Path(__file__).with_name(TAIL).read_text()])


def said_by(text: str) -> dict[str, str]:
    """What the page says of each kind."""
    return {row["kind"]: row["said"].replace("\\|", "|") for row in ROW.finditer(text)}


def cases() -> dict[str, Case]:
    """All kinds by name."""
    return {kind: case for kinds in KINDS.values() for kind, case in kinds.items()}


def main(chosen: Sequence[str]) -> int:
    """Try kinds, all if none is named, and write the page."""
    said = said_by(PAGE.read_text()) if chosen else {}
    with TemporaryDirectory() as place:
        whole = write_clinic(Path(place) / "whole", REPOSITORY)
        whole.run().check_returncode()
        for kind in chosen or cases():
            clinic = whole.copied_to(Path(place) / "spoilt")
            cases()[kind].spoil(clinic)
            said[kind] = said_of(cases()[kind].run(clinic), clinic)
            print(f"{kind}: {said[kind]}", flush=True)  # noqa: T201
            shutil.rmtree(clinic.folder)
    PAGE.write_text(page(said))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
