"""What mitigation adds to a training step: sampling, weighting, and a classifier trained along.

    python benchmarks/mitigation_cost.py --threads 2

The embedded study's network, batch and classifier, on tensors made at random. What is compared is timed in turn within
one run, so that whatever slows the machine slows both sides; run it on an idle machine all the same. A difference is
the median of the differences of each turn.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
import yaml
from cost_tables import Seconds, joint, shares
from engine_step import GROUPS, plans_of, write_subjects
from markdown_table import as_markdown
from torch import nn

from faircmr.mitigation import (
    FairMetaLearning,
    GroupDro,
    Reweighing,
    SegmentationAlone,
    objective_component,
    stratified_batch_sampling,
    uniform,
)
from faircmr.mitigation.objectives import FairMetaLearningObjective
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.data import Batch, TensorStore
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import (
    Component,
    FitJob,
    TrainingData,
    TrainingState,
    cpu_threads,
    device_of,
    initial_state,
    open_training_data,
    reuse_freed_memory,
    train_step,
)
from faircmr.sources.synthetic import TRAINING_SIZES

WARM_UP = 3
KEYS = tuple(group for group, count in TRAINING_SIZES.items() for _ in range(count))
"""Groups of the embedded study's training subjects: what its samplers draw from."""


def main() -> None:
    options = parse()
    reuse_freed_memory()
    with tempfile.TemporaryDirectory(prefix="faircmr-cost-") as name, cpu_threads(options.threads):
        subjects = write_subjects(Path(name) / "tensors", options.image, options.slices)
        make = Fits(Path(name), subjects, options)
        steps = timed_in_turn(whole_steps(make), options.steps)
        losses = timed_in_turn(losses_alone(make), options.losses)
        samplers = timed_in_turn(samplers_alone(options.batch_size), options.losses)
    print(as_markdown(shares(steps["plain"], losses, samplers), decimals=3))
    print()
    print(as_markdown(joint(steps), decimals=3))


Choice = SegmentationAlone | Reweighing | GroupDro | FairMetaLearning


class Fits:
    """States and data of fits that differ in their objective alone."""

    def __init__(self, folder: Path, subjects: tuple[str, ...], options: argparse.Namespace) -> None:
        self.folder, self.subjects, self.options = folder, subjects, options
        self.keys = {subject_id: GROUPS[number % len(GROUPS)] for number, subject_id in enumerate(subjects)}
        self.device = device_of(options.device)
        self.plans = plans_of(options)

    def __call__(self, choice: Choice, plans: Plans | None = None) -> tuple[TrainingState, TrainingData]:
        job = FitJob(
            name="benchmark",
            folder=self.folder / "fit",
            tensors=self.folder / "tensors",
            training_subjects=self.subjects,
            keys=self.keys,
            strata=self.keys,
            plans=plans or self.plans,
            training=TrainingParameters(threads=self.options.threads, device=self.options.device),
            sampler=Component(path="faircmr.mitigation.sampling.stratified_batch_sampling"),
            # weights as of the embedded study; a classifier is trained jointly from the first step
            objective=objective_component(choice, KEYS, joint_from=0),
        )
        return initial_state(job, self.device), open_training_data(job, TensorStore(job.tensors), self.device)


def whole_steps(make: Fits) -> dict[str, Callable[[int], object]]:
    """The plain step; the joint one of fair meta-learning; and what both of its networks cost by themselves."""
    plain, joint_state = make(SegmentationAlone()), make(embedded_classifier())
    # as the joint half has no deep supervision
    one_head = make(SegmentationAlone(), make.plans.model_copy(update={"deep_supervision_heads": 1}))
    return {
        "plain": lambda step: train_step(*plain, step),
        "joint": lambda step: train_step(*joint_state, step),
        "segmentation": lambda step: train_step(*one_head, step),
        "classifier": classifier_step(*make(embedded_classifier())),
    }


def classifier_step(state: TrainingState, data: TrainingData) -> Callable[[int], object]:
    """The classifier's own step, from a segmentation that is there already."""
    batch = data.batch(0)
    with torch.no_grad():
        logits = state.network(batch.image)[0]
    objective = state.objective
    assert isinstance(objective, FairMetaLearningObjective)

    def step(_: int) -> None:
        state.optimiser.zero_grad(set_to_none=True)
        loss = objective.classification_loss(logits, batch)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(list(objective.parameters()), data.job.training.gradient_clip)
        state.optimiser.step()
        float(loss.detach())

    return step


def losses_alone(make: Fits) -> dict[str, Callable[[int], object]]:
    """Loss and its gradient at the heads."""
    choices: dict[str, Choice] = {"plain": SegmentationAlone(), "reweighing": Reweighing(), "group_dro": GroupDro()}
    state, data = make(choices["plain"])
    batch = data.batch(0)
    with torch.no_grad():
        heads = [head.detach() for head in state.network(batch.image)]
    return {name: loss_alone(make(choice)[0].objective, heads, batch) for name, choice in choices.items()}


def loss_alone(objective: nn.Module, heads: list[torch.Tensor], batch: Batch) -> Callable[[int], object]:
    def once(_: int) -> None:
        leaves = [head.clone().requires_grad_() for head in heads]
        loss: torch.Tensor = objective(leaves, batch)
        torch.autograd.backward(loss)

    return once


def samplers_alone(batch_size: int) -> dict[str, Callable[[int], object]]:
    samplers = {"random": uniform, "stratified": stratified_batch_sampling}
    return {
        name: lambda step, draw=draw: draw(KEYS, batch_size, 0, step)  # type: ignore[misc]
        for name, draw in samplers.items()
    }


def embedded_classifier() -> FairMetaLearning:
    """Objective of the embedded study's meta_learning."""
    path = Path(__file__).parents[1] / "conf" / "base" / "parameters_meta_learning.yml"
    return FairMetaLearning(**yaml.safe_load(path.read_text())["meta_learning"]["strategy"]["objective"])


def timed_in_turn(calls: Mapping[str, Callable[[int], object]], turns: int) -> Seconds:
    """Seconds of each call, turn by turn, every other turn in the opposite order."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(WARM_UP + turns):
        for name in list(calls)[:: 1 if turn % 2 else -1]:
            started = time.perf_counter()
            calls[name](turn)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[name].append(time.perf_counter() - started)
    return {name: np.array(values[WARM_UP:]) for name, values in seconds.items()}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--patch", type=int, default=64)
    parser.add_argument("--image", type=int, default=64, help="rows and columns of every slice")
    parser.add_argument("--slices", type=int, default=9)
    parser.add_argument("--filters", type=int, nargs="+", default=[16, 32, 64, 128])
    parser.add_argument("--batch-size", type=int, default=12)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--steps", type=int, default=30, help="turns of whole steps")
    parser.add_argument("--losses", type=int, default=100, help="turns of losses and samplers alone")
    return parser.parse_args()


if __name__ == "__main__":
    main()
