"""Milliseconds to augment one batch with nnU-Net's 2-D set, by library, on one CPU thread.

    python benchmarks/augmentation.py faircmr monai                    # in the project's environment
    .venv-nnunet/bin/python benchmarks/augmentation.py batchgeneratorsv2 kornia   # in nnU-Net's (pip install kornia)

Every library gets the same crops in memory (8 of 260 x 260 for patches of 128 x 128, what a full turn of a
shrunk patch needs) and the same probabilities; each makes what it can of the set, and the table says how many of
the ten changes that is. Medians over batches.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from math import pi
from typing import Any

import torch

SAMPLES, CROP, PATCH = 8, 260, 128
WARM_UP, BATCHES = 5, 60
Augment = Callable[[torch.Tensor, torch.Tensor, int], object]


def faircmr() -> tuple[Augment, int]:
    from faircmr.segmentation import AugmentationParameters
    from faircmr.segmentation.data import Batch, augment

    parameters = AugmentationParameters()

    def apply(image: torch.Tensor, label: torch.Tensor, step: int) -> object:
        return augment(Batch(image, label, ("",) * SAMPLES, step), (PATCH, PATCH), parameters, seed=0)

    return apply, 10


def monai() -> tuple[Augment, int]:
    from monai import transforms as t

    both: dict[str, Any] = {"keys": ["image", "label"]}
    image_only: dict[str, Any] = {"keys": ["image"]}
    chain = t.Compose(
        [
            t.RandAffined(
                **both,
                prob=0.36,
                rotate_range=pi,
                scale_range=0.3,
                spatial_size=(PATCH, PATCH),
                mode=("bilinear", "nearest"),
            ),
            t.CenterSpatialCropd(**both, roi_size=(PATCH, PATCH)),
            t.RandGaussianNoised(**image_only, prob=0.1, std=0.1),
            t.RandGaussianSmoothd(**image_only, prob=0.1, sigma_x=(0.5, 1.0), sigma_y=(0.5, 1.0)),
            t.RandScaleIntensityd(**image_only, prob=0.15, factors=0.25),
            t.RandScaleIntensityFixedMeand(**image_only, prob=0.15, factors=0.25, preserve_range=True),
            t.RandSimulateLowResolutiond(**image_only, prob=0.125, zoom_range=(0.5, 1.0), upsample_mode="bilinear"),
            t.RandAdjustContrastd(**image_only, prob=0.1, gamma=(0.7, 1.5), invert_image=True, retain_stats=True),
            t.RandAdjustContrastd(**image_only, prob=0.3, gamma=(0.7, 1.5), retain_stats=True),
            t.RandFlipd(**both, prob=0.5, spatial_axis=0),
            t.RandFlipd(**both, prob=0.5, spatial_axis=1),
        ]
    )

    def apply(image: torch.Tensor, label: torch.Tensor, _step: int) -> object:
        return [chain({"image": one, "label": mask[None]}) for one, mask in zip(image, label, strict=True)]

    return apply, 10


def batchgeneratorsv2() -> tuple[Augment, int]:
    from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

    chain = nnUNetTrainer.get_training_transforms((PATCH, PATCH), (-pi, pi), None, (0, 1), do_dummy_2d_data_aug=False)

    def apply(image: torch.Tensor, label: torch.Tensor, _step: int) -> object:
        pairs = zip(image, label.to(torch.int16), strict=True)
        return [chain(image=one.clone(), segmentation=mask[None].clone()) for one, mask in pairs]

    return apply, 10


def kornia() -> tuple[Augment, int]:
    import kornia.augmentation as k

    chain = k.AugmentationSequential(
        k.RandomAffine(degrees=180.0, scale=(0.7, 1.4), p=0.36),
        k.CenterCrop((PATCH, PATCH)),
        k.RandomGaussianNoise(std=0.1, p=0.1),
        k.RandomGaussianBlur((7, 7), (0.5, 1.0), p=0.1),
        k.RandomBrightness((0.75, 1.25), clip_output=False, p=0.15),
        k.RandomContrast((0.75, 1.25), clip_output=False, p=0.15),
        k.RandomGamma((0.7, 1.5), p=0.3),
        k.RandomHorizontalFlip(p=0.5),
        k.RandomVerticalFlip(p=0.5),
        data_keys=["input", "mask"],
    )

    def apply(image: torch.Tensor, label: torch.Tensor, _step: int) -> object:
        return chain(image, label.unsqueeze(1).float())

    # it has no low resolution and no inverted gamma
    return apply, 8


LIBRARIES = {each.__name__: each for each in (faircmr, monai, batchgeneratorsv2, kornia)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("libraries", nargs="+", choices=list(LIBRARIES))
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    image = torch.rand(SAMPLES, 1, CROP, CROP, generator=rng)
    label = torch.randint(0, 4, (SAMPLES, CROP, CROP), generator=rng, dtype=torch.uint8)
    print("| library | changes of the set | ms a batch, median | ms, 95th percentile |\n|---|---|---|---|")
    for name in parser.parse_args().libraries:
        apply, changes = LIBRARIES[name]()
        seconds = []
        for step in range(WARM_UP + BATCHES):
            started = time.perf_counter()
            apply(image.clone(), label.clone(), step)
            seconds.append(time.perf_counter() - started)
        steady = sorted(seconds[WARM_UP:])
        middle, late = statistics.median(steady), steady[int(0.95 * len(steady))]
        print(f"| {name} | {changes} of 10 | {1000 * middle:.1f} | {1000 * late:.1f} |")


if __name__ == "__main__":
    main()
