"""Short digests of parameters and tables: equal content, equal digest, on any machine."""

from __future__ import annotations

import hashlib

import pandas as pd

from faircmr.core.parameters import Parameters

LENGTH = 10


def digest_of_parameters(parameters: Parameters) -> str:
    """Digest of every value of a parameter model."""
    return _digest(parameters.model_dump_json())


def digest_of_table(table: pd.DataFrame) -> str:
    """Digest of a table's columns and rows in their order."""
    return _digest(table.to_csv(index=False))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]
