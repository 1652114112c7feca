"""List folders and read zip archives: hidden files are skipped, unreadable ones counted, nothing is unpacked.

Every reader lists its files in this way. Nothing but folders is opened: a file is told from a pipe or a device by
what the system says of it, and only links cost a call of their own.

Everything that the directory of an archive promises is checked before the first member is read, and no member
is inflated beyond what it promised: ``zipfile`` stops where it is told to, and checks the CRC there.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path, PureWindowsPath
from types import TracebackType
from typing import Self
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.user_input import is_clutter, is_nifti

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
        self._seen.update(identity for listed in self._listed if (identity := _folder_identity(listed)) is not None)
        self._listed.clear()
        identity = _folder_identity(path)
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


def _folder_identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


LOCAL_HEADER = b"PK\x03\x04"
ENCRYPTED = 0x1
INFLATED_IN_STEPS = frozenset({ZIP_STORED, ZIP_DEFLATED})
"""Methods that ``zipfile`` inflates piece by piece; of bzip2 and LZMA it inflates all that a piece holds."""
DAMAGE = (BadZipFile, OSError, EOFError, LookupError, NotImplementedError, RuntimeError, ValueError, OverflowError)
"""What ``zipfile`` raises of a damaged archive, besides ``zlib.error`` and ``struct.error``."""
WHOLE = "a whole zip archive"


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold.

    A short-axis study of UK Biobank (field 20209) is about 50 phases x 10 slices of 208 x 187 pixels of 16 bits
    and a manifest: 500 members of 0.1 MB, 50 MB in all. The defaults are ten times that and more.

    Attributes:
        members: Entries.
        member_bytes: Uncompressed bytes of one member; also the largest piece that is read of the file at once.
        total_bytes: Uncompressed bytes of all members.
        ratio: Uncompressed over compressed bytes of all members; images shrink to a half, tables to a tenth.
    """

    members: int = 10_000
    member_bytes: int = 16 * 2**20
    total_bytes: int = 2**30
    ratio: float = 100.0


LIMITS = ArchiveLimits()


class Archive:
    """An open archive; to be used by one thread, and closed.

    Attributes:
        names: Names of the files within, in the order of the archive; hidden ones and those below ``__MACOSX``,
            which macOS adds when it zips a folder anew, are left out.
    """

    def __init__(self, path: Path, limits: ArchiveLimits = LIMITS) -> None:
        """Open an archive and refuse what no bulk download of images is.

        Args:
            path: The zip file.
            limits: How much it may hold.

        Raises:
            InvalidScanError: It is missing, damaged, encrypted or no zip; it holds more than the limits permit,
                the same name twice, or a name that points out of it. The offender is ``scan``.
        """
        self._file = _open_archive(path, limits.member_bytes)
        try:
            self._zip = ZipFile(self._file)
            _check(self._zip.infolist(), limits)
            self.names = tuple(
                member.filename
                for member in self._zip.infolist()
                if not member.is_dir() and not any(map(is_clutter, PureWindowsPath(member.filename).parts))
            )
        except (*DAMAGE, zlib.error, struct.error):
            is_zip = _starts_as_zip(self._file)
            self._file.close()
            found = "the archive is truncated or damaged" if is_zip else "the file is no zip archive"
            raise InvalidScanError("scan", found, WHOLE, "download it again") from None
        except InvalidScanError:
            self._file.close()
            raise

    def head(self, name: str, size: int) -> bytes:
        """The first bytes of a member, all of it where it is shorter; nothing beyond them is inflated.

        Raises:
            InvalidScanError: The member is damaged.
        """
        try:
            with self._zip.open(name) as member:
                return member.read(size)
        except (*DAMAGE, zlib.error, struct.error):
            raise _damaged_member() from None

    def read(self, name: str) -> bytes:
        """All of a member, its length and CRC checked.

        Raises:
            InvalidScanError: The member is damaged.
        """
        size = self._zip.getinfo(name).file_size
        # asked for all, zipfile would inflate all that there is before it looks at what was promised
        content = self.head(name, size)
        if len(content) != size:
            raise _damaged_member()
        return content

    def close(self) -> None:
        """Let go of the file."""
        self._zip.close()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _CautiousFile(io.BufferedReader):
    """Reads no piece that is larger than a member may be: a directory of that size is none of images."""

    def __init__(self, raw: io.FileIO, largest: int) -> None:
        super().__init__(raw)
        self._largest = largest

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._largest:
            raise BadZipFile
        return super().read(size)


def _open_archive(path: Path, largest: int) -> _CautiousFile:
    # a pipe would be waited for without end
    if not path.is_file():
        raise InvalidScanError("scan", "the archive is missing", "a zip archive for every listed scan")
    try:
        return _CautiousFile(io.FileIO(path), largest)
    except OSError:
        raise InvalidScanError("scan", "the archive cannot be read", "an archive that this user may read") from None


def _starts_as_zip(file: _CautiousFile) -> bool:
    file.seek(0)
    return file.read(len(LOCAL_HEADER)) == LOCAL_HEADER


def _check(members: list[ZipInfo], limits: ArchiveLimits) -> None:
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise _archive_error(
            f"names that stand in the archive twice: {len(names) - len(set(names))}", "every name once"
        )
    if any(_is_outside_archive(member.filename) or _is_outside_archive(member.orig_filename) for member in members):
        raise _archive_error(
            "the archive holds absolute names or names with '..'", "names below the archive's own folder"
        )
    if any(member.flag_bits & ENCRYPTED for member in members):
        raise InvalidScanError("scan", "the archive is encrypted", "an archive without a password", "decrypt it first")
    if any(member.compress_type not in INFLATED_IN_STEPS for member in members):
        raise InvalidScanError("scan", "the archive is compressed in an unusual way", "deflate", "zip it anew")
    _check_sizes(members, limits)


def _check_sizes(members: list[ZipInfo], limits: ArchiveLimits) -> None:
    largest = max((member.file_size for member in members), default=0)
    total, packed = sum(member.file_size for member in members), sum(member.compress_size for member in members)
    if len(members) > limits.members:
        raise _archive_error(f"the archive has {len(members)} members", f"at most {limits.members}")
    if largest > limits.member_bytes:
        raise _archive_error(f"a member has {largest} bytes", f"at most {limits.member_bytes}")
    if total > limits.total_bytes:
        raise _archive_error(f"the members have {total} bytes together", f"at most {limits.total_bytes}")
    if total > limits.ratio * packed:
        found = f"the archive inflates {total / max(packed, 1):.0f} times"
        raise _archive_error(found, f"at most {limits.ratio:.0f} times")


def _is_outside_archive(name: str) -> bool:
    # the rules of Windows know of both slashes, of drives and of servers
    path = PureWindowsPath(name)
    return bool(path.drive or path.root) or ".." in path.parts


def _archive_error(found: str, permitted: str) -> InvalidScanError:
    return InvalidScanError("scan", found, permitted, "this is no archive of images: download it again")


def _damaged_member() -> InvalidScanError:
    return InvalidScanError("scan", "a member of the archive is damaged", WHOLE, "download it again")
