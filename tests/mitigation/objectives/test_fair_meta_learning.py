"""Separate, then joint training of two networks: which loss has gradients for which weights."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from faircmr.core import InvalidParameterError
from faircmr.mitigation.objectives.meta_learning import FairMetaLearningObjective, build_classifier, classifier_state
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import load_tensors
from faircmr.segmentation.training import (
    Component,
    SegmentationObjective,
    dice_and_cross_entropy,
    fit,
    fit_in_processes,
)
from tests.mitigation.losses_of import FIRST, PLANS, batch_of, heads_of, network_gradients, own_gradients
from tests.segmentation.phantoms import job_of, plans_of, write_study

SMALL = {"segmentation": "one_channel", "filters": 8, "growth": 8, "blocks": [2, 2]}
JOINT_FROM = 10
APART, JOINT = batch_of("AABC", step=JOINT_FROM - 1), batch_of("AABC", step=JOINT_FROM)


class FullResolution(nn.Module):
    """The segmentation loss without deep supervision."""

    def forward(self, heads: list[Tensor], batch: Batch) -> Tensor:
        return dice_and_cross_entropy(heads[0], batch.label)


def objective_of(
    weight: float = 1.0, groups: str = "ABC", seed: int = 0, **changes: object
) -> FairMetaLearningObjective:
    torch.manual_seed(seed)
    options = {"groups": list(groups), "weight": weight, "joint_from": JOINT_FROM, **SMALL, **changes}
    return FairMetaLearningObjective(options.pop("plans", PLANS), **options)


def classification_gradient(objective: FairMetaLearningObjective, batch: Batch, alone: nn.Module) -> Tensor:
    """What classification adds to the gradient of the network's first weight."""
    both, segmentation = (network_gradients(each, batch)[FIRST] for each in (objective, alone))
    assert both is not None
    assert segmentation is not None
    return both - segmentation


@pytest.mark.parametrize("mode", ["one_channel", "probabilities"])
@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_apart_the_network_learns_bit_by_bit_what_it_learns_alone(weight: float, mode: str):
    both = network_gradients(objective_of(weight, segmentation=mode), APART)
    alone = network_gradients(SegmentationObjective(PLANS), APART)

    assert all(torch.equal(both[name], alone[name]) for name in alone)


def test_the_classifier_does_not_reach_the_network_apart_nor_jointly_without_a_weight():
    full = FullResolution()

    assert torch.all(classification_gradient(objective_of(1.0), APART, SegmentationObjective(PLANS)) == 0)
    assert torch.all(classification_gradient(objective_of(0.0), JOINT, full) == 0)
    assert torch.any(classification_gradient(objective_of(1.0), JOINT, full) != 0)


def test_jointly_what_reaches_it_is_in_proportion_to_the_weight():
    once, thrice = (classification_gradient(objective_of(weight), JOINT, FullResolution()) for weight in (1.0, 3.0))

    torch.testing.assert_close(thrice, 3 * once, rtol=1e-3, atol=1e-6)


def test_apart_the_classifier_learns_whatever_the_weight_and_jointly_in_proportion_to_it():
    gradients = {}
    for weight in (0.0, 1.0, 2.0):
        for batch in (APART, JOINT):
            objective = objective_of(weight)
            network_gradients(objective, batch)
            gradients[weight, batch.step] = own_gradients(objective)

    apart, joint = JOINT_FROM - 1, JOINT_FROM
    for none, once, twice in zip(*(gradients[weight, apart] for weight in (0.0, 1.0, 2.0)), strict=True):
        assert torch.equal(none, once)
        assert torch.equal(once, twice)
    assert any(torch.any(one != 0) for one in gradients[1.0, apart])
    for none, once, twice in zip(*(gradients[weight, joint] for weight in (0.0, 1.0, 2.0)), strict=True):
        assert torch.all(none == 0)
        torch.testing.assert_close(twice, 2 * once, rtol=1e-3, atol=1e-6)


def test_losses_add_up():
    objective = objective_of(weight=0.5)
    heads = heads_of(APART)
    logits = objective.classifier(APART.image, heads[0].softmax(dim=1))
    classification = cross_entropy(logits, torch.tensor([0, 0, 1, 2]))

    deep, full = SegmentationObjective(PLANS)(heads, APART), FullResolution()(heads, APART)

    torch.testing.assert_close(objective(heads, APART), deep + classification)
    torch.testing.assert_close(objective(heads, JOINT), full + 0.5 * classification)


def test_jointly_there_is_no_deep_supervision_and_yet_every_head_has_a_gradient():
    apart, joint = (network_gradients(objective_of(), batch) for batch in (APART, JOINT))

    for name in ("heads.1.weight", "heads.1.bias"):
        assert torch.any(apart[name] != 0)
        # DistributedDataParallel waits for one
        assert joint[name] is not None
        assert torch.all(joint[name] == 0)
    assert torch.any(joint["heads.0.weight"] != 0)


def test_a_head_without_a_weight_can_say_anything():
    heads = heads_of(JOINT)
    wild = [heads[0], torch.full_like(heads[1], float("inf")).requires_grad_()]

    loss = objective_of()(wild, JOINT)
    loss.backward()

    assert torch.equal(loss, objective_of()(heads, JOINT))
    assert torch.all(wild[1].grad == 0)


@pytest.mark.parametrize("batch", [APART, JOINT])
def test_another_order_of_groups_orders_the_outputs_and_nothing_else(batch: Batch):
    one, other = objective_of(groups="ABC"), objective_of(groups="CAB")
    outputs, turned = (each.classifier.network.class_layers.out for each in (one, other))
    with torch.no_grad():
        turned.weight.copy_(outputs.weight[[2, 0, 1]])
        turned.bias.copy_(outputs.bias[[2, 0, 1]])

    torch.testing.assert_close(other(heads_of(batch), batch), one(heads_of(batch), batch))
    gradients = network_gradients(one, batch)
    for name, gradient in network_gradients(other, batch).items():
        torch.testing.assert_close(gradient, gradients[name])
    torch.testing.assert_close(turned.weight.grad, outputs.weight.grad[[2, 0, 1]])


def test_other_names_of_groups_change_nothing():
    renamed = replace(JOINT, keys=tuple({"A": "X", "B": "Y", "C": "Z"}[key] for key in JOINT.keys))

    assert objective_of(groups="XYZ")(heads_of(JOINT), renamed) == objective_of()(heads_of(JOINT), JOINT)


def test_goes_on_from_a_checkpoint_exactly():
    trained, other = objective_of(seed=1), objective_of(seed=2)

    other.load_state_dict(trained.state_dict())

    assert torch.equal(other(heads_of(JOINT), JOINT), trained(heads_of(JOINT), JOINT))


def test_its_classifier_can_be_built_from_what_is_saved_of_it():
    objective = objective_of(seed=1)
    logits = heads_of(JOINT)[0].detach()

    classifier = build_classifier(objective.classifier.plans, classifier_state(objective.state_dict()))

    expected = objective.classifier.log_probabilities(JOINT.image, logits)
    assert torch.equal(classifier.log_probabilities(JOINT.image, logits), expected)
    assert classifier.plans.groups == ("A", "B", "C")


def test_a_patch_of_64_is_enough_for_the_default_classifier():
    plans = plans_of(patch=(64, 64))
    batch = batch_of("AB", step=JOINT_FROM, plans=plans)
    objective = objective_of(groups="AB", plans=plans, filters=64, growth=32, blocks=[6, 12, 24, 16])

    gradients = network_gradients(objective, batch, plans)

    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())


def test_a_patch_that_is_too_small_is_refused():
    with pytest.raises(InvalidParameterError, match=r"4 blocks with a patch of 16 x 16; a patch of at least 32 x 32"):
        objective_of(blocks=[1, 1, 1, 1])


@pytest.mark.parametrize("groups", ["", "A"])
def test_fewer_than_two_groups_are_refused(groups: str):
    with pytest.raises(InvalidParameterError, match=r"protected groups of the training subjects: .*; at least 2"):
        objective_of(groups=groups)


@pytest.mark.parametrize("batch", [APART, JOINT])
def test_a_sample_of_another_group_is_refused(batch: Batch):
    with pytest.raises(InvalidParameterError, match="'C', which is not a group of the objective"):
        objective_of(groups="AB")(heads_of(batch), batch)


@pytest.mark.slow
def test_two_processes_make_the_weights_of_one(tmp_path: Path):
    write_study(tmp_path / "tensors", subjects=8)
    parameters = {"groups": ["A", "B", "C"], "weight": 1.0, "joint_from": 3, **SMALL}
    path = "faircmr.mitigation.objectives.meta_learning.FairMetaLearningObjective"
    update = {"objective": Component(path=path, parameters=parameters), "plans": plans_of(batch_size=5)}
    alone, shared = (
        job_of(tmp_path / "tensors", tmp_path / str(devices), devices=devices).model_copy(update=update)
        for devices in (1, 2)
    )

    fit(alone)
    fit_in_processes(shared)

    for name in ("weights.safetensors", "objective.safetensors"):
        one, other = (load_tensors(job.folder / name)[0] for job in (alone, shared))
        for tensor in one:
            torch.testing.assert_close(other[tensor], one[tensor], rtol=1e-3, atol=1e-4)
