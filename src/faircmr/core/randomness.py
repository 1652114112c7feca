"""Seeds and random generators that depend only on a seed, a purpose and a step."""

from __future__ import annotations

import hashlib

import numpy as np


def derived_seed(seed: int, *what: str | int) -> int:
    """Seed of one purpose, independent of every other purpose.

    Args:
        seed: Seed of the study, cohort, split or training.
        *what: Names and steps that say what the numbers are for, e.g. ``("augmentation", 17)``.

    Returns:
        An integer in 0..2**63 - 1, equal on every machine and Python version.
    """
    text = "\x1f".join([str(int(seed)), *(f"{type(part).__name__}:{part}" for part in what)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *what: str | int) -> np.random.Generator:
    """NumPy generator for one purpose; see :func:`derived_seed`."""
    return np.random.default_rng(derived_seed(seed, *what))
