"""The catalog's entries for what users bring to an audit; read, never written, and no part of the study."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Never

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from faircmr.core.errors import InvalidParameterError
from faircmr.core.mask_pairs import MaskPairs
from faircmr.core.reading import ReadingParameters
from faircmr.core.user_tables import read_user_table
from faircmr.core.validation import validated
from faircmr.datasets.base import Previewed, no_paths_in_errors
from faircmr.sources.fingerprints import digest, file_state, located_states
from faircmr.sources.mask_pairs import mask_files, pair_masks


class UserTableDataset(Previewed, AbstractDataset[Never, pd.DataFrame]):
    """A table in CSV (UTF-8) or Parquet.

    Args:
        filepath: The table.
        setting: Parameter that names it; errors speak of it and not of the path.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, setting: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(filepath)
        self._setting = setting
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the table; cells of a CSV are text."""
        return read_user_table(self._path, self._setting)

    def save(self, data: Never) -> Never:
        """Refuse: what users bring is never written."""
        raise DatasetError(f"{self._setting} is read only")

    def files(self) -> list[Path]:
        """None: the table is not the study's own."""
        return []

    def fingerprint(self) -> str:
        """Digest of size and time of the file."""
        return digest(file_state(self._path))

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        # no path: it may name people
        return {"setting": self._setting}


class UserScoresDataset(UserTableDataset):
    """A table of scores in CSV or Parquet, or nnU-Net's ``summary.json``."""

    def load(self) -> pd.DataFrame:
        """Read the scores; nnU-Net's as a long table with the columns case, structure, metric and value."""
        if self._path.suffix.lower() != ".json":
            return super().load()
        from faircmr.fairness.audit.nnunet_summary import scores_of_summary

        if self._path.exists() and not self._path.is_file():
            # a pipe would be waited for without end
            raise InvalidParameterError(self._setting, "no file", "a table, or nnU-Net's summary.json", "set it to one")
        with no_paths_in_errors(self._setting):
            content = self._path.read_bytes()
        return scores_of_summary(content)


class MaskPairsDataset(Previewed, AbstractDataset[Never, MaskPairs]):
    """Two folders of label images, matched by file name.

    Args:
        filepath: Folder of what a model found.
        path: Folder of what was drawn; Kedro makes an argument of this name relative to the project, as ``filepath``.
        reading: Limits of spacing and whether headers place labels: a mapping of the fields of
            :class:`~faircmr.core.reading.ReadingParameters`.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(
        self,
        filepath: str,
        path: str,
        *,
        reading: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._predictions, self._references = Path(filepath), Path(path)
        self._reading = validated(ReadingParameters, dict(reading or {}), "reading")
        self.metadata = metadata

    def load(self) -> MaskPairs:
        """List the pairs; no mask is opened."""
        with no_paths_in_errors("audit_predictions and audit_references"):
            return pair_masks(self._predictions, self._references, self._reading)

    def save(self, data: Never) -> Never:
        """Refuse: masks are never written."""
        raise DatasetError("masks are read only")

    def files(self) -> list[Path]:
        """None: the masks are not the study's own."""
        return []

    def fingerprint(self) -> str:
        """Digest of names, sizes and times of all masks."""
        folders = (self._predictions, self._references)
        states = [located_states(mask_files(folder), folder) for folder in folders]
        return digest([states, self._reading.model_dump(mode="json")])

    def _exists(self) -> bool:
        return self._predictions.is_dir() and self._references.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {}
