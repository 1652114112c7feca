"""Augmentation depends only on seed and step, and can be switched off."""

import pytest
import torch

from faircmr.segmentation import AugmentationParameters
from faircmr.segmentation.data import Batch, augment, crop_shape

EVERYTHING = AugmentationParameters()
RANGES = [name for name, value in EVERYTHING if name != "mirroring"]


def with_probability(probability: float, *names: str) -> AugmentationParameters:
    values = {name: getattr(EVERYTHING, name).model_copy(update={"probability": probability}) for name in names}
    return EVERYTHING.model_copy(update=values)


NOTHING = with_probability(0.0, *RANGES).model_copy(update={"mirroring": 0.0})


def batch_of(augmentation: AugmentationParameters, step: int = 0, samples: int = 6) -> Batch:
    rng = torch.Generator().manual_seed(1)
    rows, columns = crop_shape((16, 12), augmentation)
    image = torch.randn(samples, 1, rows, columns, generator=rng)
    label = torch.randint(0, 4, (samples, rows, columns), generator=rng).to(torch.uint8)
    return Batch(image, label, ("a",) * samples, step)


def test_a_step_is_augmented_alike_every_time_and_the_next_otherwise():
    first, again, later, other = (
        augment(batch_of(EVERYTHING, step), (16, 12), EVERYTHING, seed)
        for step, seed in [(7, 0), (7, 0), (8, 0), (7, 1)]
    )

    assert torch.equal(first.image, again.image)
    assert torch.equal(first.label, again.label)
    assert not torch.equal(first.image, later.image)
    assert not torch.equal(first.image, other.image)


def test_does_not_depend_on_the_random_numbers_of_others():
    torch.manual_seed(0)
    first = augment(batch_of(EVERYTHING), (16, 12), EVERYTHING, 0)
    torch.manual_seed(1)

    assert torch.equal(first.image, augment(batch_of(EVERYTHING), (16, 12), EVERYTHING, 0).image)


def test_returns_patches_and_keeps_keys_and_step():
    result = augment(batch_of(EVERYTHING, step=3), (16, 12), EVERYTHING, 0)

    assert (result.image.shape, result.label.shape) == ((6, 1, 16, 12), (6, 16, 12))
    assert (result.keys, result.step, result.label.dtype) == (("a",) * 6, 3, torch.uint8)


def test_nothing_happens_where_nothing_is_asked_for():
    batch = batch_of(NOTHING)

    result = augment(batch, (16, 12), NOTHING, 0)

    assert torch.equal(result.image, batch.image)
    assert torch.equal(result.label, batch.label)


@pytest.mark.parametrize("name", RANGES)
def test_every_change_is_applied_when_its_turn_comes(name: str):
    value = getattr(EVERYTHING, name)
    strength = 0.75 * value.low + 0.25 * value.high
    value = value.model_copy(update={"probability": 1.0, "low": strength, "high": strength})
    only = NOTHING.model_copy(update={name: value})
    batch = batch_of(only)

    result = augment(batch, (16, 12), only, 0)

    rows, columns = ((size - patch) // 2 for size, patch in zip(batch.image.shape[2:], (16, 12), strict=True))
    plain = batch.image[:, :, rows : rows + 16, columns : columns + 12]
    changed = (result.image != plain).flatten(1).any(dim=1)
    assert changed.all()


def test_leaves_the_batch_that_it_is_given_alone():
    batch = batch_of(NOTHING)
    before = batch.image.clone()

    augment(batch, (16, 12), with_probability(1.0, "noise", "brightness"), 0)

    assert torch.equal(batch.image, before)
