"""A fit as a process of its own."""

import logging
from pathlib import Path

import pytest

from faircmr.segmentation.fit import TellWarnings, main, run, tell_epoch, tell_error
from faircmr.segmentation.jobs import Component
from faircmr.segmentation.messages import Warned, read_message
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

    status = [run(Path(path), tell_epoch, tell_error) for path in paths]

    *epochs, error = (read_message(line) for line in capsys.readouterr().out.splitlines())
    assert status == [0, 1]
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3]
    assert str(error).startswith("component: no.such.sampler; ")


def test_warnings_are_told_once_and_errors_are_not_told_twice(capsys: pytest.CaptureFixture[str]):
    handler = TellWarnings(logging.WARNING)

    for level, text in ((logging.WARNING, "%s is truncated"), (logging.ERROR, "%s failed")):
        handler.handle(logging.LogRecord("faircmr", level, __file__, 1, text, ("checkpoint-000002",), None))

    assert [read_message(line) for line in capsys.readouterr().out.splitlines()] == [
        Warned("checkpoint-000002 is truncated")
    ]


def test_an_error_that_nobody_expected_is_told_and_raised(
    tensors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("faircmr.segmentation.fit.fit", fail)
    path = written(tmp_path / "job.json", job_of(tensors, tmp_path / "fit").model_dump_json())

    with pytest.raises(ZeroDivisionError):
        run(Path(path), tell_epoch, tell_error)
    assert str(read_message(capsys.readouterr().out)) == "ZeroDivisionError"


def test_says_how_it_is_called(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "job.json" in capsys.readouterr().err
