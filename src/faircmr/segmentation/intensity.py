"""Random changes of intensity, each a function of samples and their strengths.

Every function takes an image of shape (samples, channels, rows, columns) and a strength a sample,
and returns the changed image.
"""

from __future__ import annotations

from math import ceil

import torch
from torch import Generator, Tensor
from torch.nn import functional

EPSILON = 1e-7
PIXELS = (1, 2, 3)


def add_noise(image: Tensor, deviation: Tensor, rng: Generator) -> Tensor:
    """Gaussian noise of the given standard deviation."""
    noise = torch.randn(image.shape, generator=rng, device=image.device)
    return image + noise * _column(deviation)


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
    return image * _column(factor)


def scale_contrast(image: Tensor, factor: Tensor) -> Tensor:
    """Distance from the mean times a factor, clipped to the sample's own range."""
    mean = image.mean(PIXELS, keepdim=True)
    lowest, highest = image.amin(PIXELS, keepdim=True), image.amax(PIXELS, keepdim=True)
    return ((image - mean) * _column(factor) + mean).clamp(lowest, highest)


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
    changed = ((image - lowest) / span) ** _column(exponent) * span + lowest
    changed = changed - changed.mean(PIXELS, keepdim=True)
    deviation = changed.std(PIXELS, keepdim=True).clamp_min(EPSILON)
    return changed * image.std(PIXELS, keepdim=True) / deviation + image.mean(PIXELS, keepdim=True)


def change_gamma_inverted(image: Tensor, exponent: Tensor) -> Tensor:
    """As :func:`change_gamma`, of the inverted image."""
    return -change_gamma(-image, exponent)


def _column(values: Tensor) -> Tensor:
    return values.view(-1, 1, 1, 1)
