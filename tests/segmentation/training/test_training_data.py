"""Training batches follow the sampler; validation batches are the same at every call."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from faircmr.core import InvalidParameterError
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.training import Component, TrainingData, open_training_data
from tests.segmentation.phantoms import job_of


def data_of(tensors: Path, **edit: object) -> TrainingData:
    job = job_of(tensors, tensors.parent / "fit").model_copy(update=edit)
    return open_training_data(job, TensorStore(tensors), torch.device("cpu"))


def test_batches_hold_the_keys_that_the_sampler_chose(tensors: Path):
    data = data_of(tensors)

    keys = Counter(key for step in range(3) for key in data.batch(step).keys)

    assert keys == {"A": 4, "B": 4, "C": 4}


def test_a_batch_is_a_function_of_seed_and_step_whatever_came_before(tensors: Path):
    data = data_of(tensors)
    first = data.batch(5)
    data.batch(0)
    torch.rand(3)

    assert torch.equal(data_of(tensors).batch(5).image, first.image)
    assert not torch.equal(data_of(tensors, seed=1).batch(5).image, first.image)


def test_batches_have_the_size_of_the_plans(tensors: Path):
    batch = data_of(tensors).batch(0)

    assert (batch.image.shape, batch.label.shape) == ((4, 1, 16, 16), (4, 16, 16))


def test_validation_is_the_same_every_time_and_takes_subjects_in_turn(tensors: Path):
    data = data_of(tensors)
    first, again = list(data.validation_batches()), list(data.validation_batches())

    assert len(first) == 1
    assert torch.equal(first[0].image, again[0].image)


def test_a_fit_may_have_nobody_to_validate_on(tensors: Path):
    assert data_of(tensors).has_validation_subjects
    assert not data_of(tensors, validation_subjects=()).has_validation_subjects


def test_preparing_a_batch_leaves_the_number_of_threads_as_it_was(tensors: Path):
    data, threads = data_of(tensors), torch.get_num_threads()

    data.batch(0)

    assert torch.get_num_threads() == threads


def test_a_sampler_that_is_not_there_is_named(tensors: Path):
    with pytest.raises(InvalidParameterError, match=r"component: faircmr\.nothing"):
        data_of(tensors, sampler=Component(path="faircmr.nothing"))


def test_the_subjects_of_a_batch_can_be_named(tensors: Path):
    data = data_of(tensors)

    for step in range(6):
        subjects = data.subjects(step)
        assert list(subjects) == sorted(set(subjects)), "each once"
        assert {data.job.keys[subject_id] for subject_id in subjects} == set(data.batch(step).keys)
