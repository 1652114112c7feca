"""Boxes around the heart for the crops of ``parity.py``, found by a localiser trained on the training subjects.

Usage: python localise.py --work WORK --acdc ACDC --boxes WORK/boxes.csv

In native pixels, one a subject, training and test alike; the full image where no heart was found.
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import ours
from courses import make_course, training_of
from layout import FULL, Layout
from nnunet_dataset import BOX_COLUMNS
from options import base_parser, settled
from predict_ours import native

from faircmr.segmentation.localiser import Box, LocaliserParameters
from faircmr.segmentation.training import fit


def main() -> None:
    options = parse()
    layout = Layout(options.work)
    ours.prepare_full(options.acdc, layout)
    how = LocaliserParameters(epochs=options.epochs)
    training = training_of(epochs=1, threads=options.threads, precision="full")
    course = make_course(layout, options.work / "localise", ours.parity_plans(), training, how)
    fit(course.localiser, on_epoch=lambda report: print(report.name, report.epoch, report.epochs, report.loss))
    files = {**ours.cases(layout.raw / FULL, "Tr"), **ours.cases(layout.raw / FULL, "Ts")}
    found = course.locate(tuple(files))
    print(f"hearts found in {len(found)} of {len(files)} subjects")
    boxes = {}
    for subject, phases in files.items():
        geometry = ours.read(next(iter(phases.values()))).geometry
        whole = Box.whole(geometry.shape[1:])
        box = found.get(subject)
        boxes[subject] = whole if box is None else native(box, course.network.plans, geometry.spacing, geometry.shape)
    write_boxes(options.boxes, boxes)


def write_boxes(path: Path, boxes: dict[str, Box]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, ["subject", *BOX_COLUMNS])
        table.writeheader()
        table.writerows({"subject": subject, **box.model_dump()} for subject, box in boxes.items())


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("--epochs", type=int, default=LocaliserParameters().epochs, help="of the localiser")
    parser.add_argument("--boxes", type=Path, required=True, help="CSV to write")
    return settled(parser)


if __name__ == "__main__":
    main()
