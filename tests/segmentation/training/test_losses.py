"""Losses against values by hand, MONAI and nnU-Net's definition."""

import pytest
import torch
from monai.losses import DiceCELoss, DiceLoss

from faircmr.segmentation.training import dice_and_cross_entropy
from faircmr.segmentation.training.losses import batch_dice_loss, cross_entropy, one_hot


@pytest.fixture
def sample() -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.randn(3, 4, 8, 6, generator=rng), torch.randint(0, 4, (3, 8, 6), generator=rng)


def test_dice_by_hand_of_two_samples_together():
    # one structure; probabilities of it: 0.8 0.4 | 0.2 0.6, truth: 1 0 | 0 1
    probability = torch.tensor([[[[0.8, 0.4]]], [[[0.2, 0.6]]]])
    logits = torch.log(torch.cat([1 - probability, probability], dim=1))
    label = torch.tensor([[[1, 0]], [[0, 1]]])

    # in common 0.8 and 0.6, predicted 2.0 in all, true 2
    assert batch_dice_loss(logits, label) == pytest.approx(1 - 2.8 / 4.0, abs=1e-5)
    # the mean of -log 0.8 and -log 0.6
    assert cross_entropy(logits, label) == pytest.approx(0.366985, abs=1e-5)


def test_equals_monai(sample: tuple[torch.Tensor, torch.Tensor]):
    logits, label = sample
    options = {"include_background": False, "to_onehot_y": True, "softmax": True, "batch": True}
    options |= {"smooth_nr": 1e-5, "smooth_dr": 1e-5}

    torch.testing.assert_close(batch_dice_loss(logits, label), DiceLoss(**options)(logits, label.unsqueeze(1)))
    with_background = DiceCELoss(**options)(logits, label.unsqueeze(1))
    torch.testing.assert_close(dice_and_cross_entropy(logits, label), with_background)


def test_equals_nnunets_formula_but_for_its_constant(sample: tuple[torch.Tensor, torch.Tensor]):
    # nnU-Net v2 MemoryEfficientSoftDiceLoss(batch_dice=True, do_bg=False, smooth=1e-5); it returns -Dice
    logits, label = sample
    x, y = logits.softmax(1)[:, 1:], one_hot(label, 4)[:, 1:]
    intersect, predicted, truth = ((x * y).sum((0, 2, 3)), x.sum((0, 2, 3)), y.sum((0, 2, 3)))
    theirs = -((2 * intersect + 1e-5) / torch.clip(truth + predicted + 1e-5, 1e-8)).mean()

    torch.testing.assert_close(batch_dice_loss(logits, label), 1 + theirs)


def test_a_perfect_prediction_costs_nothing(sample: tuple[torch.Tensor, torch.Tensor]):
    label = sample[1]

    assert dice_and_cross_entropy(1000 * one_hot(label, 4), label) == pytest.approx(0, abs=1e-6)


def test_a_structure_that_is_in_no_sample_and_not_predicted_costs_nothing():
    label = torch.zeros(2, 4, 4, dtype=torch.uint8)

    assert batch_dice_loss(1000 * one_hot(label, 4), label) == pytest.approx(0, abs=1e-6)


def test_does_not_depend_on_the_type_of_the_label(sample: tuple[torch.Tensor, torch.Tensor]):
    logits, label = sample

    assert dice_and_cross_entropy(logits, label.to(torch.uint8)) == dice_and_cross_entropy(logits, label)


def test_doubling_a_batch_changes_nothing(sample: tuple[torch.Tensor, torch.Tensor]):
    logits, label = sample
    twice = dice_and_cross_entropy(torch.cat([logits, logits]), torch.cat([label, label]))

    torch.testing.assert_close(twice, dice_and_cross_entropy(logits, label))


@pytest.mark.parametrize("weights", [(1, 1, 1), (2, 1, 3), (5, 1, 1)])
def test_a_sample_of_weight_n_counts_as_n_samples(sample: tuple[torch.Tensor, torch.Tensor], weights: tuple[int, ...]):
    logits, label = sample
    repeated = [number for number, weight in enumerate(weights) for _ in range(weight)]
    one, many = logits.clone().requires_grad_(), logits[repeated].requires_grad_()

    weighted = dice_and_cross_entropy(one, label, torch.tensor(weights, dtype=torch.float32))
    plain = dice_and_cross_entropy(many, label[repeated])
    weighted.backward()
    plain.backward()

    torch.testing.assert_close(weighted, plain)
    torch.testing.assert_close(one.grad, torch.zeros_like(one).index_add(0, torch.tensor(repeated), many.grad))


def test_a_sample_of_no_weight_is_as_if_it_were_not_there(sample: tuple[torch.Tensor, torch.Tensor]):
    logits, label = sample
    logits = logits.clone().requires_grad_()

    loss = dice_and_cross_entropy(logits, label, torch.tensor([1.0, 0.0, 1.0]))
    loss.backward()

    torch.testing.assert_close(loss, dice_and_cross_entropy(logits[[0, 2]], label[[0, 2]]))
    assert logits.grad is not None
    assert torch.all(logits.grad[1] == 0)


def test_no_sample_and_samples_of_no_weight_cost_nothing(sample: tuple[torch.Tensor, torch.Tensor]):
    logits, label = sample
    logits = logits.clone().requires_grad_()

    absent, weightless = (
        dice_and_cross_entropy(logits[:0], label[:0]),
        dice_and_cross_entropy(logits, label, torch.zeros(3)),
    )
    (absent + weightless).backward()

    assert absent == weightless == 0
    assert logits.grad is not None
    assert torch.all(logits.grad == 0)
