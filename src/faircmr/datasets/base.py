"""What every data set of a study has in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset

from faircmr.core.errors import InvalidCohortError, InvalidParameterError

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class StudyDataset(AbstractDataset[_In, _Out], Generic[_In, _Out]):
    """A data set that lies below ``data_root`` and can list its files.

    Args:
        filepath: File or folder.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def files(self) -> list[Path]:
        """Every file that the data set consists of, as far as they are known."""
        return [self._filepath]

    def _exists(self) -> bool:
        files = self.files()
        return bool(files) and all(file.is_file() for file in files)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath.as_posix()}


def import_named(path: str, setting: str) -> Any:
    """What a dotted path in the catalog names.

    Args:
        path: E.g. ``faircmr.sources.acdc.Acdc``.
        setting: The setting that holds it, for the error.

    Raises:
        InvalidParameterError: There is nothing of this name.
    """
    module, _, name = path.rpartition(".")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        permitted = "the dotted path of a class that is there"
        raise InvalidParameterError(setting, repr(path), permitted, "correct its spelling, or write it") from None


@contextmanager
def no_paths_in_errors(root: str) -> Iterator[None]:
    """Say of a folder or table that cannot be read what is wrong with it, and not where it lies.

    Args:
        root: The setting that names the folder.

    Raises:
        InvalidCohortError: In the place of an error of the operating system.
    """
    try:
        yield
    except OSError as error:
        raise InvalidCohortError(
            root, error.strerror or "cannot be read", "folders and tables that can be read", "mend them there"
        ) from None
