"""The fits that are finished, of all strategies together."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from faircmr.core.errors import OutputError
from faircmr.datasets.base import Previewed, shown_path
from faircmr.segmentation.models import JOB_NAME, WEIGHTS_NAME


class FinishedFitsDataset(Previewed, AbstractDataset[Never, dict[str, str]]):
    """Jobs of the fits that are finished, by place; empty where there are none.

    Args:
        filepath: Pattern of their records, e.g. ``06_models/*/*/*/fit.json``. A fit's place is its folder below what
            comes before the first asterisk: ``baseline/seed-0/shared``.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, str]:
        """JSON of the job of every fit whose record and weights are there, by place.

        Raises:
            OutputError: A job is damaged.
        """
        folders = {str(file.parent.relative_to(self._root)): file.parent for file in self.files()}
        return {
            place: _job(folder / JOB_NAME, place)
            for place, folder in folders.items()
            if all((folder / name).is_file() for name in (JOB_NAME, WEIGHTS_NAME))
        }

    def save(self, data: Never) -> Never:
        """Refuse: fits are written by training."""
        raise DatasetError("finished fits are read only")

    def files(self) -> list[Path]:
        """Record of every finished fit."""
        return sorted(self._root.glob(str(self._filepath.relative_to(self._root))))

    def fingerprint(self) -> str:
        """Digest of place and time of every record."""
        states = [(str(file.relative_to(self._root)), file.stat().st_mtime_ns) for file in self.files()]
        return hashlib.sha256(repr(states).encode()).hexdigest()[:32]

    @property
    def _root(self) -> Path:
        before = [part for part in self._filepath.parents if "*" not in str(part)]
        return before[0]

    def _exists(self) -> bool:
        return bool(self.files())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown_path(self._filepath)}


def _job(path: Path, place: str) -> str:
    try:
        text = path.read_bytes().decode()
        if isinstance(json.loads(text), dict):
            return text
    except (OSError, ValueError, RecursionError):
        pass
    remedy = "delete the folder of this fit and run its strategy's pipeline again"
    raise OutputError(f"{place}/{path.name}", "damaged", "the job of a finished fit", remedy)
