"""Stages: their epochs and learning rates, and fits that start from other fits' weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.numpy import load_file, save_file

from faircmr.core import InvalidModelError
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.data import tensors_file_name
from faircmr.segmentation.network import load_tensors
from faircmr.segmentation.training import SEGMENTATION_OBJECTIVE, Component, FitJob, Stage
from faircmr.segmentation.training.jobs import learning_rate
from faircmr.segmentation.training.loop import fit
from faircmr.segmentation.training.records import EpochReport
from tests.segmentation.phantoms import UNIFORM, job_of, write_study

FIRST, SECOND = Stage(end=2), Stage(first=2, end=4)


def curve(training: TrainingParameters, *stages: Stage) -> list[float]:
    return [learning_rate(epoch, training, stage) for stage in stages for epoch in stage.epochs]


def test_the_learning_rate_falls_as_nnunets():
    # 0.01 times 1, 3/4, 1/2 and 1/4 to the power of 0.9
    expected = [0.01, 0.0077188, 0.0053589, 0.0028717]
    assert curve(TrainingParameters(epochs=4), Stage(end=4)) == pytest.approx(expected, rel=1e-4)


@given(st.integers(1, 40))
def test_two_stages_continue_one_curve_or_begin_it_anew(half: int):
    training, whole = TrainingParameters(epochs=2 * half), Stage(end=2 * half)
    halves = (Stage(end=half), Stage(first=half, end=2 * half))
    anew = [stage.model_copy(update={"learning_rate": "restart"}) for stage in halves]

    assert curve(training, *halves) == curve(training, whole)
    assert curve(training, *anew) == 2 * curve(TrainingParameters(epochs=half), Stage(end=half))


@pytest.mark.parametrize(("first", "end"), [(2, 2), (3, 2)])
def test_a_stage_without_an_epoch_is_refused(first: int, end: int):
    with pytest.raises(ValidationError, match="a stage has one epoch at least"):
        Stage(first=first, end=end)


def test_a_stage_that_goes_on_after_the_schedule_is_refused(tensors: Path, tmp_path: Path):
    content = job_of(tensors, tmp_path).model_dump() | {"stage": {"end": 4}}

    with pytest.raises(ValidationError, match="stage ends at epoch 4 of 3: end it earlier"):
        FitJob.model_validate(content)


def first_job(tensors: Path, folder: Path) -> FitJob:
    return job_of(tensors, folder / "shared", epochs=4).model_copy(update={"stage": FIRST})


def second_job(first: FitJob, subjects: int = 3) -> FitJob:
    """Fine-tunes the first fit on its first subjects alone."""
    return first.model_copy(
        update={
            "name": "seed-0/group-A",
            "folder": first.folder.with_name("group-A"),
            "training_subjects": first.training_subjects[:subjects],
            "validation_subjects": (),
            "keys": {},
            "strata": {},
            "sampler": first.sampler.model_copy(update={"path": UNIFORM}),
            "objective": SEGMENTATION_OBJECTIVE,
            "stage": SECOND,
            "after": first,
            "serves": "A",
        }
    )


def weights(job: FitJob) -> dict[str, torch.Tensor]:
    return load_tensors(job.folder / "weights.safetensors")[0]


def same(one: FitJob, other: FitJob) -> bool:
    these, those = weights(one), weights(other)
    return these.keys() == those.keys() and all(these[name].equal(those[name]) for name in these)


def test_the_first_half_is_the_beginning_of_the_whole(tensors: Path, tmp_path: Path):
    """One curve over both halves, so that the first one takes the steps that the whole fit takes."""
    first, whole = first_job(tensors, tmp_path), job_of(tensors, tmp_path / "whole", epochs=4)
    reports: list[EpochReport] = []

    record = fit(first, reports.append)

    assert [(report.epoch, report.epochs) for report in reports] == [(1, 2), (2, 2)]
    assert [epoch.loss for epoch in record.history] == [epoch.loss for epoch in fit(whole).history[:2]]


def test_the_second_begins_with_the_weights_of_the_first_and_counts_its_steps_on(tensors: Path, tmp_path: Path):
    first = first_job(tensors, tmp_path)
    second = second_job(first)
    still = second.model_copy(
        update={"training": second.training.model_copy(update={"learning_rate": 1e-30, "weight_decay": 0.0})}
    )
    fit(first)

    record = fit(still.model_copy(update={"after": first}))

    assert record.serves == "A"
    assert same(first, still), "a learning rate of nothing leaves the weights that it began with"
    again = job_of(tensors, tmp_path / "again", epochs=4).model_copy(
        update={"training_subjects": second.training_subjects, "strata": {}, "keys": {}, "sampler": second.sampler}
    )
    assert [epoch.loss for epoch in record.history] != [epoch.loss for epoch in fit(again).history[:2]]


def test_what_an_objective_remembers_goes_on_in_a_second_stage_of_the_same_objective(tensors: Path, tmp_path: Path):
    remembering = Component(path="tests.segmentation.objectives.Remembering")
    first = first_job(tensors, tmp_path).model_copy(update={"objective": remembering})
    goes_on = first.model_copy(update={"folder": tmp_path / "second", "stage": SECOND, "after": first})
    anew = goes_on.model_copy(
        update={"folder": tmp_path / "anew", "objective": remembering.model_copy(update={"parameters": {"scale": 2.0}})}
    )

    seen = []
    for job in (first, goes_on, anew):
        assert fit(job).objective
        seen.append(float(load_tensors(job.folder / "objective.safetensors")[0]["seen"]))

    shared, continued, begun_anew = seen
    assert shared > 0
    assert begun_anew > 0
    assert continued == shared + begun_anew


def test_killed_in_the_second_stage_it_ends_in_the_same_weights_bit_by_bit(tensors: Path, tmp_path: Path):
    first = first_job(tensors, tmp_path)
    fit(first)
    undisturbed = second_job(first)
    cut_off = undisturbed.model_copy(update={"folder": tmp_path / "cut-off"})

    def kill(report: EpochReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(cut_off, kill)
    fit(cut_off)
    fit(undisturbed)

    assert same(cut_off, undisturbed)
    assert not same(undisturbed, first)


def test_a_fit_that_begins_with_an_unfinished_one_is_refused(tensors: Path, tmp_path: Path):
    with pytest.raises(InvalidModelError, match="seed-0/shared: not finished"):
        fit(second_job(first_job(tensors, tmp_path)))


def test_what_the_first_was_trained_on_is_part_of_the_second(tensors: Path, tmp_path: Path):
    second = second_job(first_job(tensors, tmp_path))
    known = dict.fromkeys(second.subjects, "x")

    assert len(second.subjects) == 8
    assert second.fingerprint(known) != second.fingerprint(known | {"sub-0006": "changed"})
    elsewhere = second.after.model_copy(update={"folder": tmp_path / "moved", "name": "b"})
    assert second.model_copy(update={"after": elsewhere}).fingerprint(known) == second.fingerprint(known)


def test_changing_the_images_of_one_group_leaves_the_model_of_another_as_it_is(tmp_path: Path):
    """Of the same shared fit: what changes lies between both stages."""
    tensors = tmp_path / "tensors"
    write_study(tensors, subjects=8)
    first = first_job(tensors, tmp_path)
    fit(first)
    fit(before := second_job(first))
    others = first.training_subjects[3:]
    fit(theirs := of_others(first, others, tmp_path / "theirs"))

    for subject_id in others:
        path = tensors / tensors_file_name(subject_id)
        save_file({name: array[..., ::-1].copy() for name, array in load_file(path).items()}, path)
    after = before.model_copy(update={"folder": tmp_path / "after"})
    fit(after)
    fit(changed := of_others(first, others, tmp_path / "changed"))

    assert same(before, after)
    assert not same(theirs, changed)


def of_others(first: FitJob, others: tuple[str, ...], folder: Path) -> FitJob:
    return second_job(first).model_copy(update={"training_subjects": others, "folder": folder, "serves": "B"})
