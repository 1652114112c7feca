"""Is a file a pickle, or does it hold one? Nothing that is found is run."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle  # noqa: TID251 - what is looked for
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Never

SUFFIXES = {".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".h5", ".npz", ".bin"}
OBJECTS = (b"'descr': '|O'", b"'descr': 'O'")
"""How NumPy's files say that a pickle follows."""


class _PickleError(Exception):
    """A pickle asks for a class or function."""


class _Refusing(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Never:
        # a text that begins with c asks for something as well: "check,status" names no module
        if all(part.isidentifier() for part in f"{module}.{name}".split(".")):
            raise _PickleError
        raise pickle.UnpicklingError


def is_pickle(content: bytes) -> bool:
    """Whether it loads as a pickle; whatever it asks for is refused."""
    try:
        _Refusing(io.BytesIO(content)).load()
    except _PickleError:
        return True
    except Exception:  # noqa: BLE001 - what is not a pickle may raise anything
        # cut off before its end it is one all the same
        return len(content) > 2 and content[:1] == b"\x80" and content[1] in range(2, 6)
    return True


def pickles_in(path: Path) -> list[str]:
    """What gives a file away: its name, itself, or a member of it."""
    named = [f"{path.name}: its name"] if path.suffix in SUFFIXES else []
    return named + [f"{path.name}: {part}" for part, content in parts_of(path.read_bytes()) if _holds_objects(content)]


def parts_of(content: bytes) -> Iterator[tuple[str, bytes]]:
    """A file as it is, decompressed, and the members of an archive."""
    yield "itself", content
    for module in (gzip, bz2, lzma):
        try:
            yield module.__name__, module.decompress(content)  # type: ignore[attr-defined]
        except (OSError, EOFError, lzma.LZMAError, zlib.error, ValueError):
            continue
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for member in archive.namelist():
                yield member, archive.read(member)


def _holds_objects(content: bytes) -> bool:
    return is_pickle(content) or (content.startswith(b"\x93NUMPY") and any(one in content[:256] for one in OBJECTS))
