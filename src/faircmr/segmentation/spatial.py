"""Rotation, scaling and mirroring of a batch, on the way from crop to patch."""

from __future__ import annotations

from math import ceil, hypot

import torch
from torch import Generator, Tensor
from torch.nn import functional

from faircmr.segmentation.parameters import AugmentationParameters, FactorRange, RandomRange


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


def chosen(samples: int, change: RandomRange, rng: Generator) -> Tensor:
    """Indices of the samples that a random change applies to."""
    return (torch.rand(samples, generator=rng, device=rng.device) < change.probability).nonzero().flatten()


def strengths(samples: int, change: RandomRange, rng: Generator) -> Tensor:
    """Strength a sample, shape (samples,): uniform, or for factors uniform below and above 1."""
    share = torch.rand(samples, generator=rng, device=rng.device)
    if isinstance(change, FactorRange):
        below, above = (2 * share).clamp(max=1), (2 * share - 1).clamp(min=0)
        return change.low + (1 - change.low) * below + (change.high - 1) * above
    return change.low + (change.high - change.low) * share


def transform(
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
    turned = _values(len(image), augmentation.rotation, 0.0, rng)
    scaled = _values(len(image), augmentation.scaling, 1.0, rng)
    cut_image, cut_label = centre(image, patch).clone(), centre(label, patch).clone()
    moved = ((turned != 0) | (scaled != 1)).nonzero().flatten()
    if len(moved):
        grid = _grid(turned[moved].deg2rad(), scaled[moved], (image.shape[-2], image.shape[-1]), patch)
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


def centre(planes: Tensor, patch: tuple[int, int]) -> Tensor:
    """Central part of the last two axes."""
    top, left = (planes.shape[-2] - patch[0]) // 2, (planes.shape[-1] - patch[1]) // 2
    return planes[..., top : top + patch[0], left : left + patch[1]]


def _values(samples: int, change: RandomRange, unchanged: float, rng: Generator) -> Tensor:
    """Strength a sample, or the value that changes nothing where the change does not happen."""
    values = torch.full((samples,), unchanged, device=rng.device)
    happens = chosen(samples, change, rng)
    values[happens] = strengths(len(happens), change, rng)
    return values


def _grid(angle: Tensor, scale: Tensor, crop: tuple[int, int], patch: tuple[int, int]) -> Tensor:
    """Where in the crop each pixel of the patch comes from, in ``grid_sample``'s coordinates."""
    cosine, sine, zero = angle.cos() * scale, angle.sin() * scale, torch.zeros_like(angle)
    (rows, columns), (patch_rows, patch_columns) = crop, patch
    across = torch.stack([cosine * patch_columns / columns, -sine * patch_rows / columns, zero], dim=1)
    down = torch.stack([sine * patch_columns / rows, cosine * patch_rows / rows, zero], dim=1)
    size = [len(angle), 1, patch_rows, patch_columns]
    return functional.affine_grid(torch.stack([across, down], dim=1), size, align_corners=False)
