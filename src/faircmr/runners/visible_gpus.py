"""Which GPUs a local worker may take: SLURM, and people, say in a variable which of a machine's are theirs."""

from __future__ import annotations

import os

from faircmr.core.errors import InvalidParameterError

VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpus_of(number: int, gpus: int) -> list[str]:
    """GPUs of one local worker, among those that this process may use: others may be somebody else's.

    Raises:
        InvalidParameterError: There are not as many.
    """
    first, last = number * gpus, (number + 1) * gpus
    if not (named := os.environ.get(VISIBLE, "")):
        return [str(one) for one in range(first, last)]
    visible = named.split(",")
    if last > len(visible):
        permitted = f"at most {len(visible)} in all, of {VISIBLE}={named}"
        raise InvalidParameterError("cluster.gpus", f"{gpus} for each worker", permitted, "set fewer cluster.workers")
    return visible[first:last]
