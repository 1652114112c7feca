"""A fit as a process of its own."""

import logging
from pathlib import Path

import pytest

from faircmr.segmentation.fit import main
from faircmr.segmentation.jobs import Component
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


def test_says_how_it_is_called(caplog: pytest.LogCaptureFixture):
    assert main([]) == 2
    assert "job.json" in caplog.text
