"""Status of a fit, which can be read at any time without disturbing it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from faircmr.core.host import DEAD_AFTER, Holder, StoppedError, lease, lease_path, pid_namespace_digest, process_start
from faircmr.segmentation.training import FitFiles, FitJob, FitState, read_fit_files
from faircmr.segmentation.training.fit_status import (
    PROGRESS_NAME,
    FitProgress,
    LastValidation,
    delete_progress,
    read_progress,
    write_progress,
)
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import EpochReport
from tests.segmentation.phantoms import job_of

NOW = 1_800_000_000.0
"""Some moment, in seconds since 1970."""


class CutOffError(Exception):
    """Stands for a process that ends in the middle."""


def report(epoch: int) -> EpochReport:
    return EpochReport("seed-0/shared", epoch, 4, 0.5, None, 60.0 - 15 * epoch)


def held(folder: Path, now: float, **changes: object) -> None:
    """Leave the lease of a holder behind."""
    own = Holder(
        "node-7", os.getpid(), "2026-01-02T03:04:05+00:00", pid_namespace_digest(), process_start(os.getpid()), "0" * 8
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    lease_path(folder).write_text(json.dumps({**asdict(own), **changes}))
    os.utime(lease_path(folder), (now, now))


def begun(folder: Path, *finished: str) -> FitFiles:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("job.json", *finished):
        (folder / name).write_text("{}")
    return read_fit_files(folder)


def test_the_last_validation_stays_until_the_next(tmp_path: Path):
    for epoch, dsc in ((1, None), (2, {"sub-0001": 0.5}), (3, None)):
        write_progress(tmp_path, report(epoch), dsc)

    assert read_progress(tmp_path) == FitProgress(
        epoch=3, epochs=4, loss=0.5, seconds_left=15.0, validation=LastValidation(epoch=2, dsc={"sub-0001": 0.5})
    )


def test_another_fit_in_the_folder_begins_with_nothing(tmp_path: Path):
    write_progress(tmp_path, report(2), {"sub-0001": 0.5})
    delete_progress(tmp_path)
    write_progress(tmp_path, report(1), None)

    progress = read_progress(tmp_path)
    assert progress is not None
    assert progress.validation is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"epoch": 3}', "\x00"])
def test_what_cannot_be_read_is_not_there(tmp_path: Path, content: str):
    for name in (PROGRESS_NAME, "job.json"):
        (tmp_path / name).write_text(content)
    lease_path(tmp_path).write_text(content)

    files = read_fit_files(tmp_path)

    assert (files.progress, files.holder) == (None, None)
    assert files.job in (None, {"epoch": 3})


def test_a_fit_that_has_not_begun_waits(tmp_path: Path):
    files = read_fit_files(tmp_path / "nowhere" / "shared")

    assert files == FitFiles(None, 0.0, False, None, 0.0, None, 0.0)
    assert files.state(NOW) is FitState.WAITING
    assert list(tmp_path.iterdir()) == [], "looking makes no folder"


def test_a_fit_that_somebody_holds_runs_also_before_its_job_is_written(tmp_path: Path):
    with lease(tmp_path / "shared", "a fit"):
        files = read_fit_files(tmp_path / "shared")

    assert files.state(NOW) is FitState.RUNNING
    assert files.holder is not None
    assert files.holder.pid == os.getpid()
    assert begun(tmp_path / "shared").state(NOW) is FitState.STOPPED, "the lease was given back"


def test_a_fit_whose_process_is_gone_has_stopped(tmp_path: Path):
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    held(tmp_path / "shared", NOW, pid=int(gone.stdout), start="1")

    assert begun(tmp_path / "shared").state(NOW) is FitState.STOPPED


@pytest.mark.parametrize(("silent", "state"), [(DEAD_AFTER - 1, FitState.RUNNING), (DEAD_AFTER + 1, FitState.SILENT)])
def test_a_process_elsewhere_is_judged_by_its_signs(tmp_path: Path, silent: float, state: FitState):
    held(tmp_path / "shared", NOW - silent, place="another1")

    assert begun(tmp_path / "shared").state(NOW) is state


def test_a_fit_is_finished_with_record_and_weights(tmp_path: Path):
    assert begun(tmp_path / "one", "fit.json").state(NOW) is FitState.STOPPED
    assert begun(tmp_path / "two", "fit.json", "weights.safetensors").state(NOW) is FitState.FINISHED


def test_a_fit_tells_each_epoch_of_validation_subjects_and_never_of_groups(tensors: Path, tmp_path: Path):
    job = job_of(tensors, tmp_path / "fit", validation_interval=2)
    seen: list[FitFiles] = []

    record = fit(job, lambda _: seen.append(read_fit_files(job.folder)))

    told = [files.progress for files in seen]
    assert [(one.epoch, one.epochs) for one in told] == [(1, 3), (2, 3), (3, 3)]
    assert [one.loss for one in told] == [epoch.loss for epoch in record.history]
    assert [one.validation and one.validation.epoch for one in told] == [None, 2, 3]
    assert set(told[-1].validation.dsc) == set(job.validation_subjects)
    assert all(files.state(NOW) is FitState.RUNNING for files in seen)
    assert read_fit_files(job.folder).state(NOW) is FitState.FINISHED


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_after_a_fit_that_was_cut_off_it_is_the_same_byte_by_byte(tensors: Path, tmp_path: Path, epochs: int):
    whole, cut = (job_of(tensors, tmp_path / name, validation_interval=2) for name in ("whole", "cut"))
    fit(whole)

    def cut_off(told: EpochReport) -> None:
        if told.epoch == epochs:
            raise CutOffError

    with pytest.raises(CutOffError):
        fit(cut, cut_off)
    fit(cut)

    assert (cut.folder / PROGRESS_NAME).read_bytes() == (whole.folder / PROGRESS_NAME).read_bytes()


def test_after_a_fit_that_was_asked_to_stop_within_an_epoch_it_is_the_same_too(tensors: Path, tmp_path: Path):
    whole, cut = (job_of(tensors, tmp_path / name, validation_interval=2) for name in ("whole", "cut"))
    fit(whole)
    asked = iter([False] * whole.training.iterations_per_epoch + [True])

    with pytest.raises(StoppedError):
        fit(cut, should_stop=lambda: next(asked))
    stopped = read_fit_files(cut.folder)
    fit(cut)

    assert stopped.state(NOW) is FitState.STOPPED
    assert stopped.progress is not None
    assert stopped.progress.epoch == 1
    assert (cut.folder / PROGRESS_NAME).read_bytes() == (whole.folder / PROGRESS_NAME).read_bytes()


def test_it_plays_no_part_in_training(tensors: Path, tmp_path: Path):
    jobs: list[FitJob] = [job_of(tensors, tmp_path / name) for name in ("undisturbed", "disturbed")]
    records = [fit(jobs[0]), fit(jobs[1], lambda _: (jobs[1].folder / PROGRESS_NAME).write_text("nonsense"))]

    weights = [(job.folder / "weights.safetensors").read_bytes() for job in jobs]
    assert weights[0] == weights[1]
    assert records[0] == records[1]


def test_looking_loads_no_torch():
    code = "import sys, faircmr.segmentation.training.fit_status; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
