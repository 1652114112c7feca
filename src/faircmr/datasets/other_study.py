"""The catalog's entries for tables of another study; read, never written, and no part of this one."""

from __future__ import annotations

from typing import Any

import pandas as pd

from faircmr.core.errors import InvalidParameterError
from faircmr.datasets.audited import UserTableDataset
from faircmr.datasets.tables import TableDataset
from faircmr.sources.fingerprints import digest, file_state

SETTING = "compare_root"


class OtherStudyTableDataset(UserTableDataset):
    """A table of another study, where one is named.

    Args:
        filepath: The table.
        named: What the parameter says; ``None`` where it says nothing, and then the table need not be there.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, named: str | None, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, SETTING, metadata)
        self._named = named

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

    def fingerprint(self) -> str:
        """Digest of what is named, and of size and time of the file."""
        return digest([self._named, file_state(self._path)])
