"""Receipts: which key an output was made under, and how large each of its files is.

A receipt lies beside a file (``scores.parquet.receipt.json``) or inside a folder (``receipt.json``).
It is removed before an output is saved and written after, so that work cut off in between has none.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from faircmr.core.files import remove, write_whole

AnyDataset = AbstractDataset[Any, Any]


@dataclass(frozen=True)
class Key:
    """What determined an output.

    Attributes:
        data: Digest of node, parameters and the data keys of its inputs.
        code: Digest of the code of the node and of everything before it.
    """

    data: str
    code: str


def path_of(dataset: AnyDataset) -> Path | None:
    """File or folder of a data set, or ``None`` for one that lies in memory or elsewhere."""
    path = getattr(dataset, "_filepath", None)
    return None if path is None else Path(str(path))


def files_of(dataset: AnyDataset) -> list[Path]:
    """Files of a data set: those that it names, else what lies at its ``_filepath``."""
    if hasattr(dataset, "files"):
        return [Path(file) for file in dataset.files()]
    path = path_of(dataset)
    if path is None:
        return []
    return [file for file in sorted(path.rglob("*")) if file.is_file()] if path.is_dir() else [path]


def key_of(dataset: AnyDataset) -> Key | None:
    """Key on the receipt, or ``None`` without receipt or where a listed file is missing or has changed size."""
    receipt = _place(dataset)
    if receipt is None:
        return None
    try:
        content = json.loads(receipt.read_bytes())
        intact = all((receipt.parent / file).stat().st_size == size for file, size in content["files"].items())
        return Key(**content["key"]) if intact else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # absent, cut off, or not a receipt
        return None


def write_receipt(dataset: AnyDataset, key: Key) -> None:
    """Note under which key the files that lie there now were made.

    Raises:
        OutputError: The folder cannot be written.
    """
    receipt = _place(dataset)
    if receipt is not None:
        files = {
            file.relative_to(receipt.parent).as_posix(): file.stat().st_size
            for file in files_of(dataset)
            if file != receipt
        }
        write_whole(receipt, json.dumps({"key": asdict(key), "files": files}, indent=1, sort_keys=True).encode())


def remove_receipt(dataset: AnyDataset) -> None:
    """Forget what was known of the output.

    Raises:
        OutputError: The folder cannot be written.
    """
    receipt = _place(dataset)
    if receipt is not None:
        remove(receipt)


def _place(dataset: AnyDataset) -> Path | None:
    path = path_of(dataset)
    if path is None:
        return None
    return path / "receipt.json" if path.is_dir() else path.with_name(f"{path.name}.receipt.json")
