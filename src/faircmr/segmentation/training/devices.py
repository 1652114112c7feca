"""Device, precision and CPU threads of a fit, and communication between its processes (ranks), one for each device.

:mod:`~faircmr.segmentation.training.distributed` starts one process for each device; ``torch.distributed.run`` may do
so too, and sets the same environment variables. In a fit with one process, all functions on ranks do nothing. With
several, each rank computes its part of the same batch. Sums that enter a loss are added up over all ranks before any
division. Loss, gradient and weights therefore equal those of one process, up to the order of additions.
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
MALLOC_THRESHOLD_BYTES = 2**30


def device_of(name: str) -> torch.device:
    """Return the device of this name; ``auto`` is a GPU if one is available, otherwise the CPU.

    Raises:
        InvalidParameterError: The name is ``cuda`` and no GPU is available.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InvalidParameterError(
            "training.device or inference.device",
            name,
            "auto or cpu, because no GPU is available",
            "set both to auto",
        )
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def forward_pass(network: nn.Module, image: Tensor, precision: Precision) -> list[Tensor]:
    """Compute the heads of a network in the given precision.

    Mixed precision computes convolutions in bfloat16. Its range equals that of float32, so losses need no
    scaling. Weights, and everything after the heads, stay float32.

    Args:
        network: Image to a list of heads.
        image: Shape (samples, channels, rows, columns), float32, on the network's device.
        precision: Of the convolutions. It is a parameter and does not follow from the device, because it changes the
            weights.

    Returns:
        Logits, float32.
    """
    with torch.autocast(image.device.type, dtype=torch.bfloat16, enabled=precision == "mixed"):
        heads = network(image)
    return [head.float() for head in heads]


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Set the number of CPU threads of PyTorch inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def deterministic_convolutions() -> Iterator[None]:
    """Use only deterministic cuDNN convolutions inside the block."""
    before = torch.backends.cudnn.deterministic
    torch.backends.cudnn.deterministic = True
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic = before


def reuse_freed_memory() -> None:
    """Make glibc reuse freed memory in the whole process instead of returning it to the operating system.

    Every step needs the same large arrays. By default glibc returns them to the system and requests them
    again page by page, which takes an eighth of the CPU time of a step. Peak memory stays the same. Does
    nothing with another C library.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, MALLOC_THRESHOLD_BYTES)
    mallopt(M_TRIM_THRESHOLD, MALLOC_THRESHOLD_BYTES)


def wrap_ddp(module: nn.Module, device: torch.device, samples: int) -> nn.Module:
    """Connect to the other ranks and wrap a module so that its gradients are averaged over them (DDP).

    Args:
        module: Maps a batch to its loss; contains all trained parameters, and every loss depends on all of them.
        device: Where to compute; with several GPUs, each rank uses its own.
        samples: Batch size.

    Returns:
        The wrapped module on its device; with one process, the module itself.

    Raises:
        InvalidParameterError: There are more ranks than samples in a batch, or than GPUs.
    """
    if not has_other_processes():
        return module.to(device)
    processes = int(os.environ["WORLD_SIZE"])
    _check_process_count(processes, samples, f"at most {samples}, the samples of a batch")
    if device.type == "cuda":
        _check_process_count(
            processes, torch.cuda.device_count(), f"at most {torch.cuda.device_count()}, the GPUs here"
        )
    # imported here because it takes two seconds, and a fit in one process does not need it
    from lightning_fabric import Fabric
    from lightning_fabric.strategies.ddp import DDPStrategy

    # buffers of an objective are equal on all ranks already, because they are computed from all-reduced sums
    fabric = Fabric(accelerator=device.type, devices=processes, strategy=DDPStrategy(forward_sync_buffers=False))
    fabric.launch()
    wrapped: nn.Module = fabric.setup_module(module)
    return wrapped


def has_other_processes() -> bool:
    """Whether this process was started as one of several ranks; they need not be connected yet."""
    return torch.distributed.is_torchelastic_launched()


def is_rank_zero() -> bool:
    """Whether this process writes files and reports progress; always true in a fit with one process."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def barrier() -> None:
    """Wait until all ranks have reached this call."""
    if torch.distributed.is_initialized():
        torch.distributed.barrier()


def any_rank(flag: bool, device: torch.device) -> bool:  # noqa: FBT001 - a value, not a switch
    """Whether a flag is set on any rank; all ranks must call this together and get the same result.

    Args:
        flag: Of this rank.
        device: Where the fit computes.
    """
    if not torch.distributed.is_initialized():
        return flag
    flags = torch.tensor(int(flag), device=device)
    torch.distributed.all_reduce(flags)
    return bool(flags.item())


def shutdown() -> None:
    """Wait for all ranks and destroy the process group; call it when nothing of the fit is in use any more.

    This ends the communication threads. If they run until the interpreter exits, they may still hold
    a Python tensor, and the process then ends by a signal (PyTorch pull request 179291).
    """
    if torch.distributed.is_initialized():
        barrier()
        torch.distributed.destroy_process_group()


def local_samples(batch: Batch) -> Batch:
    """Return the samples of a batch that this rank computes."""
    if not torch.distributed.is_initialized():
        return batch
    return batch.part(torch.distributed.get_rank(), torch.distributed.get_world_size())


def all_reduce_sum(values: Tensor) -> Tensor:
    """Sum over all ranks, with gradient; the result is equal on all of them.

    A loss is exact if it is computed from such sums (of values and counts over samples, pixels or
    the samples of each group). A loss that is computed from means over this rank's samples is not.

    Args:
        values: Of the same shape on every rank.
    """
    if not torch.distributed.is_initialized():
        return values
    summed: Tensor = _AllReduceSum.apply(values)  # type: ignore[no-untyped-call]
    return summed


class _AllReduceSum(torch.autograd.Function):
    """All-reduce whose backward also sums over ranks: each rank has the same loss, and DDP averages the gradients."""

    @staticmethod
    def forward(_: Any, values: Tensor) -> Tensor:
        summed = values.clone(memory_format=torch.contiguous_format)
        torch.distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        return all_reduce_sum(gradient)


def _check_process_count(processes: int, most: int, permitted: str) -> None:
    if processes > most:
        raise InvalidParameterError("training.devices", processes, permitted, "lower it")
