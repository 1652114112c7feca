"""Which device and how many CPU threads a fit or a prediction takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from faircmr.core.errors import InvalidParameterError


def device_of(name: str) -> torch.device:
    """Device by name; ``auto`` is a GPU where there is one.

    Raises:
        InvalidParameterError: A GPU is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InvalidParameterError("device", name, "auto or cpu, because no GPU can be used here", "choose auto")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


@contextmanager
def cpu_threads(count: int) -> Iterator[None]:
    """Compute with this many CPU threads, then with as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
