"""Which machine this is, as far as that decides how long something takes; nothing heavy is loaded to find out."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path

PROC, DEV = Path("/proc"), Path("/dev")


def this_machine(proc: Path = PROC, dev: Path = DEV) -> str:
    """Processor, number of CPUs, and the GPUs that a process may see, e.g. ``AMD EPYC 7B13, 2 CPUs``.

    Args:
        proc: Where Linux describes itself; elsewhere Python says what it knows of the processor.
        dev: Where its devices lie.
    """
    return ", ".join([processor(proc), f"{os.cpu_count()} CPUs", *_gpus(proc, dev)])


def processor(proc: Path = PROC) -> str:
    """Name of the processor."""
    names = _values(proc / "cpuinfo", "model name")
    return next(names, platform.processor() or platform.machine())


def _gpus(proc: Path, dev: Path) -> Iterator[str]:
    """Models as the driver lists them; where it lists none, how many devices there are."""
    models = [
        model for file in sorted(proc.glob("driver/nvidia/gpus/*/information")) for model in _values(file, "Model")
    ]
    count = len(list(dev.glob("nvidia[0-9]*")))
    yield from models or ([f"{count} NVIDIA devices"] if count else [])
    if (visible := os.environ.get("CUDA_VISIBLE_DEVICES")) is not None and (models or count):
        yield f"CUDA_VISIBLE_DEVICES={visible}"


def _values(file: Path, name: str) -> Iterator[str]:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        found, _, value = line.partition(":")
        if found.strip() == name:
            yield value.strip()
