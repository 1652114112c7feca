"""Devices, precision and threads of a fit, and the processes that share it, one a device.

Unless :mod:`~faircmr.segmentation.training.distributed`, or ``torch.distributed.run``, which sets the same variables,
started several processes for a fit, it is alone, and every function on processes does nothing. With several, each takes
its part of the same batch. Every number that a loss divides is summed over all of them first, so that loss, gradient
and weights are those of one process up to the order of additions.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from faircmr.core import InvalidParameterError
from faircmr.segmentation import Precision
from faircmr.segmentation.data import Batch

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


def joined(module: nn.Module, device: torch.device, samples: int) -> nn.Module:
    """Meet the other processes of this fit, and let them average the gradients of a module.

    Args:
        module: Batch to loss; all that is trained is part of it, and in every loss.
        device: Where it is to compute; of several GPUs, each process takes its own.
        samples: Samples of a batch.

    Returns:
        On the device; the module itself where this process is alone.

    Raises:
        InvalidParameterError: There are more processes than samples in a batch, or than GPUs.
    """
    if not has_other_processes():
        return module.to(device)
    processes = int(os.environ["WORLD_SIZE"])
    _refuse_idle(processes, samples, f"at most {samples}, the samples of a batch")
    if device.type == "cuda":
        _refuse_idle(processes, torch.cuda.device_count(), f"at most {torch.cuda.device_count()}, the GPUs here")
    # it takes two seconds to import, and a fit that is alone needs none of it
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    # what an objective remembers is equal everywhere, because it comes from totals
    fabric = Fabric(accelerator=device.type, devices=processes, strategy=DDPStrategy(forward_sync_buffers=False))
    fabric.launch()
    wrapped: nn.Module = fabric.setup_module(module)
    return wrapped


def has_other_processes() -> bool:
    """Whether this process was started as one of several that share a fit; it need not have met the others yet."""
    return torch.distributed.is_torchelastic_launched()


def leads() -> bool:
    """Whether this process is the one that writes and reports."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def wait() -> None:
    """Go on when every process of the fit has come this far."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def anywhere(flag: bool, device: torch.device) -> bool:  # noqa: FBT001 - a value and no choice of behaviour
    """Whether a flag is set in any process of the fit; all of them get the same answer, and must ask alike.

    Args:
        flag: Of this process.
        device: Where the fit computes.
    """
    if not torch.distributed.is_initialized():
        return flag
    flags = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(flags)
    return bool(flags.item())


def leave() -> None:
    """Part from the other processes of the fit, once all of them are done and nothing of the fit is in use.

    The threads that send and receive end here. Left to the end of the interpreter, they may still hold
    a tensor that Python knows, and end the process by a signal instead (pull request 179291 of PyTorch).
    """
    if torch.distributed.is_initialized():
        wait()
        torch.distributed.destroy_process_group()


def part_of(batch: Batch) -> Batch:
    """The samples of a batch that are this process's to compute."""
    if not torch.distributed.is_initialized():
        return batch
    return batch.part(torch.distributed.get_rank(), torch.distributed.get_world_size())


def total(values: Tensor) -> Tensor:
    """Sum over all processes of the fit, with its gradient; equal in all of them.

    A loss is exact if it is a function of totals: of sums and counts over samples, over pixels, or
    over the samples of each group, and not of a mean over the part of the batch that is here.

    Args:
        values: Of the same shape in every process.
    """
    if not torch.distributed.is_initialized():
        return values
    summed: Tensor = _Total.apply(values)  # type: ignore[no-untyped-call]
    return summed


class _Total(torch.autograd.Function):
    """Every process has the same loss, and gradients are averaged: backward sums over the processes too."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        summed = values.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return total(gradient)


def _refuse_idle(processes: int, most: int, permitted: str) -> None:
    if processes > most:
        raise InvalidParameterError("training.devices", processes, permitted, "lower it")
