"""Augmentation of a batch on the training device, in nnU-Net's order.

Every function takes an image of shape (samples, channels, rows, columns) and a strength a sample,
and returns the changed image.
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
    """Rows and columns to read around a patch, so that a turned or shrunk patch is still filled.

    The crop exceeds the patch by an even number of pixels, so that both share their centre.
    """
    turns = augmentation.rotation.probability > 0
    shrinks = augmentation.scaling.probability > 0
    reach = (hypot(*patch),) * 2 if turns else patch
    largest = max(1.0, augmentation.scaling.high) if shrinks else 1.0
    rows, columns = (size + 2 * ceil((far * largest - size) / 2) for size, far in zip(patch, reach, strict=True))
    return rows, columns


def draw_samples(samples: int, change: RandomRange, rng: Generator) -> Tensor:
    """Indices of the samples that a random change applies to."""
    return (torch.rand(samples, generator=rng, device=rng.device) < change.probability).nonzero().flatten()


def draw_strengths(samples: int, change: RandomRange, rng: Generator) -> Tensor:
    """Strength a sample, shape (samples,): uniform, or for factors uniform below and above 1."""
    share = torch.rand(samples, generator=rng, device=rng.device)
    if isinstance(change, FactorRange):
        below, above = (2 * share).clamp(max=1), (2 * share - 1).clamp(min=0)
        return change.low + (1 - change.low) * below + (change.high - 1) * above
    return change.low + (change.high - change.low) * share


def rotate_and_scale(
    image: Tensor, label: Tensor, patch: tuple[int, int], augmentation: AugmentationParameters, rng: Generator
) -> tuple[Tensor, Tensor]:
    """Rotate and scale some samples about their centre, and cut all to the patch.

    Args:
        image: Shape (samples, channels, rows, columns), at least the patch.
        label: Shape (samples, rows, columns).
        patch: Rows and columns to return.
        augmentation: Probabilities and ranges.
        rng: Generator on the device of the batch.

    Returns:
        Image, bilinear, and label, the largest of bilinear masks, as nnU-Net; zero outside of the crop.
    """
    turned = _draw_values(len(image), augmentation.rotation, 0.0, rng)
    scaled = _draw_values(len(image), augmentation.scaling, 1.0, rng)
    cut_image, cut_label = crop_centre(image, patch).clone(), crop_centre(label, patch).clone()
    moved = ((turned != 0) | (scaled != 1)).nonzero().flatten()
    if len(moved):
        grid = _sampling_grid(turned[moved].deg2rad(), scaled[moved], (image.shape[-2], image.shape[-1]), patch)
        cut_image[moved] = functional.grid_sample(image[moved], grid, align_corners=False)
        cut_label[moved] = _moved_label(label[moved], grid)
    return cut_image, cut_label


def _moved_label(label: Tensor, grid: Tensor) -> Tensor:
    values = torch.arange(int(label.max()) + 1, device=label.device).view(1, -1, 1, 1)
    masks = (label.unsqueeze(1) == values).float()
    shares = functional.grid_sample(masks, grid, align_corners=False)
    # where the crop has no pixels all shares are 0, and the first, background, is taken
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
    """Strength a sample, or the value that changes nothing where the change does not happen."""
    values = torch.full((samples,), unchanged, device=rng.device)
    happens = draw_samples(samples, change, rng)
    values[happens] = draw_strengths(len(happens), change, rng)
    return values


def _sampling_grid(angle: Tensor, scale: Tensor, crop: tuple[int, int], patch: tuple[int, int]) -> Tensor:
    """Where in the crop each pixel of the patch comes from, in ``grid_sample``'s coordinates."""
    cosine, sine, zero = angle.cos() * scale, angle.sin() * scale, torch.zeros_like(angle)
    (rows, columns), (patch_rows, patch_columns) = crop, patch
    across = torch.stack([cosine * patch_columns / columns, -sine * patch_rows / columns, zero], dim=1)
    down = torch.stack([sine * patch_columns / rows, cosine * patch_rows / rows, zero], dim=1)
    size = [len(angle), 1, patch_rows, patch_columns]
    return functional.affine_grid(torch.stack([across, down], dim=1), size, align_corners=False)


EPSILON = 1e-7
PIXELS = (1, 2, 3)


def add_noise(image: Tensor, deviation: Tensor, rng: Generator) -> Tensor:
    """Gaussian noise of the given standard deviation."""
    noise = torch.randn(image.shape, generator=rng, device=image.device)
    return image + noise * _per_sample(deviation)


def blur(image: Tensor, deviation: Tensor) -> Tensor:
    """Gaussian blur by this standard deviation, in pixels; the edge is repeated."""
    radius = max(1, ceil(4 * float(deviation.max())))
    taps = torch.arange(-radius, radius + 1, device=image.device)
    kernel = torch.exp(-0.5 * (taps / deviation.unsqueeze(1)) ** 2)
    kernel = kernel / kernel.sum(dim=1, keepdim=True)
    samples, channels, rows, columns = image.shape
    # every plane is a channel of one image, so that each has its own kernel
    planes = image.reshape(1, samples * channels, rows, columns)
    kernel = kernel.repeat_interleave(channels, dim=0)
    for shape, padding in (((-1, 1), (0, 0, radius, radius)), ((1, -1), (radius, radius, 0, 0))):
        weight = kernel.view(samples * channels, 1, *shape)
        planes = functional.conv2d(functional.pad(planes, padding, "replicate"), weight, groups=samples * channels)
    return planes.view_as(image)


def scale_brightness(image: Tensor, factor: Tensor) -> Tensor:
    """Intensities times a factor."""
    return image * _per_sample(factor)


def scale_contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Distance from the mean times a factor, clipped to the sample's own range."""
    mean = image.mean(PIXELS, keepdim=True)
    lowest, highest = image.amin(PIXELS, keepdim=True), image.amax(PIXELS, keepdim=True)
    return ((image - mean) * _per_sample(factor) + mean).clamp(lowest, highest)


def lower_resolution(image: Tensor, zoom: Tensor) -> Tensor:
    """Reduce each sample to a smaller grid (nearest neighbour) and enlarge it again (bilinear)."""
    shape = image.shape[2:]
    planes = []
    for plane, factor in zip(image.unsqueeze(1), zoom.tolist(), strict=True):
        small = [max(1, round(size * factor)) for size in shape]
        reduced = functional.interpolate(plane, size=small, mode="nearest-exact")
        planes.append(functional.interpolate(reduced, size=list(shape), mode="bilinear", align_corners=False))
    return torch.cat(planes)


def change_gamma(image: Tensor, exponent: Tensor) -> Tensor:
    """Intensities, scaled to 0..1, to a power; the sample's mean and standard deviation are kept."""
    lowest, highest = image.amin(PIXELS, keepdim=True), image.amax(PIXELS, keepdim=True)
    span = (highest - lowest).clamp_min(EPSILON)
    changed = ((image - lowest) / span) ** _per_sample(exponent) * span + lowest
    changed = changed - changed.mean(PIXELS, keepdim=True)
    deviation = changed.std(PIXELS, keepdim=True).clamp_min(EPSILON)
    return changed * image.std(PIXELS, keepdim=True) / deviation + image.mean(PIXELS, keepdim=True)


def change_gamma_inverted(image: Tensor, exponent: Tensor) -> Tensor:
    """As :func:`change_gamma`, of the inverted image."""
    return -change_gamma(-image, exponent)


def _per_sample(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)


Change = Callable[[Tensor, Tensor], Tensor]


def augment(batch: Batch, patch: tuple[int, int], augmentation: AugmentationParameters, seed: int) -> Batch:
    """Change a batch at random, as a function of seed and step alone.

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
