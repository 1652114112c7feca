"""Short digests of texts, JSON, parameters and tables: equal content has the same digest on every machine."""

from __future__ import annotations

import hashlib
import json

import pandas as pd

from faircmr.core.parameters import Parameters

LENGTH = 10


def text_digest(text: str, length: int = 32) -> str:
    """The first hexadecimal digits of the SHA-256 of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def json_digest(content: object, length: int = 32) -> str:
    """Digest of anything that JSON can hold, whatever the order of its keys."""
    return text_digest(json.dumps(content, sort_keys=True), length)


def digest_of_parameters(parameters: Parameters) -> str:
    """Digest of every value of a parameter model."""
    return text_digest(parameters.model_dump_json(), LENGTH)


def digest_of_table(table: pd.DataFrame) -> str:
    """Digest of a table's columns and rows in their order."""
    return text_digest(table.to_csv(index=False), LENGTH)
