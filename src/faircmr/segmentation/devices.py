"""Which device, precision, how many CPU threads, and what memory a fit or a prediction takes."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from faircmr.core.errors import InvalidParameterError
from faircmr.segmentation.parameters import Precision

M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
KEPT_BYTES = 2**30


def device_of(name: str) -> torch.device:
    """Device by name; ``auto`` is a GPU where there is one.

    Raises:
        InvalidParameterError: A GPU is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InvalidParameterError(
            "training.device or inference.device",
            name,
            "auto or cpu, because no GPU can be used here",
            "set both to auto",
        )
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def forward_pass(network: nn.Module, image: Tensor, precision: Precision) -> list[Tensor]:
    """Heads of a network, computed in this precision.

    Mixed precision computes convolutions in bfloat16, whose range is that of float32: losses need no
    scaling. The weights stay float32, and so is everything after the heads.

    Args:
        network: Image to a list of heads.
        image: Shape (samples, channels, rows, columns), float32, on the network's device.
        precision: Of the convolutions. It is chosen and not taken from the device: it changes the weights.

    Returns:
        Logits, float32.
    """
    with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=precision == "mixed"):
        heads = network(image)
    return [head.float() for head in heads]


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Compute with this many CPU threads, then with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def repeatable_convolutions() -> Iterator[None]:
    """Let a GPU choose only among convolutions that give the same bits every time, then as before."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


def keep_freed_memory() -> None:
    """Let the C library use freed memory again instead of giving it back, for the whole process.

    Every step needs the same large arrays. By default glibc returns each to the system and asks for
    it again, page by page, which is an eighth of the CPU time of a step; the peak is the same. Does
    nothing where the C library is another.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
