"""Pythons that are too old or lack something, and one whose environments only write down what they are asked."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

PREAMBLES = {
    "old": "sys.version_info = (3, 9, 18, 'final', 0)",
    "new": "sys.version_info = (3, 12, 4, 'final', 0)",
    "without_ensurepip": "sys.modules['ensurepip'] = None",
}
ENVIRONMENT_PYTHON = """#!/bin/sh
# the environment's Python: notes its arguments, and fails where it is told to
echo "$*" >> {log}
[ -z "${{FAIL_AT:-}}" ] || case "$*" in *"$FAIL_AT"*) exit 1;; esac
"""


def write_python(path: Path, kind: str) -> None:
    """A Python that runs ``-c`` as the real one does, but takes itself for another."""
    preamble = f"import sys; {PREAMBLES[kind]}; exec(sys.argv[2])"
    write_script(path, f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(preamble)} "$@"\n')


def write_working_python(path: Path, log: Path) -> None:
    """A Python that passes every check, and whose ``-m venv`` makes an environment that writes to ``log``."""
    template = path.with_name("environment_python")
    write_script(template, ENVIRONMENT_PYTHON.format(log=shlex.quote(str(log))))
    venv = (
        f'mkdir -p "$3/bin" && for tool in python lint-imports; do cp {shlex.quote(str(template))} "$3/bin/$tool"; done'
    )
    note = f'echo "venv $3" >> {shlex.quote(str(log))}'
    run_real = f'exec {shlex.quote(sys.executable)} "$@"'
    write_script(path, f'#!/bin/sh\nif [ "$1 $2" = "-m venv" ]; then {note}; {venv}; else {run_real}; fi\n')


def write_script(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
