"""A process that is started here finds what this one finds."""

import subprocess
import sys
from pathlib import Path

from faircmr.core.host import child_environment


def test_a_child_imports_what_this_process_can_import(tmp_path: Path, monkeypatch):
    (tmp_path / "only_here.py").write_text("import os\nprint(os.environ['OMP_NUM_THREADS'])\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    said = subprocess.run(
        [sys.executable, "-c", "import only_here"],
        env=child_environment(OMP_NUM_THREADS="3"),
        capture_output=True,
        text=True,
        check=True,
    )

    assert said.stdout == "3\n"
