"""Stages of a strategy: their fits, the fits that these start from, and the subjects that they serve."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.mitigation import TwoStages
from faircmr.mitigation.fits import group_folder, half_of, split_into_stages
from faircmr.mitigation.strategies import OneStage, ProtectedGroupModels
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.training import SEGMENTATION_OBJECTIVE, Component, FitJob, Stage
from tests.segmentation.phantoms import STRATIFIED, plans_of

GROUPS = {"sub-1": "A", "sub-2": "A", "sub-3": "B", "sub-4": "B", "sub-5": "A", "sub-6": "C"}
BOX = Box(row_start=0, row_stop=8, column_start=0, column_stop=8)


def whole_of(epochs: int = 10) -> FitJob:
    """Four who train and two who validate, one of them of a group that nobody trains on."""
    training = tuple(list(GROUPS)[:4])
    groups = {one: GROUPS[one] for one in training}
    return FitJob(
        name="seed-0/shared",
        folder=Path("06_models/any/seed-0/shared"),
        tensors=Path("tensors"),
        training_subjects=training,
        validation_subjects=("sub-5", "sub-6"),
        keys=groups,
        strata={one: f"{group} | F" for one, group in groups.items()},
        plans=plans_of(),
        training=TrainingParameters(epochs=epochs),
        sampler=Component(path=STRATIFIED),
        objective=Component(path="some.objective"),
        rois={"sub-1": BOX, "sub-3": BOX},
    )


def test_one_stage_is_the_fit_itself():
    assert split_into_stages(whole_of(), OneStage(), GROUPS) == (whole_of(),)


def test_two_stages_train_everybody_twice_and_the_second_alone_predicts():
    first, second = split_into_stages(whole_of(), TwoStages(learning_rate="continue"), GROUPS)

    assert (first.name, second.name) == ("seed-0/first", "seed-0/shared")
    assert (first.stage, second.stage) == (Stage(end=5), Stage(first=5, end=10))
    assert (first.predicts, second.predicts, first.serves, second.serves) == (False, True, None, None)
    assert second.after == first
    assert first.training_subjects == second.training_subjects == whole_of().training_subjects
    assert first.objective == second.objective == whole_of().objective


def test_every_group_with_training_subjects_has_a_model_that_begins_with_the_shared_one(caplog):
    with caplog.at_level(logging.WARNING):
        shared, a, b = split_into_stages(whole_of(), ProtectedGroupModels(), GROUPS)

    assert [job.name for job in (shared, a, b)] == ["seed-0/shared", "seed-0/group-A", "seed-0/group-B"]
    assert [job.folder.name for job in (shared, a, b)] == ["shared", "group-A", "group-B"]
    assert [job.serves for job in (shared, a, b)] == [None, "A", "B"]
    assert a.after == b.after == shared
    assert [job.stage.learning_rate for job in (shared, a, b)] == ["restart"] * 3
    assert caplog.messages == [
        "seed-0/shared: 1 of 3 protected groups are without a model of their own: no subject to train on (C)"
    ]


def test_a_groups_model_sees_its_own_subjects_and_nothing_that_tells_groups_apart():
    _, a, b = split_into_stages(whole_of(), ProtectedGroupModels(), GROUPS)

    assert (a.training_subjects, a.validation_subjects) == (("sub-1", "sub-2"), ("sub-5",))
    assert (b.training_subjects, b.validation_subjects) == (("sub-3", "sub-4"), ())
    assert (a.keys, a.objective) == ({}, SEGMENTATION_OBJECTIVE)
    assert a.strata == {"sub-1": "A | F", "sub-2": "A | F"}, "strata within the group are still sampled alike"
    assert (a.rois, b.rois) == ({"sub-1": BOX}, {"sub-3": BOX})


def test_groups_can_be_chosen():
    jobs = split_into_stages(whole_of(), ProtectedGroupModels(groups=("B",)), GROUPS)

    assert [job.serves for job in jobs] == [None, "B"]


def test_a_model_of_a_group_without_training_subjects_is_refused():
    expected = (
        r"model of protected group 'C': no training subject in seed-0/shared; groups with training subjects: A, B; "
        r"leave it out of <strategy>\.strategy\.stages\.groups"
    )
    with pytest.raises(InvalidCohortError, match=expected):
        split_into_stages(whole_of(), ProtectedGroupModels(groups=("A", "C")), GROUPS)


@pytest.mark.parametrize("stages", [TwoStages(), ProtectedGroupModels()])
def test_an_odd_schedule_has_no_halves(stages):
    with pytest.raises(InvalidParameterError, match=r"training\.epochs: 7; an even number, .* the stages of"):
        split_into_stages(whole_of(epochs=7), stages, GROUPS)
    assert half_of(8, "anything") == 4


def test_folders_of_groups_are_fit_for_any_file_system_and_never_shared():
    assert group_folder("A") == "group-A"
    odd = [group_folder(name) for name in ("White / Irish", "White-Irish", "../x", "", "ü", "ö")]
    assert len(set(odd)) == 6
    assert all(name.replace("-", "").replace("_", "").isascii() and "/" not in name for name in odd)
