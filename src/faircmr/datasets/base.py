"""Base classes of the data sets of a study, and atomic updates of folders with many files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Generic, TypeVar

from kedro.io import AbstractDataset

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.core.host import check_lease, is_content, remove_durably, sync_folder, write_atomically, write_error

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class HTMLPreview(str):
    """Markup that Kedro-Viz shows beside a data set; it knows it by the name of this class."""

    __slots__ = ()


class Previewed:
    """A data set that Kedro-Viz can describe, and look into where that is permitted.

    How it looks is decided in :mod:`faircmr.datasets.previews`, which no data set imports: what is imported counts as
    the code of results, and no result is stale because it is shown in another way.
    """

    def preview(self, about: str = "", show: str = "nobody") -> HTMLPreview:
        """What the data set is, and the beginning of what it holds.

        Args:
            about: What it is; the first line of the class's description by default.
            show: Whose data may be looked into: ``synthetic``, ``everybody`` or ``nobody``.

        Raises:
            InvalidParameterError: ``show`` is none of these.
        """
        # named in parts: a name in full would count as code of the data set
        previews = import_module(f"{__package__}.previews")
        return HTMLPreview(previews.preview_of(self, about, show))


class StudyDataset(Previewed, AbstractDataset[_In, _Out], Generic[_In, _Out]):
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
        return {"filepath": shown_path(self._filepath)}


def shown_path(path: Path) -> str:
    """A path for people to read: from the current folder, or from a folder of another study; never absolute."""
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else Path(*path.parts[-3:])).as_posix()


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


ASIDE = ".incoming"


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A place for new parts, which is gone afterwards: where work fails, the folder stays as it was.

    Args:
        folder: The folder that the parts are for.

    Yields:
        The place; parts lie there as they are to lie in the folder.
    """
    aside = folder / ASIDE
    shutil.rmtree(aside, ignore_errors=True)
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def publish(aside: Path, manifest: Path, content: bytes, obsolete: Iterable[Path]) -> None:
    """Move new parts into place, remove old ones, and write the manifest last.

    Args:
        aside: What :func:`staged` gave.
        manifest: In the folder of the parts; without it the folder counts as unfinished.
        content: The new manifest.
        obsolete: Parts that it no longer lists; folders that they leave empty go with them.

    Raises:
        OutputError: The folder cannot be written.
    """
    remove_durably(manifest)
    parts = sorted(path for path in aside.rglob("*") if path.is_file())
    targets = {part: manifest.parent / part.relative_to(aside) for part in parts if is_content(part, aside)}
    try:
        for part, target in targets.items():
            check_lease(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            part.replace(target)
        for folder in {target.parent for target in targets.values()}:
            sync_folder(folder)
    except OSError as error:
        raise write_error(manifest.parent, error) from None
    for path in obsolete:
        remove_durably(path)
        _remove_empty(path.parent, manifest.parent)
    write_atomically(manifest, content)


def _remove_empty(folder: Path, top: Path) -> None:
    with suppress(OSError):  # the first that is not empty ends it
        while folder != top:
            folder.rmdir()
            folder = folder.parent
