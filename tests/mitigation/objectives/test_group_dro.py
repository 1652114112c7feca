"""Group weights follow the losses of the groups and are saved in the state."""

from pathlib import Path

import pytest
import torch

from faircmr.core import InvalidParameterError
from faircmr.mitigation.objectives.group_dro import GroupDroObjective
from faircmr.segmentation.data import Batch
from faircmr.segmentation.network import load_tensors
from faircmr.segmentation.training import Component, SegmentationObjective, fit, fit_in_processes
from tests.mitigation.losses_of import PLANS, batch_of, heads_of, network_gradients, of_samples
from tests.segmentation.phantoms import job_of, plans_of, write_study

BATCHES = ("AABC", "ACCC", "BBAB", "AAAA", "CBAA")
GROUPS = ["A", "B", "C"]


def loss_of(group: str, batch: Batch) -> float:
    """The plain loss of a group's samples alone."""
    members = [sample for sample, key in enumerate(batch.keys) if key == group]
    own = [head.detach()[members] for head in heads_of(batch)]
    return float(SegmentationObjective(PLANS)(own, of_samples(batch, members))) if members else 0.0


def weights(objective: GroupDroObjective) -> torch.Tensor:
    return objective.log_weights.exp()


@pytest.mark.parametrize("step_size", [0.01, 1.0])
def test_weights_rise_exponentially_with_the_sum_of_a_groups_losses(step_size: float):
    objective = GroupDroObjective(PLANS, GROUPS, step_size)
    sums = torch.zeros(3, dtype=torch.float64)

    for seed, keys in enumerate(BATCHES):
        batch = batch_of(keys, seed)
        losses = torch.tensor([loss_of(group, batch) for group in GROUPS], dtype=torch.float64)
        loss = objective(heads_of(batch), batch)
        sums += losses

        risen = torch.exp(step_size * sums) / 3
        torch.testing.assert_close(weights(objective), risen / risen.sum(), rtol=1e-6, atol=0)
        # the weights follow first, and weigh then
        assert float(loss.detach()) == pytest.approx(float(weights(objective) @ losses), rel=1e-5)


def test_weights_stay_finite_where_their_exponentials_would_not():
    objective, batch = GroupDroObjective(PLANS, GROUPS, step_size=1e4), batch_of("AABC")

    for _ in range(3):
        loss = objective(heads_of(batch), batch)

    assert torch.isfinite(loss)
    assert float(weights(objective).sum()) == pytest.approx(1)


def test_the_gradient_is_that_of_the_weighted_losses_and_not_of_the_weights():
    batch, objective = batch_of("AABC"), GroupDroObjective(PLANS, GROUPS, step_size=1.0)

    gradients = network_gradients(objective, batch)

    alone = [network_gradients(SegmentationObjective(PLANS), of_samples(batch, one)) for one in ([0, 1], [2], [3])]
    for name, gradient in gradients.items():
        expected = sum(weight * each[name] for weight, each in zip(weights(objective).float(), alone, strict=True))
        torch.testing.assert_close(gradient, expected, rtol=1e-3, atol=1e-6)


def test_a_group_without_a_sample_has_no_loss_and_no_part_in_the_gradient():
    batch = batch_of("AACA")
    objective = GroupDroObjective(PLANS, GROUPS, step_size=0.5)

    losses = objective.group_losses(heads_of(batch), batch)

    assert losses[1] == 0
    assert all(torch.isfinite(gradient).all() for gradient in network_gradients(objective, batch).values())


def test_with_one_group_it_is_the_plain_loss():
    batch, objective = batch_of("AAAA"), GroupDroObjective(PLANS, ["A"], step_size=0.5)

    robust, plain = (network_gradients(each, batch) for each in (objective, SegmentationObjective(PLANS)))

    torch.testing.assert_close(objective(heads_of(batch), batch), SegmentationObjective(PLANS)(heads_of(batch), batch))
    for name, gradient in robust.items():
        torch.testing.assert_close(gradient, plain[name], rtol=1e-4, atol=1e-7)


def test_weights_are_remembered_and_go_on_from_a_checkpoint_exactly():
    objective, other = (GroupDroObjective(PLANS, GROUPS, step_size=0.5) for _ in range(2))
    first, second = batch_of("AABC"), batch_of("ABCC", seed=1)
    objective(heads_of(first), first)

    other.load_state_dict(objective.state_dict())

    assert set(objective.state_dict()) == {"log_weights"}
    assert other(heads_of(second), second) == objective(heads_of(second), second)
    assert torch.equal(other.log_weights, objective.log_weights)


def test_outside_of_training_weights_stay():
    objective, batch = GroupDroObjective(PLANS, GROUPS, step_size=0.5).eval(), batch_of("AABC")

    objective(heads_of(batch), batch)

    torch.testing.assert_close(weights(objective), torch.full((3,), 1 / 3, dtype=torch.float64))


def test_the_order_of_groups_orders_the_weights_and_nothing_else():
    batch, objective = batch_of("AABC"), GroupDroObjective(PLANS, GROUPS, step_size=0.5)
    turned = GroupDroObjective(PLANS, GROUPS[::-1], step_size=0.5)

    torch.testing.assert_close(turned(heads_of(batch), batch), objective(heads_of(batch), batch))
    torch.testing.assert_close(turned.log_weights.flip(0), objective.log_weights)


def test_a_sample_of_another_group_is_refused():
    batch = batch_of("AD")

    with pytest.raises(InvalidParameterError, match="'D', which is not a group of the objective"):
        GroupDroObjective(PLANS, GROUPS, step_size=0.5)(heads_of(batch), batch)


@pytest.mark.slow
def test_two_processes_make_the_weights_of_one(tmp_path: Path):
    write_study(tmp_path / "tensors", subjects=8)
    component = Component(
        path="faircmr.mitigation.objectives.group_dro.GroupDroObjective",
        parameters={"groups": GROUPS, "step_size": 0.5},
    )
    # parts of three and two samples: some group is in one part alone
    update = {"objective": component, "plans": plans_of(batch_size=5)}
    alone, shared = (
        job_of(tmp_path / "tensors", tmp_path / str(devices), devices=devices).model_copy(update=update)
        for devices in (1, 2)
    )

    fit(alone)
    fit_in_processes(shared)

    for name in ("weights.safetensors", "objective.safetensors"):
        one, other = (load_tensors(job.folder / name)[0] for job in (alone, shared))
        for tensor in one:
            torch.testing.assert_close(other[tensor], one[tensor], rtol=1e-3, atol=1e-5)
