"""Files of one piece: text (SVG), bytes (PNG), and parameter models as readable JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from faircmr.core.errors import FaircmrError, InvalidParameterError, OutputError
from faircmr.core.files import write_whole
from faircmr.core.parameters import Parameters
from faircmr.core.validation import invalid, known_paths
from faircmr.datasets.base import StudyDataset, import_named

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
        write_whole(self._filepath, data)


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
        write_whole(self._filepath, data.encode())


class JsonModelDataset(StudyDataset[Parameters, Parameters]):
    """A parameter model, such as the plans: short enough to be read, and edited by hand.

    Args:
        filepath: The JSON file.
        model: Dotted path of the model, e.g. ``faircmr.segmentation.plans.Plans``.
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
        write_whole(self._filepath, f"{text}\n".encode())

    def _complaint(self, error: ValidationError, kind: type[Parameters]) -> FaircmrError:
        name = self._filepath.name
        if error.errors()[0]["type"] in NO_OBJECT:
            return OutputError(name, "damaged", f"the JSON of {kind.__name__}", REDO)
        wrong = invalid(error, name, known_paths(kind, name))
        return InvalidParameterError(wrong.offender, wrong.value, wrong.permitted, wrong.remedy or MEND)

    def _describe(self) -> dict[str, Any]:
        return {**super()._describe(), "model": self._model}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise OutputError(path.name, "missing or not readable", "a whole file", REDO) from None
