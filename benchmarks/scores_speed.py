"""Milliseconds to score one volume (DSC, HD95 and ASSD of three structures), beside MONAI's metrics in the same run.

    python benchmarks/scores_speed.py --volumes 12 --repeats 3

Hearts of 10 x 256 x 224 voxels against themselves, moved and grown as a good, a fair and a poor model has them. Both
score the same volumes in turns on one thread; the label images of faircmr and the one-hot tensors of MONAI are made
before, and faircmr's time has volume errors, the checks of its input and the table of scores in it. The ratio is that
of the medians, and ``largest difference`` that of all DSC, HD95 and ASSD (a fraction, mm). MONAI places percentiles in
single precision; ``of its distances`` is the difference where MONAI's own distances get theirs in double.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import torch
from markdown_table import as_markdown
from monai.metrics import compute_average_surface_distance, compute_dice, compute_hausdorff_distance
from monai.metrics.utils import get_edge_surface_distance

from faircmr.core.scans import LabelImage, Spacing, Structure
from faircmr.fairness.metrics import Metric, score_scan

SHAPE = (10, 256, 224)
SPACING: Spacing = (10.0, 1.37, 1.37)
MODELS = {"good": 1.0, "fair": 3.0, "poor": 10.0}
"""Pixels that outlines are moved and grown by, at most."""


@dataclass(frozen=True)
class Volume:
    prediction: LabelImage
    reference: LabelImage

    @property
    def one_hot(self) -> tuple[torch.Tensor, torch.Tensor]:
        first, second = (
            torch.stack([torch.as_tensor(image == label) for label in (0, *Structure)])[None]
            for image in (self.prediction, self.reference)
        )
        return first, second


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", FutureWarning)  # MONAI's, of its own functions
    rng = np.random.default_rng(0)
    rows = [
        measured(model, [moved_heart(rng, pixels) for _ in range(options.volumes)], options.repeats)
        for model, pixels in MODELS.items()
    ]
    print(as_markdown(pd.DataFrame(rows), decimals=1))


def measured(model: str, volumes: Sequence[Volume], repeats: int) -> dict[str, object]:
    ours, theirs, differences, of_distances = [], [], [], []
    for volume in volumes:
        one_hot = volume.one_hot
        found, expected = by_faircmr(volume), by_monai(*one_hot)
        differences.append(np.abs(found - expected).max())
        of_distances.append(np.abs(found[1] - hd95_of_distances(*one_hot)).max())
        for _ in range(repeats):
            ours.append(milliseconds(partial(score_scan, volume.prediction, volume.reference, SPACING)))
            theirs.append(milliseconds(partial(by_monai, *one_hot)))
    return {
        "model": model,
        "faircmr, ms": described(ours),
        "MONAI, ms": described(theirs),
        "ratio": statistics.median(theirs) / statistics.median(ours),
        "largest difference": f"{max(differences):.1e}",
        "of its distances": f"{max(of_distances):.1e}",
    }


def by_faircmr(volume: Volume) -> np.ndarray:
    scores = score_scan(volume.prediction, volume.reference, SPACING)
    table = scores.pivot(index="metric", columns="structure", values="value")
    metrics, structures = [Metric.DSC, Metric.HD95, Metric.ASSD], [structure.name for structure in Structure]
    return table.reindex(index=metrics, columns=structures).to_numpy(dtype=np.float64)


def by_monai(y_pred: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    dsc = compute_dice(y_pred, y, include_background=False)
    hd95 = compute_hausdorff_distance(y_pred, y, percentile=95, spacing=SPACING)
    assd = compute_average_surface_distance(y_pred, y, symmetric=True, spacing=SPACING)
    return torch.cat([dsc, hd95, assd]).numpy()


def hd95_of_distances(y_pred: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    directed = [get_edge_surface_distance(y_pred[0, s], y[0, s], spacing=SPACING, symmetric=True)[1] for s in Structure]
    return np.array([max(np.percentile(one.double().numpy(), 95) for one in pair) for pair in directed])


def moved_heart(rng: np.random.Generator, pixels: float) -> Volume:
    size = rng.uniform(0.8, 1.2)
    move, grow = rng.uniform(-pixels, pixels, size=2), rng.uniform(-pixels, pixels) / 2
    return Volume(heart(size, move, grow), heart(size, np.zeros(2), 0.0))


def heart(size: float, move: np.ndarray, grow: float) -> LabelImage:
    """A right ventricle behind a ring of muscle around a left one, smaller towards the apex; lengths in pixels."""
    rows, columns = np.ogrid[: SHAPE[1], : SHAPE[2]]
    rows, columns = rows - 128 - move[0], columns - 120 - move[1]
    left, right = np.hypot(rows, columns), np.hypot((rows + 8) / 1.3, columns + 42)
    image = np.zeros(SHAPE, np.uint8)
    for number, image_slice in enumerate(image[1:-1]):
        scale = size * (1 - 0.06 * number)
        image_slice[right < 26 * scale + grow] = Structure.RVBP
        image_slice[left < 30 * scale + grow] = Structure.LVM
        image_slice[left < 21 * scale + grow] = Structure.LVBP
    return image


def milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - start)


def described(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f} ({min(times):.1f} to {max(times):.1f})"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volumes", type=int, default=12, help="of each model")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
