"""What two studies have in common, bit by bit, and what a study says of itself.

Every file below the study's folder counts. What is left out, because it differs between any two studies whose scans
were not written in the same nanosecond: a scan is known by size and time of its file, and fingerprints of all that is
made from it follow. So digests of identity, and paths of the study's own folders, are taken out of JSON, of the column
of a table and of the study key; receipts hold little else, and are judged by :func:`broken_receipts` instead.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

IDENTITY = frozenset({"fingerprint", "fingerprints", "folder", "tensors"})
"""Names in JSON."""
COLUMNS = ("fingerprint", "study_key")
"""Columns of tables."""
RECEIPT = "receipt.json"


def comparable(study: Path) -> dict[str, str]:
    """Digest of every file but receipts and what was left half-written, by its path below the study's folder."""
    files = (path for path in sorted(study.rglob("*")) if path.is_file() and not path.name.endswith(RECEIPT))
    return {
        path.relative_to(study).as_posix(): hashlib.sha256(_content(path)).hexdigest()
        for path in files
        if not _hidden(path.relative_to(study))
    }


def differences(found: Mapping[str, str], expected: Mapping[str, str]) -> list[str]:
    """Files that are missing, too many, or not the same."""
    return sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))


def leftovers(study: Path) -> list[str]:
    """Files that a run which was cut off has left half-written."""
    names = (path.relative_to(study) for path in sorted(study.rglob("*")) if path.is_file())
    return [name.as_posix() for name in names if _hidden(name)]


def broken_receipts(study: Path) -> list[str]:
    """Receipts that list a file which is missing, of another size, or of another content where they hold its digest."""
    return [path.relative_to(study).as_posix() for path in sorted(study.rglob(f"*{RECEIPT}")) if not _holds(path)]


def vouched(study: Path) -> set[str]:
    """Files that some receipt lists, by their path below the study's folder."""
    return {
        (receipt.parent / name).resolve().relative_to(study.resolve()).as_posix()
        for receipt in study.rglob(f"*{RECEIPT}")
        for name in json.loads(receipt.read_bytes())["files"]
    }


def _holds(receipt: Path) -> bool:
    states: dict[str, int | str] = json.loads(receipt.read_bytes())["files"]
    return all(_is_as(receipt.parent / name, state) for name, state in states.items())


def _is_as(file: Path, state: int | str) -> bool:
    """Whether a file has this size, or content whose digest begins like this."""
    if not file.is_file():
        return False
    if isinstance(state, int):
        return file.stat().st_size == state
    return hashlib.sha256(file.read_bytes()).hexdigest().startswith(state)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _content(path: Path) -> bytes:
    if path.suffix == ".json":
        return json.dumps(_without_identity(json.loads(path.read_bytes())), sort_keys=True).encode()
    if path.name == "study_key.txt":
        return " ".join(part for part in path.read_text().split() if not part.startswith("cohort:")).encode()
    if path.suffix == ".parquet":
        return _table(path)
    return path.read_bytes()


def _table(path: Path) -> bytes:
    """Every other column, as Arrow keeps it in memory."""
    content = io.BytesIO()
    table = pd.read_parquet(path)
    table.drop(columns=[name for name in COLUMNS if name in table]).to_feather(content, compression="uncompressed")
    return content.getvalue()


def _without_identity(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _names(item) if name in IDENTITY else _without_identity(item) for name, item in value.items()}
    return [_without_identity(item) for item in value] if isinstance(value, list) else value


def _names(value: object) -> list[str]:
    """Of fingerprints by name, the names."""
    return sorted(value) if isinstance(value, dict) else []
