"""Two processes (gloo, CPU) take the steps that one takes with the same batch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from faircmr.segmentation.training import SEGMENTATION_OBJECTIVE, Component, FitJob
from tests.reliability.steps import STEPS, Steps, take_steps
from tests.segmentation.phantoms import job_of, plans_of, write_study
from tests.studies import Project

pytestmark = [pytest.mark.slow, pytest.mark.alone]

MOST_OF_PARAMETERS = 1e-8
"""Absolute, in float64 after twenty steps."""
MOST_OF_GRADIENT = 1e-5
"""Norm of the difference to the norm of the gradient, in float32 at the first step."""
GROUPS = ["A", "B", "C"]
JOINT_HALF = {"groups": GROUPS, "weight": 1.0, "joint_from": 0, "segmentation": "one_channel"}
OBJECTIVES = {
    "baseline": SEGMENTATION_OBJECTIVE,
    "joint half of meta-learning": Component(
        path="faircmr.mitigation.objectives.meta_learning.FairMetaLearningObjective",
        parameters={**JOINT_HALF, "filters": 4, "growth": 4, "blocks": [1, 1]},
    ),
    "Group DRO": Component(
        path="faircmr.mitigation.objectives.group_dro.GroupDroObjective",
        parameters={"groups": GROUPS, "step_size": 0.1},
    ),
}
LOCAL_DICE = Component(path="tests.reliability.objectives.LocalDice")


@dataclass(frozen=True)
class Compared:
    """The same steps by one process and by two."""

    alone: Steps
    together: tuple[Steps, Steps]

    @property
    def of_parameters(self) -> float:
        """Largest difference of a parameter."""
        return float((joined(self.alone.weights) - joined(self.together[0].weights)).abs().max())

    @property
    def of_gradient(self) -> float:
        """Difference of the first gradient, relative."""
        alone = joined(self.alone.gradient)
        return float((joined(self.together[0].gradient) - alone).norm() / alone.norm())


def joined(tensors: dict[str, Tensor]) -> Tensor:
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


def compared(job: FitJob, folder: Path, precision: str) -> Compared:
    (folder / "job.json").write_text(job.model_dump_json())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)]), "OMP_NUM_THREADS": "1"}
    command = [*launcher, "-m", "tests.reliability.steps", str(folder / "job.json"), precision, str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = Compared(take_steps(job, precision), (Steps.read(folder, 0), Steps.read(folder, 1)))
    # the figures of docs/reliability.md: pytest -rP shows them
    sys.stdout.write(f"{precision}: parameters {found.of_parameters:.1e}, first gradient {found.of_gradient:.1e}\n")
    return found


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> FitJob:
    """Six of six subjects a batch, two of each group: the first process has most of the first group."""
    folder = tmp_path_factory.mktemp("phantoms") / "tensors"
    write_study(folder, subjects=8)
    return job_of(folder, folder, epochs=10).model_copy(update={"plans": plans_of(batch_size=6)})


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_parameters_are_those_of_one_process_in_float64(job: FitJob, objective: Component, tmp_path: Path):
    found = compared(job.model_copy(update={"objective": objective}), tmp_path, "double")

    assert found.of_parameters <= MOST_OF_PARAMETERS
    assert all(torch.equal(value, found.together[1].weights[name]) for name, value in found.together[0].weights.items())


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
def test_so_is_the_first_gradient_in_float32_and_every_batch_is_stratified(
    job: FitJob, objective: Component, tmp_path: Path
):
    found = compared(job.model_copy(update={"objective": objective}), tmp_path, "full")

    assert found.of_gradient <= MOST_OF_GRADIENT
    batches = [first + second for first, second in zip(*(part.keys for part in found.together), strict=True)]
    assert batches == found.alone.keys
    assert len(batches) == STEPS
    assert all(Counter(batch) == {"A": 2, "B": 2, "C": 2} for batch in batches)


def test_a_dice_of_the_part_that_is_here_would_be_found_by_both(job: FitJob, tmp_path: Path):
    local = job.model_copy(update={"objective": LOCAL_DICE})

    assert compared(local, tmp_path, "double").of_parameters > 100 * MOST_OF_PARAMETERS
    assert compared(local, tmp_path, "full").of_gradient > 100 * MOST_OF_GRADIENT


COUNTED = """

class _Counted(StudySession):
    def __init__(self, *args, **options):
        from pathlib import Path

        super().__init__(*args, **options)
        with Path("sessions.txt").open("a") as file:
            file.write(f"{os.getpid()}\\n")


SESSION_CLASS = _Counted
"""


def test_two_devices_under_kedro_run_start_one_session(tiny_project: Project):
    settings = tiny_project.folder / "src" / "faircmr" / "settings.py"
    settings.write_text(settings.read_text() + COUNTED)

    done = tiny_project.run("--pipelines", "baseline", params={"training.devices": 2})

    assert done.returncode == 0, done.stderr
    assert len((tiny_project.folder / "sessions.txt").read_text().split()) == 1
    assert (
        '"devices": 2' in (tiny_project.data / "06_models" / "baseline" / "seed-0" / "shared" / "job.json").read_text()
    )
