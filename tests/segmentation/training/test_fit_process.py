"""A fit in its own process."""

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from faircmr.core.host import StoppedError
from faircmr.segmentation.training import Component, TrainingData, TrainingState, read_message
from faircmr.segmentation.training import loop as training
from faircmr.segmentation.training.fit_process import SendWarnings, main, run, send_epoch, send_error
from faircmr.segmentation.training.records import EpochReport, WarningMessage
from faircmr.segmentation.training.state import latest_checkpoint, recorded_fingerprint
from tests.segmentation.phantoms import job_of


def written(path: Path, content: str) -> str:
    path.write_text(content)
    return str(path)


def test_fits_the_job_of_a_file_and_logs_each_epoch(tensors: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    job = job_of(tensors, tmp_path / "fit", validation_interval=3)

    with caplog.at_level(logging.INFO):
        status = main([written(tmp_path / "job.json", job.model_dump_json())])

    assert status == 0
    assert (tmp_path / "fit" / "fit.json").is_file()
    assert [line.split(", loss")[0] for line in caplog.messages] == [
        f"seed-0/shared: epoch {epoch} of 3" for epoch in (1, 2, 3)
    ]
    assert "validation DSC" in caplog.messages[-1]


def test_an_expected_error_is_one_line_and_status_one(tensors: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture):
    job = job_of(tensors, tmp_path / "fit").model_copy(update={"sampler": Component(path="no.such.sampler")})

    status = main([written(tmp_path / "job.json", job.model_dump_json())])

    assert status == 1
    assert caplog.messages == [
        "Error: component: no.such.sampler; the dotted path of a function or class; correct its spelling"
    ]


def test_for_a_process_that_starts_it_it_reports_in_messages(
    tensors: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    job = job_of(tensors, tmp_path / "fit")
    failing = job.model_copy(update={"folder": tmp_path / "failing", "sampler": Component(path="no.such.sampler")})
    paths = [written(tmp_path / f"{one.folder.name}.json", one.model_dump_json()) for one in (job, failing)]

    status = [run(Path(path), send_epoch, send_error) for path in paths]

    *epochs, error = (read_message(line) for line in capsys.readouterr().out.splitlines())
    assert status == [0, 1]
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert str(error).startswith("component: no.such.sampler; ")


def test_warnings_are_told_once_and_errors_are_not_told_twice(capsys: pytest.CaptureFixture[str]):
    handler = SendWarnings(logging.WARNING)

    for level, text in ((logging.WARNING, "%s is truncated"), (logging.ERROR, "%s failed")):
        handler.handle(logging.LogRecord("faircmr", level, __file__, 1, text, ("checkpoint-000002",), None))

    assert [read_message(line) for line in capsys.readouterr().out.splitlines()] == [
        WarningMessage("checkpoint-000002 is truncated")
    ]


def test_an_error_that_nobody_expected_is_told_and_raised(
    tensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("faircmr.segmentation.training.fit_process.fit", fail)
    path = written(tmp_path / "job.json", job_of(tensors, tmp_path / "fit").model_dump_json())

    with pytest.raises(ZeroDivisionError):
        run(Path(path), send_epoch, send_error)
    assert str(read_message(capsys.readouterr().out)) == "ZeroDivisionError"


def test_says_how_it_is_called(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "job.json" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_stops_it_after_the_step_and_the_same_command_goes_on(
    tensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
):
    job = job_of(tensors, tmp_path / "fit")
    arguments = [written(tmp_path / "job.json", job.model_dump_json())]
    train_step = training.train_step

    def signalled(state: TrainingState, data: TrainingData, step: int) -> float:
        if step == 2:
            signal.raise_signal(signal.Signals[name])
        return train_step(state, data, step)

    with monkeypatch.context() as patched:
        patched.setattr(training, "train_step", signalled)
        status = main(arguments)

    assert status == 128 + signal.Signals[name]
    assert caplog.messages[-1:] == [
        (
            "Error: seed-0/shared: stopped in epoch 2 of 3, step 1 of 2; a checkpoint keeps what was trained; "
            "run the same command again to go on"
        )
    ]
    assert sorted(path.name for path in job.folder.glob("checkpoint-*")) == [
        "checkpoint-000001-000001.safetensors",
        "checkpoint-000001.safetensors",
    ]
    assert main(arguments) == 0


def test_when_the_process_that_started_it_has_ended_it_stops_and_says_so(
    tensors: Path, tmp_path: Path, project_root: Path
):
    job = job_of(tensors, tmp_path / "fit", epochs=500)
    command = [
        sys.executable,
        "-m",
        "faircmr.segmentation.training.fit_process",
        written(tmp_path / "job.json", job.model_dump_json()),
    ]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(project_root / "src"), str(project_root)])}

    with subprocess.Popen([*command, "--piped"], env=environment, stdin=PIPE, stdout=PIPE, text=True) as process:
        assert isinstance(read_message(process.stdout.readline()), EpochReport)
        process.stdin.close()
        *_, last = process.stdout

    assert process.returncode == 143
    assert isinstance(read_message(last), StoppedError)
    assert latest_checkpoint(job.folder, recorded_fingerprint(job.folder) or "") is not None
