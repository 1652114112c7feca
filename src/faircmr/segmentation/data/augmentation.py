"""Augmentation of a batch on the training device, in nnU-Net's order.

The functions for intensities take an image of shape (samples, channels, rows, columns) and one strength for each
sample, and return the changed image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import ceil, hypot

import torch
from torch import Generator, Tensor
from torch.nn import functional

from faircmr.core import derived_seed
from faircmr.segmentation import AugmentationParameters, FactorRange, RandomRange
from faircmr.segmentation.data.batches import Batch


def crop_shape(patch: tuple[int, int], augmentation: AugmentationParameters) -> tuple[int, int]:
    """Rows and columns to read around a patch, so that a rotated or scaled patch is still filled.

    The crop exceeds the patch by an even number of pixels, so that both have the same centre.
    """
    rotates = augmentation.rotation.probability > 0
    scales = augmentation.scaling.probability > 0
    reach = (hypot(*patch),) * 2 if rotates else patch
    largest = max(1.0, augmentation.scaling.high) if scales else 1.0
    rows, columns = (size + 2 * ceil((far * largest - size) / 2) for size, far in zip(patch, reach, strict=True))
    return rows, columns


def draw_samples(samples: int, change: RandomRange, rng: Generator) -> Tensor:
    """Draw the indices of the samples that a random change applies to."""
    return (torch.rand(samples, generator=rng, device=rng.device) < change.probability).nonzero().flatten()


def draw_strengths(samples: int, change: RandomRange, rng: Generator) -> Tensor:
    """Draw one strength for each sample, shape (samples,): uniform, or for factors uniform below and above 1."""
    share = torch.rand(samples, generator=rng, device=rng.device)
    if isinstance(change, FactorRange):
        below, above = (2 * share).clamp(max=1), (2 * share - 1).clamp(min=0)
        return change.low + (1 - change.low) * below + (change.high - 1) * above
    return change.low + (change.high - change.low) * share


def rotate_and_scale(
    image: Tensor, label: Tensor, patch: tuple[int, int], augmentation: AugmentationParameters, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Rotate and scale some samples about their centre, and crop all to the patch.

    Args:
        image: Shape (samples, channels, rows, columns), at least the patch.
        label: Shape (samples, rows, columns).
        patch: Rows and columns to return.
        augmentation: Probabilities and ranges.
        rng: Generator on the device of the batch.

    Returns:
        Image, interpolated bilinearly, and label, the class with the largest bilinearly interpolated mask, as in
        nnU-Net; zero outside of the crop.
    """
    angles = _draw_values(len(image), augmentation.rotation, 0.0, rng)
    scales = _draw_values(len(image), augmentation.scaling, 1.0, rng)
    cut_image, cut_label = crop_centre(image, patch).clone(), crop_centre(label, patch).clone()
    moved = ((angles != 0) | (scales != 1)).nonzero().flatten()
    if len(moved):
        grid = _sampling_grid(angles[moved].deg2rad(), scales[moved], (image.shape[-2], image.shape[-1]), patch)
        cut_image[moved] = functional.grid_sample(image[moved], grid, align_corners=False)
        cut_label[moved] = _moved_label(label[moved], grid)
    return cut_image, cut_label


def _moved_label(label: Tensor, grid: Tensor) -> Tensor:
    values = torch.arange(int(label.max()) + 1, device=label.device).view(1, -1, 1, 1)
    masks = (label.unsqueeze(1) == values).float()
    shares = functional.grid_sample(masks, grid, align_corners=False)
    # outside of the crop all shares are 0, and argmax returns the first class, background
    return shares.argmax(dim=1).to(label.dtype)


def mirror(image: Tensor, label: Tensor, probability: float, rng: Generator) -> tuple[Tensor, Tensor]:
    """Flip some samples along rows, and some along columns."""
    for axis in (-2, -1):
        flipped = (torch.rand(len(image), generator=rng, device=rng.device) < probability).nonzero().flatten()
        image[flipped] = image[flipped].flip(axis)
        label[flipped] = label[flipped].flip(axis)
    return image, label


def crop_centre(planes: Tensor, patch: tuple[int, int]) -> Tensor:
    """Central part of the last two axes."""
    top, left = (planes.shape[-2] - patch[0]) // 2, (planes.shape[-1] - patch[1]) // 2
    return planes[..., top : top + patch[0], left : left + patch[1]]


def _draw_values(samples: int, change: RandomRange, unchanged: float, rng: Generator) -> Tensor:
    """One strength for each sample; ``unchanged`` for samples that the change does not apply to."""
    values = torch.full((samples,), unchanged, device=rng.device)
    happens = draw_samples(samples, change, rng)
    values[happens] = draw_strengths(len(happens), change, rng)
    return values


def _sampling_grid(angle: Tensor, scale: Tensor, crop: tuple[int, int], patch: tuple[int, int]) -> Tensor:
    """Position in the crop of each pixel of the patch, in the coordinates of ``grid_sample``."""
    cosine, sine, zero = angle.cos() * scale, angle.sin() * scale, torch.zeros_like(angle)
    (rows, columns), (patch_rows, patch_columns) = crop, patch
    across = torch.stack([cosine * patch_columns / columns, -sine * patch_rows / columns, zero], dim=1)
    down = torch.stack([sine * patch_columns / rows, cosine * patch_rows / rows, zero], dim=1)
    size = [len(angle), 1, patch_rows, patch_columns]
    return functional.affine_grid(torch.stack([across, down], dim=1), size, align_corners=False)


EPSILON = 1e-7
PIXELS = (1, 2, 3)


def add_noise(image: Tensor, deviation: Tensor, rng: Generator) -> Tensor:
    """Add Gaussian noise of this standard deviation."""
    noise = torch.randn(image.shape, generator=rng, device=image.device)
    return image + noise * _per_sample(deviation)


def blur(image: Tensor, deviation: Tensor) -> Tensor:
    """Blur with a Gaussian kernel of this standard deviation, in pixels; edge pixels are repeated."""
    radius = max(1, ceil(4 * float(deviation.max())))
    taps = torch.arange(-radius, radius + 1, device=image.device)
    kernel = torch.exp(-0.5 * (taps / deviation.unsqueeze(1)) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    samples, channels, rows, columns = image.shape
    # all samples become channels of one image, so that each has its own kernel
    planes = image.reshape(1, samples * channels, rows, columns)
    kernel = kernel.repeat_interleave(channels, dim=0)
    for shape, padding in (((-1, 1), (0, 0, radius, radius)), ((1, -1), (radius, radius, 0, 0))):
        weight = kernel.view(samples * channels, 1, *shape)
        planes = functional.conv2d(functional.pad(planes, padding, "replicate"), weight, groups=samples * channels)
    return planes.view_as(image)


def scale_brightness(image: Tensor, factor: Tensor) -> Tensor:
    """Multiply intensities by a factor."""
    return image * _per_sample(factor)


def scale_contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Multiply the distance from the mean by a factor, and clip to the range of the sample."""
    mean = image.mean(PIXELS, keepdim=True)
    lowest, highest = image.amin(PIXELS, keepdim=True), image.amax(PIXELS, keepdim=True)
    return ((image - mean) * _per_sample(factor) + mean).clamp(lowest, highest)


def lower_resolution(image: Tensor, zoom: Tensor) -> Tensor:
    """Downsample each sample (nearest neighbour) and upsample it again (bilinear)."""
    shape = image.shape[2:]
    planes = []
    for plane, factor in zip(image.unsqueeze(1), zoom.tolist(), strict=True):
        small = [max(1, round(size * factor)) for size in shape]
        reduced = functional.interpolate(plane, size=small, mode="nearest-exact")
        planes.append(functional.interpolate(reduced, size=list(shape), mode="bilinear", align_corners=False))
    return torch.cat(planes)


def change_gamma(image: Tensor, exponent: Tensor) -> Tensor:
    """Raise intensities, scaled to 0..1, to a power, and restore the sample's mean and standard deviation."""
    lowest, highest = image.amin(PIXELS, keepdim=True), image.amax(PIXELS, keepdim=True)
    span = (highest - lowest).clamp_min(EPSILON)
    changed = ((image - lowest) / span) ** _per_sample(exponent) * span + lowest
    changed = changed - changed.mean(PIXELS, keepdim=True)
    deviation = changed.std(PIXELS, keepdim=True).clamp_min(EPSILON)
    return changed * image.std(PIXELS, keepdim=True) / deviation + image.mean(PIXELS, keepdim=True)


def change_gamma_inverted(image: Tensor, exponent: Tensor) -> Tensor:
    """Apply :func:`change_gamma` to the inverted image."""
    return -change_gamma(-image, exponent)


def _per_sample(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


Change = Callable[[Tensor, Tensor], Tensor]


def augment(batch: Batch, patch: tuple[int, int], augmentation: AugmentationParameters, seed: int) -> Batch:
    """Augment a batch at random; depends only on seed and step.

    Args:
        batch: Crops of at least :func:`crop_shape`.
        patch: Rows and columns of the samples to return.
        augmentation: Probabilities and ranges.
        seed: Training seed.
    """
    rng = Generator(device=batch.image.device)
    rng.manual_seed(derived_seed(seed, "augmentation", batch.step))
    image, label = rotate_and_scale(batch.image, batch.label, patch, augmentation, rng)
    for change, apply in _intensity_changes(augmentation, rng):
        image = _apply_to_some(image, change, apply, rng)
    image, label = mirror(image, label, augmentation.mirroring, rng)
    return replace(batch, image=image, label=label)


def _intensity_changes(augmentation: AugmentationParameters, rng: Generator) -> tuple[tuple[RandomRange, Change], ...]:
    return (
        (augmentation.noise, partial(add_noise, rng=rng)),
        (augmentation.blur, blur),
        (augmentation.brightness, scale_brightness),
        (augmentation.contrast, scale_contrast),
        (augmentation.low_resolution, lower_resolution),
        (augmentation.inverted_gamma, change_gamma_inverted),
        (augmentation.gamma, change_gamma),
    )


def _apply_to_some(image: Tensor, change: RandomRange, apply: Change, rng: Generator) -> Tensor:
    samples = draw_samples(len(image), change, rng)
    if len(samples):
        image[samples] = apply(image[samples], draw_strengths(len(samples), change, rng))
    return image
