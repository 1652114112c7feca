"""A rank watches from its start whether its parent process still runs."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faircmr.segmentation.training.rank import STOPPED
from tests.segmentation.phantoms import job_of, write_study


def test_what_listens_is_imported_before_what_takes_long(project_root: Path) -> None:
    script = (
        "import sys; import faircmr.segmentation.training.rank; "
        "sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    )
    environment = os.environ | {"PYTHONPATH": str(project_root / "src")}

    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


@pytest.mark.parametrize("seconds", [0.0, 0.1, 1.0])
def test_it_ends_where_its_standard_input_ends_while_it_imports(
    seconds: float, tmp_path: Path, project_root: Path
) -> None:
    # a package in the place of torch whose import does not end
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("import time\ntime.sleep(3600)\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(project_root / "src")])}
    command = [sys.executable, "-m", "faircmr.segmentation.training.rank", str(tmp_path / "job.json")]

    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE) as process:
        time.sleep(seconds)
        process.stdin.close()

    assert process.returncode == STOPPED


@pytest.mark.slow
def test_it_ends_at_once_where_its_standard_input_ends_while_it_waits_for_other_processes(
    tmp_path: Path, project_root: Path
) -> None:
    write_study(tmp_path / "tensors", subjects=8)
    job_file = tmp_path / "job.json"
    job_file.write_text(job_of(tmp_path / "tensors", tmp_path / "fit", devices=2).model_dump_json())
    # a store that accepts the connection and never answers
    with socket.create_server(("127.0.0.1", 0)) as store:
        environment = os.environ | {
            "PYTHONPATH": str(project_root / "src"),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(store.getsockname()[1]),
            "WORLD_SIZE": "2",
            "RANK": "1",
            "LOCAL_RANK": "1",
            "TORCHELASTIC_RUN_ID": "1",
            "TORCHELASTIC_USE_AGENT_STORE": "True",
        }
        command = [sys.executable, "-m", "faircmr.segmentation.training.rank", str(job_file)]
        pipes = {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE}
        with subprocess.Popen(command, env=environment, text=True, **pipes) as process:
            connection, _ = store.accept()
            with connection:
                process.stdin.close()
                printed = process.stderr.read()

    assert process.returncode == STOPPED
    assert "Error" not in printed  # which it prints when it is ended because it has not stopped by itself
