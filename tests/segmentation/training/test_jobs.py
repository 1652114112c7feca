"""Job files, and fingerprints of the settings that determine the weights."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from faircmr.core import InvalidModelError, InvalidParameterError
from faircmr.segmentation.training import Component, FitJob
from tests.segmentation.phantoms import job_of

MADE = {f"sub-{number:04d}": "x" for number in range(1, 9)}


@pytest.fixture
def job(tmp_path: Path) -> FitJob:
    return job_of(tmp_path / "tensors", tmp_path / "fit")


def test_survives_its_file(job: FitJob, tmp_path: Path):
    path = tmp_path / "job.json"
    path.write_text(job.model_dump_json(indent=2))

    assert FitJob.read(path) == job


@pytest.mark.parametrize(
    "edit",
    [
        {"seed": 1},
        {"code": "other code"},
        {"training_subjects": ("sub-0001",), "keys": {}, "strata": {}},
        {"sampler": Component(path="faircmr.mitigation.sampling.uniform")},
        {"objective": Component(path="elsewhere.Loss", parameters={"weight": 2})},
    ],
    ids=lambda edit: next(iter(edit)),
)
def test_whatever_determines_the_weights_is_in_the_fingerprint(job: FitJob, edit: dict[str, object]):
    assert job.model_copy(update=edit).fingerprint(MADE) != job.fingerprint(MADE)


def test_so_are_threads_and_the_tensors_of_its_own_subjects(job: FitJob):
    more_threads = job.model_copy(update={"training": job.training.model_copy(update={"threads": 7})})

    assert more_threads.fingerprint(MADE) != job.fingerprint(MADE)
    assert job.fingerprint(MADE | {"sub-0007": "y"}) != job.fingerprint(MADE)
    assert job.fingerprint(MADE | {"sub-0099": "y"}) == job.fingerprint(MADE)


def test_where_it_lies_and_how_many_devices_share_it_is_not(job: FitJob):
    moved = job.model_copy(update={"folder": Path("/elsewhere"), "tensors": Path("/there"), "name": "other"})
    shared = job.model_copy(update={"training": job.training.model_copy(update={"devices": 4})})

    assert moved.fingerprint(MADE) == job.fingerprint(MADE)
    assert shared.fingerprint(MADE) == job.fingerprint(MADE)


def test_precision_is(job: FitJob):
    mixed = job.model_copy(update={"training": job.training.model_copy(update={"precision": "mixed"})})

    assert mixed.fingerprint(MADE) != job.fingerprint(MADE)


def test_keys_and_strata_follow_the_order_of_subjects(job: FitJob):
    assert job.subject_strata == tuple("AAAABC")
    assert job.model_copy(update={"strata": {}}).subject_strata == ("",) * 6
    assert job.subject_keys == tuple("AAAABC")
    assert job.model_copy(update={"keys": {}}).subject_keys == ("",) * 6


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"validation_subjects": ("sub-0001",)}, "1 subjects are in both training and validation"),
        ({"keys": {"sub-0001": "A"}}, "keys lack 5 training subjects"),
        ({"training_subjects": ()}, "at least 1 item"),
    ],
)
def test_refuses_subjects_that_do_not_add_up(job: FitJob, edit: dict[str, object], message: str):
    values = job.model_dump() | edit
    with pytest.raises(ValidationError, match=message):
        FitJob.model_validate(values)


@pytest.mark.parametrize("content", [None, "{}", "not json"])
def test_a_file_that_is_no_job_is_refused(tmp_path: Path, content: str | None):
    path = tmp_path / "job.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(InvalidModelError, match=r"job.json.*a job as training writes it"):
        FitJob.read(path)


@pytest.mark.parametrize("path", ["nowhere.at.all", "math.no_such_function", "plain"])
def test_a_component_that_is_not_there_is_named(path: str):
    with pytest.raises(InvalidParameterError, match=f"component: {path}"):
        Component(path=path).load()
