"""The network of the plans: nnU-Net's plain U-Net, with heads at their own resolutions."""

import pytest
import torch
from torch.nn import functional

from faircmr.segmentation.network import Plans, build_network
from tests.segmentation.phantoms import plans_of

PLANS = plans_of(patch=(32, 16), filters=(4, 8, 16, 16))


def test_training_gives_logits_at_every_supervised_resolution():
    heads = build_network(PLANS, seed=0).train()(torch.zeros(2, 1, 32, 16))

    assert [tuple(head.shape) for head in heads] == [(2, 4, 32, 16), (2, 4, 16, 8), (2, 4, 8, 4)]


def test_prediction_gives_the_full_resolution_alone_and_the_same_logits():
    network, image = build_network(PLANS, seed=0), torch.randn(2, 1, 32, 16)

    supervised, only = network.train()(image), network.eval()(image)

    assert len(only) == 1
    torch.testing.assert_close(only[0], supervised[0])


def as_nnunet(weights: dict[str, torch.Tensor], image: torch.Tensor, plans: Plans) -> list[torch.Tensor]:
    """The forward pass of nnU-Net v2.8.1 ``PlainConvUNet`` in plain torch, full resolution first.

    Source:
        ``StackedConvBlocks`` (convolution, instance norm, leaky ReLU, twice a stage, the stride in the
        first) and ``UNetDecoder`` (transposed convolution with kernel = stride, skip, kernel of its own stage).
    """

    def layer(features: torch.Tensor, block: str, number: int, stride: tuple[int, int] = (1, 1)) -> torch.Tensor:
        weight = weights[f"{block}.conv{number}.conv.weight"]
        padding = [(size - 1) // 2 for size in weight.shape[2:]]
        features = functional.conv2d(features, weight, stride=stride, padding=padding)
        scale, shift = (weights[f"{block}.norm{number}.{name}"] for name in ("weight", "bias"))
        return functional.leaky_relu(functional.instance_norm(features, weight=scale, bias=shift, eps=1e-5), 0.01)

    skips = [image]
    for stage, stride in enumerate(plans.strides):
        skips.append(layer(layer(skips[-1], f"encoder.{stage}", 1, stride), f"encoder.{stage}", 2))
    features, logits = skips.pop(), []
    for step, stride in enumerate(reversed(plans.strides[1:])):
        up = {name: weights[f"decoder.{step}.transp_conv.conv.{name}"] for name in ("weight", "bias")}
        features = torch.cat([functional.conv_transpose2d(features, **up, stride=stride), skips.pop()], dim=1)
        features = layer(layer(features, f"decoder.{step}.conv_block", 1), f"decoder.{step}.conv_block", 2)
        logits.append(features)
    heads = [{name: weights[f"heads.{head}.{name}"] for name in ("weight", "bias")} for head in range(len(logits))]
    return [functional.conv2d(one, **head) for one, head in zip(reversed(logits), heads, strict=True)]


def test_is_the_network_of_nnunet_also_where_kernels_and_strides_differ_by_axis_and_stage():
    plans = Plans.model_validate(
        plans_of(patch=(32, 32), filters=(4, 8, 16, 16)).model_dump()
        | {"kernels": ((3, 3), (1, 3), (3, 3), (3, 1)), "strides": ((1, 1), (1, 2), (2, 2), (2, 2))}
    )
    network = build_network(plans, seed=0).train()
    with torch.no_grad():
        for parameter in network.parameters():
            # biases too, which begin at zero
            parameter.normal_()
    image = torch.randn(2, 1, 32, 32)

    torch.testing.assert_close(network(image), as_nnunet(network.state_dict(), image, plans))


def test_begins_with_hes_weights_as_nnunet():
    # nnU-Net v2.8.1 InitWeights_He(1e-2): variance 2 / (1 + 0.01 ** 2) / fan-in, no bias
    for name, value in build_network(plans_of(filters=(32, 32, 64)), seed=0).state_dict().items():
        if value.ndim == 4:
            fan_in = value[0].numel()
            assert value.std() == pytest.approx((2 / 1.0001 / fan_in) ** 0.5, rel=0.15), name
        else:
            assert torch.all(value == (1 if "norm" in name and name.endswith("weight") else 0)), name


def test_weights_are_a_function_of_plans_and_seed_whatever_was_drawn_before():
    first = build_network(PLANS, seed=3).state_dict()
    torch.rand(17)
    again, other = build_network(PLANS, seed=3).state_dict(), build_network(PLANS, seed=4).state_dict()

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_building_a_network_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(0)
    expected = torch.rand(3)

    torch.manual_seed(0)
    build_network(PLANS, seed=3)

    assert torch.equal(torch.rand(3), expected)


def test_every_weight_has_one_name():
    network = build_network(PLANS, seed=0)

    pointers = [tensor.data_ptr() for tensor in network.state_dict().values()]

    assert len(set(pointers)) == len(pointers)
    assert sum(weight.numel() for weight in network.parameters()) == pytest.approx(20_000, rel=0.3)
