"""Augmentation of a batch on the training device, in nnU-Net's order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from torch import Generator, Tensor

from faircmr.core.randomness import derived_seed
from faircmr.segmentation import intensity
from faircmr.segmentation.batches import Batch
from faircmr.segmentation.parameters import AugmentationParameters, RandomRange
from faircmr.segmentation.spatial import chosen, mirror, strengths, transform

Change = Callable[[Tensor, Tensor], Tensor]


def augment(batch: Batch, patch: tuple[int, int], augmentation: AugmentationParameters, seed: int) -> Batch:
    """Change a batch at random, as a function of seed and step alone.

    Args:
        batch: Crops of at least :func:`~faircmr.segmentation.spatial.crop_shape`.
        patch: Rows and columns of the samples to return.
        augmentation: Probabilities and ranges.
        seed: Training seed.
    """
    rng = Generator(device=batch.image.device)
    rng.manual_seed(derived_seed(seed, "augmentation", batch.step))
    image, label = transform(batch.image, batch.label, patch, augmentation, rng)
    for change, apply in _intensity_changes(augmentation, rng):
        image = _apply_to_some(image, change, apply, rng)
    image, label = mirror(image, label, augmentation.mirroring, rng)
    return replace(batch, image=image, label=label)


def _intensity_changes(augmentation: AugmentationParameters, rng: Generator) -> tuple[tuple[RandomRange, Change], ...]:
    return (
        (augmentation.noise, partial(intensity.add_noise, rng=rng)),
        (augmentation.blur, intensity.blur),
        (augmentation.brightness, intensity.scale_brightness),
        (augmentation.contrast, intensity.scale_contrast),
        (augmentation.low_resolution, intensity.lower_resolution),
        (augmentation.inverted_gamma, intensity.change_gamma_inverted),
        (augmentation.gamma, intensity.change_gamma),
    )


def _apply_to_some(image: Tensor, change: RandomRange, apply: Change, rng: Generator) -> Tensor:
    samples = chosen(len(image), change, rng)
    if len(samples):
        image[samples] = apply(image[samples], strengths(len(samples), change, rng))
    return image
