"""Each objective becomes a module that exists, with parameters that fit into JSON."""

from itertools import permutations
from pathlib import Path

import pytest

from faircmr.mitigation import FairMetaLearning
from faircmr.mitigation.fits import objective_component
from faircmr.mitigation.objectives import FairMetaLearningObjective, GroupDroObjective, ReweighingObjective
from faircmr.mitigation.strategies import GroupDro, Reweighing, SegmentationAlone
from faircmr.segmentation.training import Component, SegmentationObjective
from tests.segmentation.phantoms import plans_of
from tests.studies import Project

GROUPS = ("B", "A", "A", "A")
SMALL = FairMetaLearning(weight=0.5, filters=4, growth=4, blocks=(1, 1))
CHOICES = {
    SegmentationObjective: SegmentationAlone(),
    ReweighingObjective: Reweighing(),
    GroupDroObjective: GroupDro(step_size=0.1),
    FairMetaLearningObjective: SMALL,
}
choices = pytest.mark.parametrize(("module", "choice"), CHOICES.items(), ids=lambda one: getattr(one, "kind", ""))
Choice = SegmentationAlone | Reweighing | GroupDro | FairMetaLearning


@choices
def test_makes_the_module_of_the_choice_also_when_read_back_from_a_file(module: type, choice: Choice):
    component = objective_component(choice, GROUPS, joint_from=7)

    read = Component.model_validate_json(component.model_dump_json())

    assert read == component
    assert isinstance(read.load()(plans_of(), **read.parameters), module)


@choices
def test_neither_the_order_of_subjects_nor_what_came_before_matters(module: type, choice: Choice):
    made = {objective_component(choice, order, joint_from=7).model_dump_json() for order in permutations(GROUPS)}

    assert len(made) == 1


def test_parameters_are_those_of_the_choice_and_of_the_groups():
    assert objective_component(SegmentationAlone(), GROUPS, 7) == Component(
        path="faircmr.segmentation.training.losses.SegmentationObjective"
    )
    assert objective_component(Reweighing(), GROUPS, 7).parameters == {"weights": {"A": 4 / 6, "B": 2.0}}
    assert objective_component(GroupDro(step_size=0.1), GROUPS, 7).parameters == {
        "groups": ["A", "B"],
        "step_size": 0.1,
    }
    assert objective_component(SMALL, GROUPS, 7).parameters == {
        "groups": ["A", "B"],
        "weight": 0.5,
        "joint_from": 7,
        "segmentation": "one_channel",
        "filters": 4,
        "growth": 4,
        "blocks": [1, 1],
    }


def test_making_a_job_needs_no_torch(project_root: Path):
    script = "import sys, faircmr.mitigation.fits; assert not {'torch', 'monai'} & set(sys.modules)"

    assert Project(project_root).python("-c", script).returncode == 0
