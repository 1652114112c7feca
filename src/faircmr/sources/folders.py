"""Files of a folder and of those below it: links are followed, loops end, clutter is passed over, losses are counted.

Every reader lists its files in this way. Nothing but folders is opened: a file is told from a pipe or a device by
what the system says of it, and only links cost a call of their own.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from faircmr.core.errors import InvalidCohortError
from faircmr.core.file_names import is_clutter, is_nifti
from faircmr.core.omissions import Omission

Identity = tuple[int, int]
"""Device and inode of a folder: the same by whatever path it is reached."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder.

    Attributes:
        path: The root, or a path below it.
        depth: Folders between the root and this one; 0 for the root itself.
        files: Names of its files, and of links to files. A broken link is among them where its name is that of a
            scan: whoever reads it says that the file is missing, which costs one scan.
    """

    path: Path
    depth: int
    files: frozenset[str]


class FolderWalk:
    """The folders below a root, each listed once, also where several links lead to it.

    Folders that are really there come before those that a link leads to; both are in the order of their names.
    Iterating again lists again. The counts are complete after an iteration.

    Attributes:
        broken: Links that lead nowhere or to themselves, and are not named as a scan.
        closed: Folders that this user may not list.
        repeated: Links to folders that are listed by another path already.
    """

    def __init__(
        self,
        root: Path,
        deepest: int,
        *,
        is_data: Callable[[str], bool] = is_nifti,
        is_leaf: Callable[[Listing], bool] = lambda _: False,
    ) -> None:
        """Remember what to list; nothing is listed yet.

        Args:
            root: Where to begin; it may be absent.
            deepest: Levels of folders below the root that are listed; 0 for the root alone.
            is_data: Whether a name is that of a scan, an archive or another file that stands for a subject.
            is_leaf: Whether the folders below a folder are not to be listed.
        """
        self._root, self._deepest = root, deepest
        self._is_data, self._is_leaf = is_data, is_leaf
        self._restart()

    def __iter__(self) -> Iterator[Listing]:
        """List the folders.

        Raises:
            OSError: The root cannot be listed.
        """
        self._restart()
        if self._root.is_dir():
            yield from self._tree(self._root, 0)
        while self._links:
            path, depth = self._links.popleft()
            if self._is_new(path):
                yield from self._tree(path, depth)

    def omissions(self, setting: str) -> tuple[Omission, ...]:
        """What the last iteration left out.

        Args:
            setting: Parameter that names the root.
        """
        counts = (
            ("symbolic links", self.broken, f"they lead nowhere; find -L <{setting}> -type l lists them"),
            ("folders", self.closed, f"this user may not read them; find <{setting}> -type d ! -readable lists them"),
            ("symbolic links", self.repeated, "they lead to folders that are listed already"),
        )
        return tuple(Omission(what, count, None, reason) for what, count, reason in counts if count)

    def _restart(self) -> None:
        self.broken = self.closed = self.repeated = 0
        self._links: deque[tuple[Path, int]] = deque()
        self._listed: list[Path] = []
        self._seen: set[Identity] = set()
        self._follows_links = False

    def _tree(self, top: Path, depth: int) -> Iterator[Listing]:
        """The folder and those below it that no link leads to; links are kept for later."""
        waiting = [(top, depth)]
        while waiting:
            path, depth = waiting.pop()
            if self._follows_links and path != top and not self._is_new(path):
                continue
            try:
                listing, folders, links = self._listing(path, depth)
            except OSError:
                if path == self._root:
                    raise
                self.closed += 1
                continue
            if not self._follows_links:
                self._listed.append(path)
            yield listing
            if depth < self._deepest and not self._is_leaf(listing):
                waiting += [(path / name, depth + 1) for name in sorted(folders, reverse=True)]
                self._links += [(path / name, depth + 1) for name in sorted(links)]

    def _listing(self, path: Path, depth: int) -> tuple[Listing, list[str], list[str]]:
        """A folder's files, the names of its folders, and the names of its links to folders."""
        files: list[str] = []
        folders: list[str] = []
        links: list[str] = []
        with os.scandir(path) as entries:
            for entry in entries:
                if is_clutter(entry.name):
                    continue
                kind = _kind(entry)
                if kind is _Kind.FILE or (kind is _Kind.BROKEN and self._is_data(entry.name)):
                    files.append(entry.name)
                elif kind is _Kind.FOLDER:
                    (links if entry.is_symlink() else folders).append(entry.name)
                elif kind is _Kind.BROKEN:
                    self.broken += 1
        return Listing(path, depth, frozenset(files)), folders, links

    def _is_new(self, path: Path) -> bool:
        """Whether a folder is not listed yet; only where there are links to folders does this cost anything."""
        self._follows_links = True
        self._seen.update(identity for listed in self._listed if (identity := _identity(listed)) is not None)
        self._listed.clear()
        identity = _identity(path)
        if identity in self._seen:
            self.repeated += 1
            return False
        if identity is not None:
            self._seen.add(identity)
        return True


def check_copies(count: int, setting: str) -> None:
    """Refuse scans of which two files are there, as ``.nii`` and as ``.nii.gz``: they may differ.

    Args:
        count: Scans with two files.
        setting: Parameter that names the folder.

    Raises:
        InvalidCohortError: There are some.
    """
    if count:
        raise InvalidCohortError(
            setting,
            f"{count} scans have two files, which differ in the suffix only (.nii, .nii.gz, upper or lower case)",
            "one file a scan",
            "remove one of the two",
        )


class _Kind(Enum):
    FILE = auto()
    FOLDER = auto()
    BROKEN = auto()
    OTHER = auto()


def _kind(entry: os.DirEntry[str]) -> _Kind:
    try:
        if entry.is_file():
            return _Kind.FILE
        if entry.is_dir():
            return _Kind.FOLDER
        if entry.is_symlink():
            entry.stat()
    except OSError:
        return _Kind.BROKEN
    # a pipe, a device or a socket: opening it may wait without end
    return _Kind.OTHER


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
