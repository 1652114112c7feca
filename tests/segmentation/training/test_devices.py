"""Choice of devices, and settings of threads that are restored."""

import ctypes

import pytest
import torch
from torch import nn

from faircmr.core import InvalidParameterError
from faircmr.segmentation import Precision
from faircmr.segmentation.training import (
    cpu_threads,
    deterministic_convolutions,
    device_of,
    forward_pass,
    reuse_freed_memory,
)


class Seeing(nn.Module):
    """One convolution that tells in which type its result came."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, kernel_size=3)
        self.seen: list[torch.dtype] = []

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        logits = self.convolution(image)
        self.seen.append(logits.dtype)
        return [logits, logits]


@pytest.mark.parametrize(("precision", "computed"), [("full", torch.float32), ("mixed", torch.bfloat16)])
def test_precision_is_of_the_forward_pass_alone(precision: Precision, computed: torch.dtype):
    network = Seeing()

    heads = forward_pass(network, torch.randn(2, 1, 8, 8), precision)
    sum(head.square().mean() for head in heads).backward()

    assert network.seen == [computed]
    assert [head.dtype for head in heads] == [torch.float32] * 2
    assert {value.dtype for value in network.parameters()} == {torch.float32}
    assert {value.grad.dtype for value in network.parameters()} == {torch.float32}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_on_a_gpu_auto_is_mixed():
    network = Seeing().cuda()

    forward_pass(network, torch.randn(2, 1, 8, 8, device="cuda"), "auto")

    assert network.seen == [torch.bfloat16]


def test_mixed_logits_lie_near_the_full_ones():
    network, image = Seeing(), torch.randn(2, 1, 8, 8)

    full, mixed = (forward_pass(network, image, precision)[0] for precision in ("full", "mixed"))

    # bfloat16 keeps eight bits of each number
    torch.testing.assert_close(mixed, full, rtol=0.02, atol=0.02)
    assert not torch.equal(mixed, full)


def test_auto_takes_a_gpu_where_there_is_one(monkeypatch: pytest.MonkeyPatch):
    for available, expected in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda available=available: available)

        assert device_of("auto").type == expected
        assert device_of("cpu").type == "cpu"


def test_a_gpu_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    with pytest.raises(InvalidParameterError, match="device: cuda; auto or cpu"):
        device_of("cuda")


def test_threads_are_given_back_even_after_an_error():
    before = torch.get_num_threads()

    def fail() -> None:
        with cpu_threads(before + 1):
            assert torch.get_num_threads() == before + 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert torch.get_num_threads() == before


def test_convolutions_are_repeatable_inside_and_as_before_outside():
    before = torch.backends.cudnn.deterministic

    with deterministic_convolutions():
        assert torch.backends.cudnn.deterministic

    assert torch.backends.cudnn.deterministic == before


def test_keeping_memory_is_asked_of_the_c_library(monkeypatch: pytest.MonkeyPatch):
    asked = []

    class Library:
        mallopt = staticmethod(lambda option, value: asked.append((option, value)))

    monkeypatch.setattr(ctypes, "CDLL", lambda _: Library)
    reuse_freed_memory()

    # malloc.h: M_MMAP_THRESHOLD is -3, M_TRIM_THRESHOLD is -1
    assert asked == [(-3, 2**30), (-1, 2**30)]


def test_a_c_library_without_that_setting_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())

    reuse_freed_memory()
