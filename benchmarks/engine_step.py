"""Where the time of a training step goes, and what a prediction takes, on tensors made at random.

    python benchmarks/engine_step.py --patch 64 --filters 16 32 64 128 --batch-size 12 --threads 2

Medians over the steps; run it on an idle machine. Private memory is what the kernel counts as private
to the process (``smaps_rollup``, Linux), so that memory-mapped tensors are not counted.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from faircmr.core.scans import Phase
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.data import (
    MANIFEST_NAME,
    Array,
    TensorManifest,
    TensorStore,
    areas_name,
    image_name,
    label_name,
    structure_areas,
    tensors_file_name,
)
from faircmr.segmentation.network import Plans, save_network
from faircmr.segmentation.prediction import Predictor
from faircmr.segmentation.training import (
    WEIGHTS_NAME,
    Component,
    FitJob,
    cpu_threads,
    device_of,
    initial_state,
    open_training_data,
    reuse_freed_memory,
    train_step,
)

SUBJECTS = 60
GROUPS = "ABCDEF"
WARM_UP = 3


def main() -> None:
    options = parse()
    plans = plans_of(options)
    reuse_freed_memory()
    with tempfile.TemporaryDirectory(prefix="faircmr-step-") as folder:
        subjects = write_subjects(Path(folder) / "tensors", options.image, options.slices)
        job = FitJob(
            name="benchmark",
            folder=Path(folder) / "fit",
            tensors=Path(folder) / "tensors",
            training_subjects=subjects,
            strata={subject_id: GROUPS[number % len(GROUPS)] for number, subject_id in enumerate(subjects)},
            plans=plans,
            training=TrainingParameters(threads=options.threads, device=options.device),
            sampler=Component(path="faircmr.mitigation.sampling.stratified_batch_sampling"),
        )
        with cpu_threads(options.threads):
            measure_steps(job, options.steps)
            measure_prediction(job, options)
    print(f"| peak private memory | {private_mib():.0f} MiB |")


def measure_steps(job: FitJob, steps: int) -> None:
    device = device_of(job.training.device)
    data, state = open_training_data(job, TensorStore(job.tensors), device), initial_state(job, device)
    sampler = median(lambda step: data.sampler(data.training.keys, job.plans.batch_size, job.seed, step), steps)
    batch = median(data.batch, steps)
    step = median(lambda number: train_step(state, data, number), steps)
    print("| what | median |\n|---|---|")
    print(f"| one step, data and augmentation included | {1000 * step:.1f} ms |")
    print(f"| of it loading and augmentation | {1000 * batch:.1f} ms, {batch / step:.1%} |")
    print(f"| of it the sampler | {1000 * sampler:.3f} ms, {sampler / step:.2%} |")
    save_network(job.folder / WEIGHTS_NAME, state.network, job.plans)


def measure_prediction(job: FitJob, options: argparse.Namespace) -> None:
    predictor = Predictor(job.folder, InferenceParameters(threads=options.threads, device=options.device))
    store = TensorStore(job.tensors)
    native = (options.image, options.image)
    started = time.perf_counter()
    for subject_id in job.training_subjects[: options.predicted]:
        for phase in Phase:
            predictor.segment(store.subject(subject_id), phase, native)
    seconds = (time.perf_counter() - started) / options.predicted
    print(f"| one subject predicted, {len(Phase)} phases of {options.slices} slices | {1000 * seconds:.1f} ms |")


def median(measured: Callable[[int], object], steps: int) -> float:
    """Median seconds of a call, over steps after the warm-up."""
    seconds = []
    for step in range(WARM_UP + steps):
        started = time.perf_counter()
        measured(step)
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[WARM_UP:])


def write_subjects(folder: Path, size: int, slices: int) -> tuple[str, ...]:
    folder.mkdir()
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    radius = np.hypot(rows, columns)
    label = np.select([radius < 0.1, radius < 0.15, radius < 0.2], [1, 2, 3], 0).astype(np.uint8)
    labels = np.repeat(label[np.newaxis], slices, axis=0)
    subjects = tuple(f"sub-{number:04d}" for number in range(1, SUBJECTS + 1))
    for subject_id in subjects:
        arrays: dict[str, Array] = {}
        for phase in Phase:
            arrays[image_name(phase)] = rng.normal(size=labels.shape).astype(np.float16)
            arrays |= {label_name(phase): labels, areas_name(phase): structure_areas(labels)}
        save_file(arrays, folder / tensors_file_name(subject_id))
    manifest = TensorManifest(fingerprints=dict.fromkeys(subjects, "random"))
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())
    return subjects


def plans_of(options: argparse.Namespace) -> Plans:
    stages = len(options.filters)
    return Plans(
        spacing=(1.5, 1.5),
        patch=(options.patch, options.patch),
        batch_size=options.batch_size,
        filters=tuple(options.filters),
        kernels=((3, 3),) * stages,
        strides=((1, 1), *((2, 2),) * (stages - 1)),
        deep_supervision_heads=max(1, stages - 2),
    )


def private_mib() -> float:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--image", type=int, default=64, help="rows and columns of every slice")
    parser.add_argument("--slices", type=int, default=9)
    parser.add_argument("--filters", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--batch-size", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--predicted", type=int, default=20, help="subjects to predict")
    return parser.parse_args()


if __name__ == "__main__":
    main()
