"""A sample of weight n counts like n samples."""

import pytest
import torch

from faircmr.core import InvalidParameterError
from faircmr.mitigation.objectives.reweighing import ReweighingObjective
from faircmr.segmentation.training import SegmentationObjective
from tests.mitigation.losses_of import PLANS, batch_of, heads_of, network_gradients, of_samples


@pytest.mark.parametrize(("one", "other", "third"), [(1, 1, 1), (3, 1, 2), (2, 5, 4)])
def test_loss_and_gradient_are_those_of_a_batch_in_which_samples_are_repeated(one: int, other: int, third: int):
    batch, weights = batch_of("ABCA"), {"A": one, "B": other, "C": third}
    repeated = [sample for sample, key in enumerate(batch.keys) for _ in range(weights[key])]
    heads, copies = heads_of(batch), [head.detach()[repeated].requires_grad_() for head in heads_of(batch)]

    loss = ReweighingObjective(PLANS, weights)(heads, batch)
    plain = SegmentationObjective(PLANS)(copies, of_samples(batch, repeated))
    loss.backward()
    plain.backward()

    torch.testing.assert_close(loss, plain)
    for head, copy in zip(heads, copies, strict=True):
        summed = torch.zeros_like(head).index_add(0, torch.tensor(repeated), copy.grad)
        torch.testing.assert_close(head.grad, summed, rtol=1e-4, atol=1e-8)


def test_so_is_the_gradient_of_the_networks_weights():
    batch = batch_of("AAB")

    weighted = network_gradients(ReweighingObjective(PLANS, {"A": 1, "B": 2}), batch)
    plain = network_gradients(SegmentationObjective(PLANS), of_samples(batch, [0, 1, 2, 2]))

    for name, gradient in weighted.items():
        torch.testing.assert_close(gradient, plain[name], rtol=1e-3, atol=1e-6)


def test_the_order_in_which_weights_are_given_does_not_matter():
    batch = batch_of("ABCA")
    one, other = ({"A": 0.5, "B": 2.0, "C": 1.0}, {"C": 1.0, "B": 2.0, "A": 0.5})

    assert ReweighingObjective(PLANS, one)(heads_of(batch), batch) == ReweighingObjective(PLANS, other)(
        heads_of(batch), batch
    )


def test_has_nothing_to_learn_or_remember():
    assert not ReweighingObjective(PLANS, {"A": 1.0}).state_dict()


def test_a_sample_without_a_weight_is_refused():
    batch = batch_of("AB")

    with pytest.raises(InvalidParameterError, match="'B', which is not a group of the objective"):
        ReweighingObjective(PLANS, {"A": 1.0})(heads_of(batch), batch)


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_a_weight_that_is_none_is_refused(weight: float):
    with pytest.raises(InvalidParameterError, match=r"weight of B: .*; a finite number above 0"):
        ReweighingObjective(PLANS, {"A": 1.0, "B": weight})
