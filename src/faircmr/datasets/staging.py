"""Folders of many files that change as one: new parts are written aside, the manifest last."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from faircmr.core.files import cannot_write, check_lease, is_content, remove, sync_folder, write_whole

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
    remove(manifest)
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
        raise cannot_write(manifest.parent, error) from None
    for path in obsolete:
        remove(path)
        _remove_empty(path.parent, manifest.parent)
    write_whole(manifest, content)


def _remove_empty(folder: Path, top: Path) -> None:
    with suppress(OSError):  # the first that is not empty ends it
        while folder != top:
            folder.rmdir()
            folder = folder.parent
