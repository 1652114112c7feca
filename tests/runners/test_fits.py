"""Fits on workers: in their order, each once, with their errors, and again where a worker was lost."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Barrier, Lock

import pytest
from distributed import Client, wait

from faircmr.core import FaircmrError, InvalidModelError, InvalidParameterError
from faircmr.core.host import StoppedError
from faircmr.pipelines.training import Train, fits_mapped_by, run_fits
from faircmr.runners.fits import FitsOnCluster, _require_gpus, fit_on_worker
from faircmr.runners.node_run import FitsNeededError, MadeFits, NeededFits, request_stop
from faircmr.segmentation.training import EpochRecord, FitJob, FitRecord
from tests.segmentation.phantoms import job_of

made: list[str] = []
lock, both = Lock(), Barrier(2)


def named(name: str, after: FitJob | None = None, **training: object) -> FitJob:
    job = job_of(Path("tensors"), Path("fits") / name, **training)
    return job.model_copy(update={"name": name, "after": after})


def record_of(job: FitJob) -> FitRecord:
    return FitRecord(name=job.name, seed=0, fingerprint="", history=(EpochRecord(loss=0.5),), weights_epoch=1)


def make(job: FitJob, train: Train) -> FitRecord:
    with lock:
        made.append(job.name)
    return record_of(job)


# functions of the module and not of a test: a function in a function would be copied, with all that it names
def meet(job: FitJob, train: Train) -> FitRecord:
    both.wait(30)  # alone it would break
    return make(job, train)


def fail_in_the_first_seed(job: FitJob, train: Train) -> FitRecord:
    if job.name == "seed-0/shared":
        raise InvalidModelError(job.name, "loss is nan", "a finite number", "lower the learning rate")
    return make(job, train)


def crash(job: FitJob, train: Train) -> FitRecord:
    raise OSError("/where/4711")


def be_taken_away_once(job: FitJob, train: Train) -> FitRecord:
    make(job, train)
    if len(made) == 1:
        be_taken_away(job, train)
    return record_of(job)


def be_taken_away(job: FitJob, train: Train) -> FitRecord:
    raise StoppedError(job.name, "stopped by SIGTERM", "what is finished is kept")


@pytest.fixture
def spread(client: Client) -> Callable[..., list[FitRecord]]:
    """Makes fits as a run does for a node."""
    made.clear()

    def on_workers(fit: Callable[..., FitRecord], jobs: Sequence[FitJob], run: str = "run") -> list[FitRecord]:
        fits, needed = FitsOnCluster(client, run, retries=1), NeededFits(fit, tuple(jobs))
        fits.queue(needed)
        while not fits.are_made(needed):
            fits.submit_ready()
            assert len(fits.under_way) <= 2, "more than there are workers"
            fits.record_outcomes(wait(fits.under_way, 30, "FIRST_COMPLETED").done)
        return MadeFits(fits.outcomes(needed))(fit, jobs)

    return on_workers


def test_a_fit_waits_for_the_one_that_it_begins_with(spread: Callable[..., list[FitRecord]]):
    shared = named("seed-0/shared")
    jobs = [shared, *(named(f"seed-0/group-{group}", after=shared) for group in "ABC")]

    assert [record.name for record in spread(make, jobs, "order")] == [job.name for job in jobs]
    assert made[0] == shared.name
    assert sorted(made) == sorted(job.name for job in jobs)


def test_fits_that_others_wait_for_come_first(spread: Callable[..., list[FitRecord]]):
    alone, shared = [named(f"seed-{number}/shared") for number in range(3)], named("seed-3/shared")

    spread(make, [*alone, shared, named("seed-3/group-A", after=shared)], "first")

    assert shared.name in made[:2]


def test_fits_of_two_seeds_are_made_side_by_side(spread: Callable[..., list[FitRecord]]):
    assert len(spread(meet, [named("seed-0/shared"), named("seed-1/shared")], "seeds")) == 2


def test_the_same_fit_of_two_nodes_is_made_once(client: Client):
    made.clear()
    fits, needed = FitsOnCluster(client, "twice", retries=1), NeededFits(make, (named("seed-0/shared"),))

    for _ in range(2):
        fits.queue(needed)
        fits.submit_ready()
    assert not fits.are_made(needed)
    fits.record_outcomes(wait(fits.under_way, 30).done)
    fits.queue(needed)
    fits.submit_ready()

    assert fits.are_made(needed)
    assert fits.under_way == []
    assert made == ["seed-0/shared"]


def test_a_node_that_needs_fits_says_which_and_then_gets_them():
    shared, other = named("seed-0/shared"), named("seed-1/shared")
    records = {job.folder: record_of(job) for job in (shared, other)}

    with pytest.raises(FitsNeededError) as error:
        MadeFits({shared.folder: records[shared.folder]})(make, [shared, other])

    assert error.value.needed == NeededFits(make, (shared, other))
    assert MadeFits(records)(make, [other, shared]) == [record_of(other), record_of(shared)]


def test_of_a_fit_that_fails_only_those_that_begin_with_it_are_left_out(spread: Callable[..., list[FitRecord]]):
    shared, other = named("seed-0/shared"), named("seed-1/shared")
    after = named("seed-0/group-A", after=shared)

    with pytest.raises(InvalidModelError, match=r"^seed-0/shared: loss is nan; a finite number"):
        spread(fail_in_the_first_seed, [shared, after, other], "failing")
    assert made == [other.name]


def test_an_error_that_nobody_expected_is_told_by_its_type(spread: Callable[..., list[FitRecord]]):
    with pytest.raises(FaircmrError, match=r"^seed-0/shared: OSError; ") as error:
        spread(crash, [named("seed-0/shared")], "crash")
    assert "4711" not in str(error.value)


def test_a_fit_that_others_have_stopped_is_tried_again(spread: Callable[..., list[FitRecord]]):
    assert spread(be_taken_away_once, [named("seed-0/shared")], "taken-away")[0].name == "seed-0/shared"
    assert len(made) == 2

    with pytest.raises(StoppedError, match="seed-0/shared: stopped by SIGTERM"):
        spread(be_taken_away, [named("seed-0/shared")], "again and again")


def test_fits_of_a_run_that_is_stopped_are_not_begun():
    request_stop("stopped before")

    outcome = fit_on_worker(make, named("seed-0/shared"), "stopped before", None)

    assert isinstance(outcome, StoppedError)
    assert isinstance(fit_on_worker(make, named("seed-0/shared"), "another", None), FitRecord)


def test_a_gpu_that_no_worker_has_is_not_waited_for(spread: Callable[..., list[FitRecord]]):
    with pytest.raises(InvalidParameterError, match=r"training.devices: 2 with training.device cuda; at most 0, the"):
        spread(make, [named("seed-0/shared", device="cuda", devices=2)], "gpu")
    assert made == []


def test_workers_that_are_yet_to_come_are_waited_for(monkeypatch: pytest.MonkeyPatch, client: Client):
    monkeypatch.setattr(client, "scheduler_info", lambda **_: {"workers": {}})

    _require_gpus(client, [named("seed-0/shared", device="cuda", devices=2)])


def test_a_node_makes_its_fits_as_it_is_told_and_in_turn_otherwise(tmp_path: Path, tensors: Path):
    asked: list[str] = []

    def elsewhere(fit: Callable[..., FitRecord], jobs: Sequence[FitJob]) -> list[FitRecord]:
        asked.extend(job.name for job in jobs)
        return [record_of(job) for job in jobs]

    job = job_of(tensors, tmp_path / "fit", epochs=1).model_copy(update={"serves": "A"})
    with fits_mapped_by(elsewhere):
        (record,) = run_fits("baseline", [job])

    assert asked == ["seed-0/shared"]
    assert record.serves == "A"
    assert not job.folder.exists()
    assert run_fits("baseline", [job])[0].serves == "A"
    assert (job.folder / "weights.safetensors").exists()
