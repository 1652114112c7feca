"""A folder in which a step may keep what it has not finished."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from faircmr.core.work_folder import WorkFolder
from faircmr.datasets.base import Previewed, shown_path


class WorkFolderDataset(Previewed, AbstractDataset[Never, WorkFolder]):
    """Tells a step where to work, and by which code work there must have been begun.

    The catalog sets the code before the folder is loaded.

    Args:
        filepath: The folder; it need not exist.
        of: Name of the data set that is made there.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    ignored_by_keys = True
    """Unfinished work determines no result."""

    def __init__(self, filepath: str, of: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.of = of
        self.code: str | None = None
        self.metadata = metadata

    def load(self) -> WorkFolder:
        """The folder, and the digest of the code that works in it.

        Raises:
            DatasetError: Nothing is being made: only a run knows the code.
        """
        if self.code is None:
            raise DatasetError(f"{self.of} is not being made: its work folder is open only while a run makes it")
        return WorkFolder(self._filepath, self.code)

    def save(self, data: Never) -> Never:
        """Refuse: whoever works in the folder writes there."""
        raise DatasetError("a work folder is written by the step that works in it")

    def files(self) -> list[Path]:
        """Nothing that a result consists of."""
        return []

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown_path(self._filepath), "of": self.of}
