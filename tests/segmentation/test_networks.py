"""The network of the plans: nnU-Net's plain U-Net, with heads at their own resolutions."""

import pytest
import torch

from faircmr.segmentation.networks import build_network
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


def test_is_the_dynunet_of_monai():
    from monai.networks.nets.dynunet import DynUNet

    network = build_network(PLANS, seed=0).eval()
    theirs = DynUNet(
        *(2, 1, 4),
        kernel_size=PLANS.kernels,
        strides=PLANS.strides,
        upsample_kernel_size=PLANS.strides[1:],
        filters=PLANS.filters,
        norm_name=("INSTANCE", {"affine": True}),
    ).eval()
    theirs.input_block.load_state_dict(network.encoder[0].state_dict())
    for mine, block in zip(network.encoder[1:], [*theirs.downsamples, theirs.bottleneck], strict=True):
        block.load_state_dict(mine.state_dict())
    theirs.upsamples.load_state_dict(network.decoder.state_dict())
    theirs.output_block.conv.conv.load_state_dict(network.heads[0].state_dict())
    image = torch.randn(2, 1, 32, 16)

    torch.testing.assert_close(network(image)[0], theirs(image))


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
