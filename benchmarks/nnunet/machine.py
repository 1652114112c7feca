"""What a result was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import faircmr

NNUNET_PACKAGES = ("nnunetv2", "torch", "numpy", "batchgeneratorsv2", "dynamic_network_architectures")
OUR_PACKAGES = ("torch", "monai", "numpy")


def machine(nnunet: Path) -> dict[str, object]:
    """Processor, cores, load and versions of both environments.

    Args:
        nnunet: Folder of nnU-Net's environment.
    """
    show = f"from importlib.metadata import version; print(*map(version, {NNUNET_PACKAGES!r}))"
    command = [str(nnunet / "bin" / "python"), "-c", show]
    clean = {**os.environ, "PYTHONPATH": ""}
    theirs = subprocess.run(command, check=True, capture_output=True, text=True, env=clean)
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg()[0],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "nnunet": dict(zip(NNUNET_PACKAGES, theirs.stdout.split(), strict=True)),
        "ours": {"faircmr": faircmr.__version__, **{name: version(name) for name in OUR_PACKAGES}},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
