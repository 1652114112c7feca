"""A fit on several devices equals the fit on one, reports its errors, and leaves no process running."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from faircmr.core import FaircmrError, InvalidModelError, OutputError
from faircmr.core.host import StoppedError
from faircmr.segmentation.network import load_tensors
from faircmr.segmentation.training import (
    Component,
    FitJob,
    distributed,
    error_message,
    fit_in_processes,
    fit_on_devices,
)
from faircmr.segmentation.training import distributed as rank_processes
from faircmr.segmentation.training.distributed import rank_command
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import EpochReport, epoch_message, warning_message
from tests.segmentation.phantoms import job_of, plans_of

ROUNDING = 1e-4
"""Two processes add in another order: a sum of float32 differs in its last bits (6e-8 of it), and each
step of the schedule passes that on. Measured after sixteen steps: 1.2e-7 of weights up to 1.8."""
BFLOAT16_ROUNDING = 2**-8
"""Each process rounds its part of a weight's gradient to bfloat16, which keeps eight bits."""
REPORT = EpochReport("seed-0/shared", 1, 3, 0.5, None, 2.0)
STOPPED = error_message(StoppedError("seed-0/shared", "at step 3", "kept"))
CRASHED = error_message(ConnectionError("the other is gone"))


def weights(job: FitJob) -> dict[str, torch.Tensor]:
    return load_tensors(job.folder / "weights.safetensors")[0]


def same(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


def distance(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> float:
    """Norm of the difference of all weights, relative to their norm."""
    one, other = (torch.cat([values[name].flatten() for name in some]) for values in (some, others))
    return float((one - other).norm() / other.norm())


def processes_of(folder: Path) -> dict[int, str]:
    """Command lines of the processes that fit a job below a folder, by their numbers."""
    lines = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return {
        pid: line
        for pid, line in lines.items()
        if str(folder) in line and "-m faircmr.segmentation.training.rank" in line
    }


def until(condition: Callable[[], object], seconds: float = 600) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())


@pytest.fixture(autouse=True)
def _job_files_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Job files of this test lie in its own folder, by which its processes can be told from others."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Starts a script in place of the first process of the fit; the others wait until they are asked to stop."""

    def start(*lines: str, others: str = "sys.stdin.read(); sys.exit(143)") -> None:
        rest = f"if os.environ['RANK'] != '0':\n    {others}"
        script = "\n".join(["import os, signal, sys, time", rest, *lines])
        monkeypatch.setattr(distributed, "rank_command", lambda path: [sys.executable, "-c", script, str(path)])

    return start


def test_one_device_needs_no_other_process(tensors: Path, tmp_path: Path, started: Callable[..., None]):
    started("sys.exit(1)")

    assert fit_on_devices(job_of(tensors, tmp_path / "one", epochs=1)).name == "seed-0/shared"
    with pytest.raises(FaircmrError):
        fit_on_devices(job_of(tensors, tmp_path / "two", epochs=1, devices=2))


def test_passes_on_what_is_reported_and_nothing_else(
    tensors: Path, tmp_path: Path, started: Callable[..., None], caplog: pytest.LogCaptureFixture
):
    job, reports = job_of(tensors, tmp_path, devices=2), []
    lines = (epoch_message(REPORT), warning_message("checkpoint is truncated"), "noise")
    started(*(f"print({line!r}, file=sys.stderr)" for line in lines), "sys.exit(1)")

    with pytest.raises(FaircmrError):
        fit_in_processes(job, reports.append)

    assert reports == [REPORT]
    assert caplog.messages == ["checkpoint is truncated"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_expected_error_of_one_process_is_the_one_that_is_raised(
    tensors: Path, tmp_path: Path, started: Callable[..., None], order: int
):
    errors = [ConnectionError("the other is gone"), InvalidModelError("fit", "bad", "good", "mend it")]
    started(*(f"print({error_message(error)!r})" for error in errors[::order]), "sys.exit(1)")

    with pytest.raises(InvalidModelError, match=r"^fit: bad; good; mend it$"):
        fit_in_processes(job_of(tensors, tmp_path, devices=2))


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (f"print({error_message(MemoryError('4711'))!r}); sys.exit(1)", "MemoryError in one of the processes"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "a process was killed"),
    ],
)
def test_any_other_end_says_how_to_see_more(
    tensors: Path, tmp_path: Path, started: Callable[..., None], script: str, message: str
):
    started(script)

    with pytest.raises(FaircmrError, match=rf"seed-0/shared on 2 devices: {message}; .*; .* run python") as error:
        fit_in_processes(job_of(tensors, tmp_path, devices=2))
    assert "4711" not in str(error.value)


@pytest.mark.parametrize("stubborn", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_interrupted_it_ends_what_it_started(
    tensors: Path, tmp_path: Path, started: Callable[..., None], stubborn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rank_processes, "SECONDS_TO_END", 0.2)
    report = f"print({epoch_message(REPORT)!r}, flush=True)"
    started(stubborn, f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))", report, "time.sleep(600)")

    def interrupt(_: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit_in_processes(job_of(tensors, tmp_path / "fit", devices=2), interrupt)

    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (
            f"print({error_message(StoppedError('seed-0/shared', 'at step 3', 'kept'))!r}); sys.exit(143)",
            "^seed-0/shared: at step 3; kept$",
        ),
        ("sys.exit(143)", "^seed-0/shared: stopped in the middle of a step; its last checkpoint is kept; run the same"),
        (
            (
                f"print({error_message(StoppedError('seed-0/shared', 'at step 3', 'kept'))!r})\n"
                f"print({error_message(OutputError('folder', 'disk full', 'room', 'make room'))!r}); sys.exit(1)"
            ),
            "^folder: disk full; room; make room$",
        ),
    ],
    ids=["after a step", "ended within a step", "but the disk was full"],
)
def test_asked_to_stop_it_closes_what_its_processes_listen_to_and_says_what_they_say(
    tensors: Path, tmp_path: Path, started: Callable[..., None], script: str, message: str
):
    report = f"print({epoch_message(REPORT)!r}, flush=True)"
    started(report, "sys.stdin.read()", script)
    reports: list[EpochReport] = []

    with pytest.raises(FaircmrError, match=message):
        fit_in_processes(job_of(tensors, tmp_path, devices=2), reports.append, lambda: bool(reports))


@pytest.mark.parametrize(
    ("first", "others", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(600)", "a process was killed; "),
        ("time.sleep(600)", "os.kill(os.getpid(), signal.SIGKILL)", "a process was killed; "),
        ("sys.exit(3)", "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)", "a process was killed; "),
        (f"print({STOPPED!r}); sys.exit(143)", "sys.stdin.read(); sys.exit(143)", "seed-0/shared: at step 3; kept$"),
        (f"print({STOPPED!r}); sys.exit(143)", "os.kill(os.getpid(), signal.SIGKILL)", "a process was killed; "),
        (f"print({STOPPED!r}); sys.exit(143)", f"print({CRASHED!r}); sys.exit(1)", "ConnectionError in one of the"),
    ],
    ids=[
        "the first is killed and the other waits for it",
        "the other is killed and the first waits for it",
        "the first fails and the other ignores signals",
        "somebody else stops them all",
        "one is killed and the other stops when asked",
        "one crashes and the other stops when asked",
    ],
)
def test_whichever_ends_first_the_others_are_ended_and_the_error_is_that_of_the_first(
    tensors: Path,
    tmp_path: Path,
    started: Callable[..., None],
    first: str,
    others: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
):
    # who is to say something has the time to, however busy the machine is
    monkeypatch.setattr(rank_processes, "SECONDS_AFTER_FAILURE", 0.5 if "sleep" in first + others else 60.0)
    started(first, others=others)

    with pytest.raises(FaircmrError, match=message):
        fit_in_processes(job_of(tensors, tmp_path, devices=2))


@pytest.mark.parametrize("devices", [1, 2, 3])
def test_each_device_has_a_process_that_knows_its_rank(
    tensors: Path, tmp_path: Path, devices: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR")
    script = (
        f"import os, sys\nline = ' '.join(str(os.environ.get(name)) for name in {names})\n"
        "sys.stdout.write(line + '\\n'); sys.stdout.flush()\nsys.stdin.read()\nsys.exit(1)"
    )
    monkeypatch.setattr(distributed, "rank_command", lambda path: [sys.executable, "-c", script, str(path)])

    def should_stop() -> bool:
        return len(caplog.messages) == devices

    with caplog.at_level("DEBUG", "faircmr"), pytest.raises(FaircmrError):
        fit_in_processes(job_of(tensors, tmp_path, devices=devices), should_stop=should_stop)

    world = [f"{rank} {rank} {devices} 127.0.0.1" for rank in range(devices)]
    assert sorted(caplog.messages) == (world if devices > 1 else ["None None None None"])


def test_the_place_where_processes_meet_can_be_reached_from_this_machine_alone() -> None:
    with rank_processes._rendezvous_store(2) as port:
        listening = [line for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()]
        places = [line.split()[1] for line in listening if line.split()[1].endswith(f":{port:04X}")]

    assert places
    assert all(place.startswith(("0100007F:", "0000000000000000FFFF00000100007F:")) for place in places)


def test_a_process_reads_the_job_and_reports_to_this_one(tmp_path: Path):
    command = ["-m", "faircmr.segmentation.training.rank", str(tmp_path / "job.json")]

    assert rank_command(tmp_path / "job.json")[1:] == command


@pytest.fixture(scope="module")
def finished(tensors: Path, tmp_path_factory: pytest.TempPathFactory) -> FitJob:
    """A fit in two processes that was never cut off; only to be read."""
    job = job_of(tensors, tmp_path_factory.mktemp("two") / "fit", devices=2, epochs=30)
    fit_in_processes(job)
    return job


@pytest.mark.slow
@pytest.mark.alone
def test_two_processes_make_the_weights_of_one(finished: FitJob, tmp_path: Path):
    alone = finished.model_copy(update={"folder": tmp_path})

    record, other = fit(alone), fit(finished)

    assert distance(weights(finished), weights(alone)) < ROUNDING
    assert [epoch.loss for epoch in record.history] == pytest.approx([epoch.loss for epoch in other.history], rel=1e-4)
    # a pixel on the edge may fall to the other side
    scores = [[epoch.validation_dsc for epoch in each.history] for each in (record, other)]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)
    assert record.fingerprint == other.fingerprint, "on how many devices it was made changes nothing else"
    assert {path.name for path in finished.folder.iterdir()} == {
        "weights.safetensors",
        "fit.json",
        "job.json",
        "progress.json",
    }


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("precision", "kept", "most"), [("full", "best", ROUNDING), ("mixed", "last", BFLOAT16_ROUNDING)]
)
def test_so_do_unequal_parts_and_an_objective_that_looks_at_groups(
    tensors: Path, tmp_path: Path, precision: str, kept: str, most: float
):
    grouped = Component(path="tests.segmentation.objectives.Grouped")
    alone, shared = (
        job_of(tensors, tmp_path / name, devices=devices, precision=precision, final_weights=kept).model_copy(
            update={"plans": plans_of(batch_size=5), "objective": grouped}
        )
        for name, devices in (("alone", 1), ("shared", 2))
    )
    reports: list[EpochReport] = []

    fit(alone)
    record = fit_in_processes(shared, reports.append)

    assert [report.epoch for report in reports] == [1, 2, 3], "one process reports"
    assert [report.validation_dsc for report in reports] == [epoch.validation_dsc for epoch in record.history]
    assert distance(weights(shared), weights(alone)) < most
    assert fit_in_processes(shared) == record, "finished, and so not fitted again"


@pytest.mark.slow
@pytest.mark.alone
def test_its_processes_end_their_threads_before_the_interpreter_does(tensors: Path, tmp_path: Path, project_root: Path):
    (tmp_path / "job.json").write_text(job_of(tensors, tmp_path / "fit", devices=2).model_dump_json())
    (tmp_path / "script.py").write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "from faircmr.segmentation.training.fit_process import log_error, run\n"
        "def sending():\n"
        "    return sum('gloo' in path.read_text() for path in Path('/proc/self/task').glob('*/comm'))\n"
        "during = []\n"
        "status = run(Path(sys.argv[1]), lambda report: during.append(sending()), log_error)\n"
        "sys.stdout.write(f'during {any(during)}, after {sending()}, status {status}\\n')\n"
    )
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project_root / "src"), str(project_root)])}

    done = subprocess.run(
        [*launcher, str(tmp_path / "script.py"), str(tmp_path / "job.json")],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    message = sorted(line for line in done.stdout.splitlines() if line.startswith("during"))
    assert message == ["during False, after 0, status 0", "during True, after 0, status 0"], "one of them reports"


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    ("objective", "kind", "message"),
    [
        ("FailingInOneProcess", InvalidModelError, "^second process: bad; good; mend it$"),
        ("CrashingInOneProcess", FaircmrError, "(ZeroDivisionError|RuntimeError) in one of the processes"),
        ("Failing", InvalidModelError, r"seed-0/shared, step 2, a batch of sub-\d{4}.*: loss is nan"),
    ],
)
def test_an_error_in_one_process_ends_all_of_them(
    tensors: Path, tmp_path: Path, objective: str, kind: type[FaircmrError], message: str
):
    component = Component(path=f"tests.segmentation.objectives.{objective}")
    job = job_of(tensors, tmp_path / "fit", devices=2).model_copy(update={"objective": component})

    with pytest.raises(kind, match=message):
        fit_in_processes(job)

    assert processes_of(tmp_path) == {}
    assert [path.name for path in job.folder.glob("checkpoint-*")] == ["checkpoint-000001.safetensors"]


@pytest.mark.slow
@pytest.mark.alone
def test_killed_it_takes_its_processes_along_and_goes_on_exactly(finished: FitJob, tmp_path: Path, project_root: Path):
    job = finished.model_copy(update={"folder": tmp_path / "fit"})
    (tmp_path / "job.json").write_text(job.model_dump_json())
    script = (
        "import sys, tempfile\n"
        "from pathlib import Path\n"
        "from faircmr.segmentation.training.distributed import fit_in_processes\n"
        "from faircmr.segmentation.training.jobs import FitJob\n"
        "path = Path(sys.argv[1])\n"
        "tempfile.tempdir = str(path.parent)\n"
        "fit_in_processes(FitJob.read(path))\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project_root / "src"), str(project_root)])}
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "job.json")], env=environment) as process:
        assert until(lambda: list(job.folder.glob("checkpoint-*")))
        assert len(processes_of(tmp_path)) == 2, "one a device"
        os.kill(process.pid, signal.SIGKILL)

    assert until(lambda: not processes_of(tmp_path))
    assert not (job.folder / "fit.json").exists(), "killed before its end"
    reports: list[EpochReport] = []
    fit_in_processes(job, reports.append)

    assert reports[0].epoch > 1, "goes on, does not start over"
    assert same(weights(job), weights(finished))


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("whom", ["parent", "everybody"])
def test_a_signal_stops_all_processes_at_one_step_and_the_fit_goes_on_exactly(
    finished: FitJob, tmp_path: Path, project_root: Path, whom: str
):
    job = finished.model_copy(update={"folder": tmp_path / "fit"})
    (tmp_path / "job.json").write_text(job.model_dump_json())
    script = (
        "import sys, tempfile\n"
        "from pathlib import Path\n"
        "from faircmr.core.host.stopping import StoppedError, exit_status, stop_on_signals\n"
        "from faircmr.segmentation.training.distributed import fit_on_devices\n"
        "from faircmr.segmentation.training.jobs import FitJob\n"
        "path = Path(sys.argv[1])\n"
        "tempfile.tempdir = str(path.parent)\n"
        "try:\n"
        "    with stop_on_signals():\n"
        "        fit_on_devices(FitJob.read(path))\n"
        "except StoppedError as error:\n"
        "    print(error)\n"
        "    sys.exit(exit_status())\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project_root / "src"), str(project_root)])}
    command = [sys.executable, "-c", script, str(tmp_path / "job.json")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert until(lambda: list(job.folder.glob("checkpoint-*")))
        for number in [process.pid, *(processes_of(tmp_path) if whom == "everybody" else [])]:
            os.kill(number, signal.SIGTERM)
        output = process.stdout.read()

    assert process.returncode == 143
    assert until(lambda: not processes_of(tmp_path))
    assert re.match(r"seed-0/shared: stopped in epoch \d+ of 30, step \d of 2; a checkpoint keeps", output), output
    reports: list[EpochReport] = []
    fit_in_processes(job, reports.append)
    assert reports[0].epoch > 1, "goes on, does not start over"
    assert same(weights(job), weights(finished))
