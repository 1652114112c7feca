"""What the measurements under SLURM say without SLURM: what is missing, what a job did, where a cluster lies."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from benchmarks.reliability import slurm, slurm_cluster
from benchmarks.reliability.slurm import Outcome
from benchmarks.reliability.slurm_cases import CASES, EXAMPLES, job_of
from benchmarks.reliability.slurm_cluster import Job, parsed

# as SLURM 22.05.8 prints it, shortened
LINE = (
    "JobId=5 JobName=faircmr UserId=root(0) JobState=COMPLETED Reason=None Dependency=(null) Requeue=1 Restarts=1 "
    "BatchFlag=1 Reboot=0 ExitCode=0:0 DerivedExitCode=0:0 RunTime=00:00:41 TimeLimit=1-00:00:00"
)


def test_where_slurm_is_missing_one_line_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slurm_cluster, "PATHS", "")

    with pytest.raises(SystemExit, match=r"^Error: munged, slurmctld, .*: not found; .*apt-get install") as error:
        slurm_cluster.require_slurm()
    assert "\n" not in str(error.value)


def test_a_job_is_read_from_what_slurm_says_of_it():
    assert parsed(LINE) == Job("COMPLETED", "0:0", restarts=1)
    assert str(parsed(LINE)) == "COMPLETED 0:0, after 1 requeue"


@pytest.mark.parametrize(
    ("state", "over"),
    [("RUNNING", False), ("PENDING", False), ("COMPLETING", False), ("FAILED", True), ("TIMEOUT", True)],
)
def test_only_a_job_that_will_not_run_again_is_over(state: str, over: bool):
    assert Job(state, "0:0", restarts=0).is_over is over


def test_a_cluster_is_this_machines_alone_and_lies_in_its_own_folder(tmp_path: Path):
    cluster = slurm_cluster.configured(tmp_path)
    settings = dict(
        line.split("=", 1) for line in (tmp_path / "slurm.conf").read_text().splitlines() if "#" not in line
    )

    assert cluster.variables["SLURM_CONF"] == str(tmp_path / "slurm.conf")
    assert settings["SlurmctldHost"] == f"{socket.gethostname().partition('.')[0]}(127.0.0.1)"
    assert "NodeAddr=127.0.0.1" in settings["NodeName"]
    paths = re.findall(r"(?<!\w)/[\w/.-]+", "\n".join(settings.values()))
    assert {path for path in paths if not path.startswith(f"{tmp_path}/")} == {"/bin/true"}
    assert (tmp_path / "munge.key").stat().st_mode & 0o077 == 0


def test_a_process_knows_its_job(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "environ").write_bytes(b"HOME=/root\0SLURM_JOB_ID=12\0")
    monkeypatch.setattr("benchmarks.reliability.slurm_cases.PROC", tmp_path)

    assert job_of(7) == "12"


def test_the_table_has_a_row_for_each_case_and_tells_what_differs():
    outcomes = [Outcome(case, ["FAILED 143:0", "COMPLETED 0:0"], ["Error: run"], [], ["a", "b"], 3.0) for case in CASES]

    lines = slurm.table(outcomes).splitlines()
    assert len(lines) == 2 + len(CASES) + 1 + len(CASES)
    assert lines[2] == "| nothing | FAILED 143:0, then COMPLETED 0:0 | 2 | 0 | 3 |"
    assert lines[-1].endswith(": Error: run")


def test_the_scripts_that_are_submitted_are_those_of_the_examples():
    assert (EXAMPLES / "slurm.sh").is_file()
    assert (EXAMPLES / "slurm_workers.sh").is_file()
