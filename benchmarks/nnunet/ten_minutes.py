"""What ten minutes on two threads buy: prepared tensors to weights, localiser included, and the test DSC.

Usage: python ten_minutes.py --work WORK --nnunet .venv-nnunet --acdc ACDC

The clock runs from the start of the training process to its end. The schedule is fixed beforehand, from the
time of a step measured on this machine: nothing stops early. Regions of the test subjects are the localiser's.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ours
from courses import EPOCH, Course, make_course, training_of
from layout import FULL, HERE, SPACING, Layout, read_json, write_json
from machine import machine
from options import base_parser, settled
from scoring import score_folder
from step_ours import timed
from timing import seconds_of

from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.localiser import Box, LocaliserParameters
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import (
    FitJob,
    cpu_threads,
    device_of,
    initial_state,
    open_training_data,
    reuse_freed_memory,
    train_step,
)

WARM_UP, MEASURED = 3, 12


def main() -> None:
    options = parse()
    layout = Layout(options.work)
    folder = layout.localiser.parent
    ours.prepare_full(options.acdc, layout)
    shutil.rmtree(folder, ignore_errors=True)
    course, step = planned(options, folder, layout)
    seconds = run_course(course, folder)
    rois = course.locate(tuple(ours.cases(layout.raw / FULL, "Ts")))
    scores = scored(options, layout, course, rois)
    result = {
        "machine": machine(options.nnunet),
        "seconds": seconds,
        "budget": options.seconds,
        "step_measured": step,
        "stages": read_json(folder / "stages.json"),
        "steps": course.network.training.epochs * EPOCH,
        "test_regions_found": len(rois),
        "dsc": float(np.nanmean([row["dsc"] for row in scores])),
        "scores": scores,
    }
    write_json(layout.result("ten_minutes"), result)
    print_result(result)


def planned(options: argparse.Namespace, folder: Path, layout: Layout) -> tuple[Course, float]:
    """Both jobs, and the seconds of a step that the schedule was made from.

    The time of everything but the network's steps is measured by a rehearsal with one epoch of them.
    """
    course = course_of(options, folder / "rehearsal", layout, epochs=1)
    run_course(course, folder / "rehearsal")
    stages = read_json(folder / "rehearsal" / "stages.json")
    step = measured_step(course.network)
    apart = stages["imported"] + stages["localiser"] + stages["located"]
    epochs = int((options.seconds * (1 - options.reserve) - apart) / (step * EPOCH))
    if epochs < 1:
        raise SystemExit(f"{options.seconds} s do not hold {EPOCH} steps of {step:.2f} s after {apart:.0f} s")
    return course_of(options, folder, layout, epochs=epochs), step


def course_of(options: argparse.Namespace, folder: Path, layout: Layout, *, epochs: int) -> Course:
    training = training_of(epochs=epochs, threads=options.threads, precision=options.precision)
    how = LocaliserParameters(epochs=options.localiser_epochs)
    return make_course(layout, folder, network_plans(options), training, how, options.seed)


def run_course(course: Course, folder: Path) -> float:
    """Run a course as a process of its own; seconds from its start to its end."""
    write_json(folder / "course.json", course.model_dump(mode="json"))
    return seconds_of([sys.executable, HERE / "ten_minutes_fit.py", folder / "course.json"])


def network_plans(options: argparse.Namespace) -> Plans:
    """The network that a short schedule is spent on."""
    stages = options.stages
    return Plans(
        spacing=(SPACING, SPACING),
        patch=(options.patch, options.patch),
        batch_size=options.batch_size,
        filters=tuple(min(options.base_filters * 2**stage, 512) for stage in range(stages)),
        kernels=((3, 3),) * stages,
        strides=((1, 1), *((2, 2),) * (stages - 1)),
        deep_supervision_heads=stages - 2,
    )


def measured_step(job: FitJob) -> float:
    """Median seconds of a whole step, loading included."""
    reuse_freed_memory()
    device = device_of("cpu")
    with cpu_threads(job.training.threads):
        data, state = open_training_data(job, TensorStore(job.tensors), device), initial_state(job, device)
        seconds = [timed(partial(train_step, state, data, step)) for step in range(WARM_UP + MEASURED)]
    return statistics.median(seconds[WARM_UP:])


def scored(options: argparse.Namespace, layout: Layout, course: Course, rois: dict[str, Box]) -> list[dict[str, Any]]:
    to = course.network.folder.parent / "predictions"
    how = course.inference.model_copy(update={"mirroring": options.tta})
    tested = ours.cases(layout.raw / FULL, "Ts")
    ours.predict(ours.Fitted(course.network.folder, course.network.tensors, rois), tested, to, how)
    return score_folder(options.acdc, to, None)


def print_result(result: dict[str, Any]) -> None:
    stages = result["stages"]
    print("| stage | s |\n|---|---|")
    for name in ("imported", "localiser", "located", "network"):
        print(f"| {name} | {stages[name]:.1f} |")
    print(f"| whole process | {result['seconds']:.1f} of {result['budget']} |")
    print(f"\n{result['steps']} steps of {result['step_measured']:.3f} s; mean test DSC {result['dsc']:.4f}")
    print(f"hearts found: {stages['found']} in training, {result['test_regions_found']} in test")


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--reserve", type=float, default=0.05, help="share of the time that is not planned for")
    parser.add_argument("--precision", choices=["full", "mixed"], default="mixed")
    parser.add_argument("--localiser-epochs", type=int, default=LocaliserParameters().epochs)
    parser.add_argument("--base-filters", type=int, default=16)
    parser.add_argument("--stages", type=int, default=5)
    parser.add_argument("--patch", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tta", action="store_true", help="average over mirror images")
    return settled(parser)


if __name__ == "__main__":
    main()
