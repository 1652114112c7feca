"""Receipts: which key an output was made under, and how large each of its files is.

A receipt lies beside a file (``scores.parquet.receipt.json``) or inside a folder (``receipt.json``).
It is removed before an output is saved and written after, so that work cut off in between has none. Of files in JSON
it holds a digest instead of the size: they are small, and say what the others are. Fits change theirs before the list
of them is saved, and strategies that share fits see those of each other.

A document that a person may edit (``edits_count``) is compared by its content: after an edit it is there
as before, under a key of its own.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset

from faircmr.core.files import check_lease, is_content, remove, write_whole

AnyDataset = AbstractDataset[Any, Any]
EDITED = " edited "
"""In the data of a key, between what determined a document and the digest of what somebody made of it."""


@dataclass(frozen=True)
class Key:
    """What determined an output.

    Attributes:
        data: Digest of node, parameters and the data keys of its inputs.
        code: Digest of the code of the node and of everything before it.
    """

    data: str
    code: str

    @property
    def made_from(self) -> str:
        """Digest of what determined the output before somebody edited it."""
        return self.data.partition(EDITED)[0]

    @property
    def edited(self) -> bool:
        """Whether somebody has edited the output since."""
        return EDITED in self.data


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
    if not path.is_dir():
        return [path]
    return [file for file in sorted(path.rglob("*")) if file.is_file() and is_content(file, path)]


def key_of(dataset: AnyDataset) -> Key | None:
    """Key on the receipt, or ``None`` without receipt or where a listed file is missing or has changed size."""
    receipt = _place(dataset)
    if receipt is None:
        return None
    try:
        content = json.loads(receipt.read_bytes())
        if _edits_count(dataset):
            return _edited_key(Key(**content["key"]), content["content"], _content(dataset))
        intact = all(_is_as(receipt.parent / file, state) for file, state in content["files"].items())
        return Key(**content["key"]) if intact else None
    # absent, cut off, or not a receipt
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def write_receipt(dataset: AnyDataset, key: Key) -> None:
    """Note under which key the files that lie there now were made.

    Raises:
        OutputError: The folder cannot be written.
    """
    receipt = _place(dataset)
    if receipt is not None:
        check_lease(path_of(dataset) or receipt)
        files = {
            file.relative_to(receipt.parent).as_posix(): _state(file) for file in files_of(dataset) if file != receipt
        }
        content = {"content": _content(dataset)} if _edits_count(dataset) else {}
        text = json.dumps({"key": asdict(key), "files": files, **content}, indent=1, sort_keys=True)
        write_whole(receipt, text.encode())


def remove_receipt(dataset: AnyDataset) -> None:
    """Forget what was known of the output.

    Raises:
        OutputError: The folder cannot be written.
    """
    receipt = _place(dataset)
    if receipt is not None:
        remove(receipt)


def _state(file: Path) -> int | str:
    return _digest(file.read_bytes()) if file.suffix == ".json" else file.stat().st_size


def _is_as(file: Path, state: int | str) -> bool:
    # receipts of earlier versions hold the size of every file
    return (_state(file) if isinstance(state, str) else file.stat().st_size) == state


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _edits_count(dataset: AnyDataset) -> bool:
    return getattr(dataset, "edits_count", False)


def _content(dataset: AnyDataset) -> str:
    return _digest(b"".join(file.read_bytes() for file in files_of(dataset)))


def _edited_key(key: Key, before: str, now: str) -> Key:
    return key if now == before else Key(f"{key.data}{EDITED}{now}", key.code)


def _place(dataset: AnyDataset) -> Path | None:
    path = path_of(dataset)
    if path is None:
        return None
    return path / "receipt.json" if path.is_dir() else path.with_name(f"{path.name}.receipt.json")
