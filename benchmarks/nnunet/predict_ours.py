"""Our prediction as one process: raw volumes in, label volumes out.

python predict_ours.py IMAGES OUT --fit FIT [--boxes BOXES | --localiser LOCALISER] [--tta] [--precision mixed]

Reads, normalises, resamples, segments, resamples back and writes, like nnU-Net's command. With boxes, or
with a localiser, the volumes are full ones, and what is segmented is the region of the heart, cut out before
it is normalised, as it was for training; everything outside is background.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from layout import read_json
from ours import as_acdc

from faircmr.core.scans import LabelImage, Phase, Scan, ScanFiles
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import Array, SubjectTensors, preprocess
from faircmr.segmentation.localiser import Box, HeartFinder, LocaliserParameters
from faircmr.segmentation.network import Plans
from faircmr.segmentation.prediction import Predictor
from faircmr.sources import read_scan, write_label

Phases = Mapping[Phase, Scan]


class Boxes:
    """Regions in native pixels, given beforehand."""

    def __init__(self, boxes: Mapping[str, Box]) -> None:
        self.boxes = boxes

    def of(self, subject: str, scans: Phases) -> Box:
        return self.boxes[subject] if self.boxes else Box.whole(next(iter(scans.values())).geometry.shape[1:])


class Found(Boxes):
    """Regions that a localiser finds at low resolution; the whole image where it finds none."""

    def __init__(self, localiser: Path, plans: Plans, how: InferenceParameters) -> None:
        super().__init__({})
        # as the pipelines look for hearts: without mirroring, whatever the segmentation does
        looking = how.model_copy(update={"mirroring": False})
        self.finder, self.plans = HeartFinder(Predictor(localiser, looking), plans, LocaliserParameters()), plans

    def of(self, subject: str, scans: Phases) -> Box:
        arrays: dict[str, Array] = {}
        for phase, scan in scans.items():
            arrays |= preprocess(scan, self.plans, phase)
        found = self.finder.locate(SubjectTensors(subject, "", arrays)).box
        geometry = next(iter(scans.values())).geometry
        if found is None:
            return super().of(subject, scans)
        return native(found, self.plans, geometry.spacing, geometry.shape)


def native(box: Box, plans: Plans, spacing: tuple[float, float, float], shape: tuple[int, int, int]) -> Box:
    """A region on the source's grid that is, resampled, no larger than one on the tensors' grid.

    A pixel more on each side would be seen in four windows where one is enough.
    """
    edges = {}
    for axis, name in enumerate(("row", "column")):
        scale = plans.spacing[axis] / spacing[1 + axis]
        start = int(getattr(box, f"{name}_start") * scale)
        edges[f"{name}_start"] = start
        edges[f"{name}_stop"] = min(start + int(box.shape[axis] * scale), shape[1 + axis])
    return Box(**edges)


def main() -> None:
    options = parse()
    how = InferenceParameters(
        mirroring=options.tta, threads=options.threads, device=options.device, precision=options.precision
    )
    predictor = Predictor(options.fit, how)
    regions = Found(options.localiser, predictor.plans, how) if options.localiser else Boxes(read_boxes(options.boxes))
    options.out.mkdir(parents=True, exist_ok=True)
    for subject, files in images(options.images).items():
        scans = {phase: read_scan(one, {}) for phase, one in files.items()}
        box = regions.of(subject, scans)
        for phase, scan in scans.items():
            label = segment(predictor, scan, box)
            write_label(options.out / f"{subject}_{phase}.nii.gz", as_acdc(label), scan.geometry)


def segment(predictor: Predictor, scan: Scan, box: Box) -> LabelImage:
    """Label of a full volume, of which the network sees the region alone."""
    slices, rows, columns = scan.geometry.shape
    geometry = replace(scan.geometry, shape=(slices, *box.shape))
    part = Scan(scan.image[:, *box.slices], None, geometry)
    tensors = SubjectTensors("scan", "", preprocess(part, predictor.plans, Phase.ED))
    label = np.zeros((slices, rows, columns), dtype=np.uint8)
    label[:, *box.slices] = predictor.segment(tensors, Phase.ED, box.shape)
    return label


def images(folder: Path) -> dict[str, dict[Phase, ScanFiles]]:
    found: dict[str, dict[Phase, ScanFiles]] = {}
    for path in sorted(folder.glob("*_0000.nii.gz")):
        subject, phase = path.name.removesuffix("_0000.nii.gz").rsplit("_", 1)
        found.setdefault(subject, {})[Phase(phase)] = ScanFiles(path)
    return found


def read_boxes(path: Path | None) -> dict[str, Box]:
    return {} if path is None else {subject: Box(**box) for subject, box in read_json(path).items()}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fit", type=Path, required=True)
    regions = parser.add_mutually_exclusive_group()
    regions.add_argument("--boxes", type=Path)
    regions.add_argument("--localiser", type=Path)
    parser.add_argument("--tta", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", choices=["full", "mixed"], default="full")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    return parser.parse_args()


if __name__ == "__main__":
    main()
