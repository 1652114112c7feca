"""How far must a group be shifted for a model that has only seen group A to lose 8.5 DSC points on it?

Both commands train one model a cohort seed, on the training subjects of group A and with the settings of the embedded
study, and keep it in the folder, so that they can be cut off and started again.

    python benchmarks/calibrate_shift.py response --folder /tmp/shift --cohort-seeds {100..109}
    python benchmarks/calibrate_shift.py verify --folder /tmp/shift --cohort-seeds {0..9}

``response`` shifts the same people by growing lengths in each of the eight directions and prints the length that costs
8.5 points (the middle of 5 to 12): ``LENGTHS`` of ``faircmr/sources/synthetic/anatomy.py``. ``verify`` prints what
groups B to F of each cohort lose against group A at strength 1: the table of ``docs/synthetic_cohort.md``. Give the two
different seeds: models that set the lengths must not judge them.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from markdown_table import as_markdown
from safetensors.numpy import save_file

from faircmr.core.scans import Phase, Scan
from faircmr.fairness.metrics import dice_score
from faircmr.segmentation import InferenceParameters, TrainingParameters
from faircmr.segmentation.data import (
    MANIFEST_NAME,
    Array,
    SubjectTensors,
    TensorManifest,
    preprocess,
    tensors_file_name,
)
from faircmr.segmentation.network import Fingerprint, Grid, PlanOverrides, Plans, make_plans
from faircmr.segmentation.prediction import Predictor
from faircmr.segmentation.training import Component, FitJob, fit
from faircmr.sources.synthetic import (
    DIRECTIONS,
    GROUPS,
    LENGTHS,
    Shift,
    SyntheticParameters,
    SyntheticSubject,
    group_shift,
    stack_geometry,
    synthesise,
)

TARGET = 8.5
STEPS = (1.4, 1.6, 1.8, 2.0, 2.2, 2.4)
TRAINING_SUBJECTS = tuple(f"A{number:04d}" for number in range(1, 257))
TEST_NUMBERS = range(1001, 1041)
PHASES = (Phase.ED, Phase.ES)


def main() -> None:
    arguments = parse_arguments()
    measure = {"response": response, "verify": losses_of_groups}[arguments.command]
    with ProcessPoolExecutor(arguments.processes, mp_context=get_context("spawn")) as pool:
        tables = pool.map(partial(measured, measure, arguments.folder), arguments.cohort_seeds)
        table = pd.concat(list(tables), ignore_index=True)
    table.to_csv(arguments.folder / f"{arguments.command}.csv", index=False)
    {"response": print_lengths, "verify": print_losses}[arguments.command](table)


Score = Callable[[Sequence[str], Shift], float]


def measured(measure: Callable[[int, Score], pd.DataFrame], folder: Path, cohort_seed: int) -> pd.DataFrame:
    """One cohort seed: train on its group A, then measure."""
    import torch

    torch.set_num_threads(1)
    parameters = SyntheticParameters(cohort_seed=cohort_seed)
    predictor = model_of_group_a(parameters, folder / f"cohort-seed-{cohort_seed}")
    return measure(cohort_seed, partial(mean_dsc, predictor, parameters))


def response(cohort_seed: int, score: Score) -> pd.DataFrame:
    """Loss of the same people of group A under every direction and length."""
    people = [f"A{number}" for number in TEST_NUMBERS[:20]]
    unshifted = score(people, Shift())
    rows = [
        (cohort_seed, direction, step, unshifted - score(people, Shift(*(step * sign for sign in direction))))
        for direction in DIRECTIONS
        for step in STEPS
    ]
    return pd.DataFrame(rows, columns=["cohort_seed", "direction", "length", "loss"]).assign(unshifted=unshifted)


def losses_of_groups(cohort_seed: int, score: Score) -> pd.DataFrame:
    """DSC of group A and what every other group loses against it at strength 1."""
    dsc = {
        group: score([f"{group}{number}" for number in TEST_NUMBERS], group_shift(cohort_seed, group, 1.0))
        for group in GROUPS
    }
    losses = {group: dsc["A"] - dsc[group] for group in GROUPS[1:]}
    return pd.DataFrame([{"cohort_seed": cohort_seed, "DSC of A": dsc["A"], **losses}])


def print_lengths(table: pd.DataFrame) -> None:
    for direction in DIRECTIONS:
        rows = table[[each == direction for each in table["direction"]]]
        curve = rows.groupby("length")["loss"].agg(["mean", "min", "max"])
        length = float(np.interp(TARGET, curve["mean"], curve.index))
        low, high = (float(np.interp(length, curve.index, curve[end])) for end in ("min", "max"))
        print(f"{direction}: {length:.2f},  # loses {low:.1f} to {high:.1f}; now {LENGTHS[direction]:.2f}")
    print(table.groupby(["direction", "length"])["loss"].mean().unstack().round(1).to_string())


def print_losses(table: pd.DataFrame) -> None:
    losses = table[list(GROUPS[1:])]
    print(as_markdown(table.astype({"cohort_seed": int}), decimals=1))
    lost = losses.to_numpy(dtype=float)
    inside = int(((lost >= 5.0) & (lost <= 12.0)).sum())
    print(f"{inside} of {lost.size} losses inside 5 to 12; {lost.min():.1f} to {lost.max():.1f}")


def mean_dsc(predictor: Predictor, parameters: SyntheticParameters, source_ids: Sequence[str], shift: Shift) -> float:
    """DSC in percent, mean over people, phases and structures."""
    scores = []
    for source_id in source_ids:
        subject = synthesise(parameters, source_id, shift)
        tensors = preprocessed(predictor.plans, parameters, source_id, subject)
        for label, phase in zip(subject.labels, PHASES, strict=True):
            scores.append(dice_score(predictor.segment(tensors, phase, label.shape[1:]), label))
    return float(100.0 * np.mean(scores))


def model_of_group_a(parameters: SyntheticParameters, folder: Path) -> Predictor:
    """Train on group A's training subjects, or load what was trained already."""
    plans = embedded_plans(parameters)
    write_tensors(folder / "tensors", plans, parameters)
    job = FitJob(
        name="shared",
        folder=folder / "shared",
        tensors=folder / "tensors",
        training_subjects=TRAINING_SUBJECTS,
        plans=plans,
        training=TrainingParameters.model_validate({**embedded_settings("training", "training"), "threads": 1}),
        sampler=Component(path="faircmr.mitigation.sampling.uniform"),
        seed=parameters.cohort_seed,
    )
    fit(job)
    return Predictor(job.folder, InferenceParameters(threads=1, batch_size=32))


def embedded_plans(parameters: SyntheticParameters) -> Plans:
    grid = Grid(
        scans=1,
        shape=(parameters.slices, parameters.size, parameters.size),
        spacing=(parameters.slice_spacing, parameters.spacing, parameters.spacing),
    )
    overrides = PlanOverrides.model_validate(embedded_settings("data_engineering", "plans"))
    return make_plans(Fingerprint(size_after_cropping=1.0, foreground_intensities=None, grids=(grid,)), overrides)


def embedded_settings(file: str, name: str) -> dict[str, object]:
    """Parameters of the embedded study as ``kedro run`` reads them."""
    path = Path(__file__).parents[1] / "conf" / "base" / f"parameters_{file}.yml"
    settings: dict[str, object] = yaml.safe_load(path.read_text())[name]
    return settings


def write_tensors(folder: Path, plans: Plans, parameters: SyntheticParameters) -> None:
    if (folder / MANIFEST_NAME).exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for source_id in TRAINING_SUBJECTS:
        tensors = preprocessed(plans, parameters, source_id, synthesise(parameters, source_id, Shift()))
        save_file(dict(tensors.arrays), folder / tensors_file_name(source_id))
    manifest = TensorManifest(fingerprints={source_id: source_id for source_id in TRAINING_SUBJECTS})
    (folder / MANIFEST_NAME).write_text(manifest.model_dump_json())


def preprocessed(
    plans: Plans, parameters: SyntheticParameters, source_id: str, subject: SyntheticSubject
) -> SubjectTensors:
    arrays: dict[str, Array] = {}
    geometry = stack_geometry(parameters)
    for image, label, phase in zip(subject.images, subject.labels, PHASES, strict=True):
        arrays |= preprocess(Scan(image, label, geometry), plans, phase)
    return SubjectTensors(source_id, source_id, arrays)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["response", "verify"])
    parser.add_argument("--folder", type=Path, required=True, help="where models and tables are kept")
    parser.add_argument("--cohort-seeds", type=int, nargs="+", required=True)
    parser.add_argument("--processes", type=int, default=1, help="cohort seeds at once")
    return parser.parse_args()


if __name__ == "__main__":
    main()
