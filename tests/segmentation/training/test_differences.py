"""Differences between fits are named, without values about subjects."""

from pathlib import Path

import pytest

from faircmr.segmentation.training import Component, FitJob, describe_differences
from faircmr.segmentation.training.fit_status import differences_from
from tests.segmentation.phantoms import STRATIFIED, UNIFORM, job_of, plans_of

MADE = {f"sub-{number:04d}": "x" for number in range(1, 9)}


@pytest.fixture
def job(tmp_path: Path) -> FitJob:
    """A job that has been written to its folder."""
    job = job_of(tmp_path / "tensors", tmp_path / "fit").model_copy(update={"code": "old"})
    job.folder.mkdir()
    (job.folder / "job.json").write_text(job.model_dump_json(indent=2))
    return job


def difference(job: FitJob, made: dict[str, str] | None = None, **edit: object) -> tuple[str, ...]:
    now = job.model_copy(update=edit)
    return differences_from(job.folder, job.fingerprint(MADE), now, now.fingerprint(made or MADE))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ({"plans": plans_of(patch=(32, 16))}, "plans.patch is [16, 16], expected [32, 16]"),
        ({"seed": 1}, "seed is 0, expected 1"),
        ({"fold": 2}, "fold is null, expected 2"),
        ({"code": "new"}, "code of faircmr"),
        (
            {"sampler": Component(path=UNIFORM)},
            f"sampler.path is {STRATIFIED}, expected {UNIFORM}",
        ),
        (
            {"objective": Component(path="elsewhere.Loss", parameters={"weight": 2})},
            ("objective.path is faircmr.segmentation.training.losses.SegmentationObjective, expected elsewhere.Loss"),
        ),
        ({"training_subjects": ("sub-0001",), "keys": {}}, "training subjects"),
        ({"keys": dict.fromkeys(job_of(Path(), Path()).training_subjects, "Z")}, "keys"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_each_difference_is_one_phrase(job: FitJob, edit: dict[str, object], message: str):
    assert message in difference(job, **edit)


def test_nothing_differs_from_itself_wherever_it_lies_and_on_however_many_devices(job: FitJob, tmp_path: Path):
    devices = job.training.model_copy(update={"devices": 4})

    assert difference(job, name="other", tensors=tmp_path, training=devices) == ()


def test_all_differences_are_named(job: FitJob):
    training = job.training.model_copy(update={"threads": 7, "precision": "mixed"})

    assert difference(job, training=training, seed=3) == (
        "training.precision is full, expected mixed",
        "training.threads is 1, expected 7",
        "seed is 0, expected 3",
    )


def test_what_is_left_where_the_jobs_are_equal_are_the_preprocessed_subjects(job: FitJob):
    assert difference(job, MADE | {"sub-0001": "made anew"}) == ("preprocessed subjects",)


def test_code_differs_only_where_it_matters(job: FitJob):
    assert difference(job, code="", seed=1) == ("seed is 0, expected 1",)


@pytest.mark.parametrize("content", [None, "", "[]", "{"])
def test_a_job_that_cannot_be_read_is_said_to_be_of_another_version(job: FitJob, content: str | None):
    path = job.folder / "job.json"
    path.unlink() if content is None else path.write_text(content)

    assert difference(job, seed=1) == ("job.json is missing or of another version",)


def test_no_subject_is_named(job: FitJob):
    for edit in ({"training_subjects": ("sub-0001",)}, {"validation_subjects": ()}, {"keys": {"sub-0001": "A"}}):
        assert "sub-" not in " ".join(difference(job, **edit))


def test_a_value_that_one_version_does_not_know_is_absent_there():
    assert describe_differences({"a": {"old": 1}}, {"a": {"new": 2}}) == (
        "a.new is absent, expected 2",
        "a.old is 1, expected absent",
    )
