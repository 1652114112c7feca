"""Data sets that are single files (text, bytes, JSON), and the work folder of an unfinished output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError
from pydantic import ValidationError

from faircmr.core import FaircmrError, InvalidParameterError, OutputError, Parameters, known_paths, parameter_error
from faircmr.core.host import WorkFolder, write_atomically
from faircmr.datasets.base import Previewed, StudyDataset, import_named, shown_path

REDO = "delete it and run its pipeline again"
MEND = "mend it, or delete the file and run its pipeline again"
NO_OBJECT = {"json_invalid", "model_type"}
"""What pydantic calls a file that is cut off, and one that holds something else."""
INNERMOST_LIST = re.compile(r'\[(\n[^][{}"]*)\]')


class BytesDataset(StudyDataset[bytes, bytes]):
    """Bytes, such as a PNG."""

    def load(self) -> bytes:
        """Read the file."""
        return _read(self._filepath)

    def save(self, data: bytes) -> None:
        """Write the file."""
        write_atomically(self._filepath, data)


class TextDataset(StudyDataset[str, str]):
    """Text in UTF-8, such as an SVG."""

    def load(self) -> str:
        """Read the file."""
        try:
            return _read(self._filepath).decode()
        except UnicodeDecodeError:
            raise OutputError(self._filepath.name, "damaged", "text in UTF-8", REDO) from None

    def save(self, data: str) -> None:
        """Write the file."""
        write_atomically(self._filepath, data.encode())


class JsonModelDataset(StudyDataset[Parameters, Parameters]):
    """A parameter model, such as the plans: short enough to be read, and edited by hand.

    Args:
        filepath: The JSON file.
        model: Dotted path of the model, e.g. ``faircmr.segmentation.network.plans.Plans``.
        metadata: For tools such as Kedro-Viz; not used here.

    Attributes:
        edits_count: Tells the catalog that the file stays as somebody has edited it, and that what is
            made from it is made anew.
    """

    edits_count = True

    def __init__(self, filepath: str, model: str, metadata: dict[str, Any] | None = None) -> None:
        super().__init__(filepath, metadata)
        self._model = model

    def load(self) -> Parameters:
        """Read the file and check it."""
        kind: type[Parameters] = import_named(self._model, "model")
        try:
            return kind.model_validate_json(_read(self._filepath))
        except ValidationError as error:
            raise self._complaint(error, kind) from None

    def save(self, data: Parameters) -> None:
        """Write the file, one value a line; a list of numbers is one value."""
        text = INNERMOST_LIST.sub(lambda found: f"[{' '.join(found[1].split())}]", data.model_dump_json(indent=2))
        write_atomically(self._filepath, f"{text}\n".encode())

    def _complaint(self, error: ValidationError, kind: type[Parameters]) -> FaircmrError:
        name = self._filepath.name
        if error.errors()[0]["type"] in NO_OBJECT:
            return OutputError(name, "damaged", f"the JSON of {kind.__name__}", REDO)
        wrong = parameter_error(error, name, known_paths(kind, name))
        return InvalidParameterError(wrong.offender, wrong.value, wrong.permitted, wrong.remedy or MEND)

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "model": self._model}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise OutputError(path.name, "missing or not readable", "a whole file", REDO) from None


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
