"""The catalog's entries for tables of another study; read, never written, and no part of this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from faircmr.core.errors import InvalidParameterError
from faircmr.datasets.base import Previewed
from faircmr.datasets.tables import TableDataset
from faircmr.sources.fingerprints import digest, file_state

SETTING = "compare_root"


class OtherStudyTableDataset(Previewed, AbstractDataset[Never, pd.DataFrame]):
    """A table of another study, where one is named.

    Args:
        filepath: The table.
        named: What the parameter says; ``None`` where it says nothing, and then the table need not be there.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, named: str | None, metadata: dict[str, Any] | None = None) -> None:
        self._path, self._named = Path(filepath), named
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Read the table, or give an empty one where no study is named.

        Raises:
            InvalidParameterError: The study that is named has no such table.
        """
        if self._exists():
            return TableDataset(str(self._path)).load()
        if self._named is None:
            return pd.DataFrame()
        permitted = "the data_root of a study that has been evaluated"
        remedy = "correct its spelling, or run the pipeline evaluation there"
        raise InvalidParameterError(SETTING, f"no {self._path.name}", permitted, remedy)

    def save(self, data: Never) -> Never:
        """Refuse: another study is never written."""
        raise DatasetError(f"{SETTING} is read only")

    def files(self) -> list[Path]:
        """None: the table is not the study's own."""
        return []

    def fingerprint(self) -> str:
        """Digest of what is named, and of size and time of the file."""
        return digest([self._named, file_state(self._path)])

    def _exists(self) -> bool:
        return self._path.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"setting": SETTING, "table": self._path.name}
