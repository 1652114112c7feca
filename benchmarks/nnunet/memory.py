"""Memory of a training process over a cohort of UK Biobank's size, sampled while it runs (Linux).

Usage: python memory.py --work WORK --subjects 5903 --steps 100

The process is ``python -m faircmr.segmentation.training.fit_process job.json``, as node ``train`` starts it.
Private memory is RssAnon of /proc/<pid>/status; mapped pages (RssFile), which the kernel can drop at any time, are
counted apart. The tensors are random, of ACDC's size. To save disk a few files hold the arrays, and every subject is
a hard link to one of them: the process opens as many files as there are subjects, but their pages are shared.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from layout import Layout, write_json
from machine import machine
from options import base_parser, settled
from ours import parity_plans
from safetensors.numpy import save_file

from faircmr.core.scans import Phase
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.data import (
    MANIFEST_NAME,
    TensorManifest,
    areas_name,
    image_name,
    label_name,
    structure_areas,
    tensors_file_name,
)
from faircmr.segmentation.training import Component, FitJob

SHAPE = (10, 256, 216)
"""Slices, rows and columns of a scan: the median of ACDC."""
DISTINCT = 8
FIELDS = ("RssAnon", "RssFile")
EPOCH = 10


def main() -> None:
    options = parse()
    layout = Layout(options.work)
    folder = options.work / "memory"
    shutil.rmtree(folder, ignore_errors=True)
    subjects = write_subjects(folder / "tensors", options.subjects)
    job = memory_job(options, folder, subjects)
    (folder / "job.json").write_text(job.model_dump_json())
    samples = sampled(
        [sys.executable, "-m", "faircmr.segmentation.training.fit_process", str(folder / "job.json")], options.interval
    )
    shutil.rmtree(folder)
    print_memory(samples, options)
    result = {"machine": machine(options.nnunet), "subjects": options.subjects, "steps": options.steps}
    write_json(layout.result("memory"), {**result, "samples": samples})


def write_subjects(folder: Path, count: int) -> tuple[str, ...]:
    folder.mkdir(parents=True)
    subjects = tuple(f"sub-{number:04d}" for number in range(1, count + 1))
    for number, subject in enumerate(subjects):
        if number < DISTINCT:
            save_file(random_arrays(number), folder / tensors_file_name(subject))
        else:
            os.link(folder / tensors_file_name(subjects[number % DISTINCT]), folder / tensors_file_name(subject))
    manifest = TensorManifest(fingerprints=dict.fromkeys(subjects, "random"))
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())
    return subjects


def random_arrays(number: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[: SHAPE[1], : SHAPE[2]]
    radius = np.hypot(rows - SHAPE[1] / 2, columns - SHAPE[2] / 2)
    plane = np.select([radius < 15, radius < 22, radius < 30], [1, 2, 3], 0).astype(np.uint8)
    label = np.repeat(plane[np.newaxis], SHAPE[0], axis=0)
    arrays: dict[str, np.ndarray] = {}
    for phase in Phase:
        arrays[image_name(phase)] = rng.normal(size=SHAPE).astype(np.float16)
        arrays |= {label_name(phase): label, areas_name(phase): structure_areas(label)}
    return arrays


def memory_job(options: argparse.Namespace, folder: Path, subjects: tuple[str, ...]) -> FitJob:
    training = TrainingParameters(
        epochs=options.steps // EPOCH,
        iterations_per_epoch=EPOCH,
        threads=options.threads,
        precision=options.precision,
        device="cpu",
    )
    return FitJob(
        name="memory",
        folder=folder / "fit",
        tensors=folder / "tensors",
        training_subjects=subjects,
        plans=parity_plans(),
        training=training,
        sampler=Component(path="faircmr.mitigation.sampling.uniform"),
    )


def sampled(command: list[str], interval: float) -> list[dict[str, float]]:
    """Seconds since the start, and MiB of each field, until the process ends."""
    process, started = subprocess.Popen(command), time.perf_counter()
    samples = []
    while process.poll() is None:
        fields = status(process.pid)
        if len(fields) == len(FIELDS):
            samples.append({"seconds": time.perf_counter() - started, **fields})
        time.sleep(interval)
    if process.returncode:
        raise SystemExit("training failed")
    return samples


def status(pid: int) -> dict[str, float]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it has just ended
        return {}
    pairs = (line.split() for line in lines)
    return {pair[0].rstrip(":"): int(pair[1]) / 1024 for pair in pairs if pair[0].rstrip(":") in FIELDS}


def print_memory(samples: list[dict[str, float]], options: argparse.Namespace) -> None:
    """Maxima, and medians of the quarters of the run: a leak would show as a rise."""
    print(f"| memory, MiB; {options.subjects:,} subjects, {options.steps} steps | largest | median by quarter |")
    print("|---|---|---|")
    for field, name in zip(FIELDS, ("private (RssAnon)", "mapped files (RssFile)"), strict=True):
        values = [sample[field] for sample in samples]
        quarters = (values[len(values) * part // 4 : len(values) * (part + 1) // 4] for part in range(4))
        medians = ", ".join(f"{statistics.median(quarter or values):.0f}" for quarter in quarters)
        print(f"| {name} | {max(values):.0f} | {medians} |")


def parse() -> argparse.Namespace:
    parser = base_parser(__doc__)
    parser.add_argument("--subjects", type=int, default=5903)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--precision", choices=["full", "mixed"], default="full")
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between two samples")
    return settled(parser)


if __name__ == "__main__":
    main()
