"""Strides and kernels of the network, and its activations."""

from faircmr.segmentation.network.planning import Topology, activations, choose_topology
from tests.segmentation.phantoms import plans_of


def test_an_axis_that_is_coarse_is_halved_only_when_the_fine_one_has_caught_up():
    topology = choose_topology((1.0, 2.0), (128, 128))

    assert topology.strides[:3] == ((1, 1), (2, 1), (2, 2))
    assert topology.kernels[:2] == ((3, 1), (3, 3))


def test_pixels_twelve_times_as_long_as_wide_are_halved_along_the_fine_axis_until_they_are_square():
    topology = choose_topology((1.0, 12.0), (256, 32))

    assert topology.strides == ((1, 1), (2, 1), (2, 1), (2, 1), (2, 2), (2, 2), (2, 2))
    assert topology.kernels[:4] == ((3, 1), (3, 1), (3, 1), (3, 3))


def test_stops_at_four_pixels_or_after_the_stages_asked_for():
    assert choose_topology((1.0, 1.0), (128, 32)).strides == ((1, 1), (2, 2), (2, 2), (2, 2), (2, 1))
    assert len(choose_topology((1.0, 1.0), (64, 32), stages=3).strides) == 3


def test_a_patch_is_padded_to_what_the_strides_divide():
    assert Topology(((3, 3),) * 3, ((1, 1), (2, 2), (2, 1))).padded((21, 21)) == (24, 22)


def test_activations_are_those_of_every_convolution():
    # filters 4, 8, 8 on 16x16: two convolutions a stage down, two and a transposed one a stage up, one head
    down, up = 2 * (4 * 256 + 8 * 64 + 8 * 16), 3 * (4 * 256 + 8 * 64)

    assert activations(plans_of()) == down + up + 4 * 256
