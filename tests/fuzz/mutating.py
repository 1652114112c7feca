"""Damage to files: what is drawn from one generator is the same in every run.

Gzip streams and zip archives are opened, damaged within and closed again most of the time: their checksums would
hide whatever reads their content. Some files and folders are not damaged but have another form
(:mod:`tests.fuzz.variants`).
"""

from __future__ import annotations

import gzip
import io
import os
import re
import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from random import Random
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from tests.fuzz.fields import damage_field
from tests.fuzz.tokens import TOKENS
from tests.fuzz.variants import Link, Tree, vary_content, vary_tree

Mutator = Callable[[bytes, Random], bytes]
INSIDE, NAMES, FORMS = 0.75, 0.08, 0.15
"""How often a container is opened, a name is damaged instead of a content, and a folder gets another form."""
STACKED = (1, 1, 1, 2, 3, 6)
"""How many damages a file gets; each number as often as the others."""
LARGEST = 4 * 2**20
"""Bytes that a damaged file may grow to; bombs are tested by name."""
DELIMITERS = (b"<", b"\n", b",", b"\t", b'"', b" ", b"\0", b"=")
LONGEST_NAME = 200
"""Bytes; file systems take 255."""
NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
OPENS_NOT = (OSError, EOFError, ValueError, zlib.error, struct.error, BadZipFile, LookupError, RuntimeError)
"""What is raised of a container that is damaged itself; NotImplementedError is a RuntimeError."""


def mutated_tree(tree: Tree, random: Random) -> Tree:
    """A folder with one file damaged, renamed, missing or twice, or with its files in another form."""
    if random.random() < FORMS:
        tree = vary_tree(tree, random)
        if random.random() < 0.5:
            return tree
    return _damaged_tree(tree, random)


def _damaged_tree(tree: Tree, random: Random) -> Tree:
    names = sorted(tree)
    name, action = random.choice(names), random.random()
    content = tree[name]
    if isinstance(content, Link):
        return {**tree, name: Link(fit_name(_damaged_name(content.target, random)))}
    if len(names) == 1 or action > 2 * NAMES:
        return {**tree, name: mutated(content, random)}
    others = {each: tree[each] for each in names if each != name}
    if action > NAMES:
        return others if random.random() < 0.5 else {**tree, fit_name(_damaged_name(name, random)): content}
    return {**others, fit_name(_damaged_name(name, random)): content}


def mutated(content: bytes, random: Random) -> bytes:
    """A damaged file; a container may be damaged within and is then whole itself."""
    for _ in range(random.choice(STACKED)):
        inside = _opened(content, random) if random.random() < INSIDE else None
        content = random.choice(MUTATORS)(content, random) if inside is None else inside
    return content[:LARGEST]


def fit_name(name: str) -> str:
    """The nearest path that a file system takes, below its folder."""
    parts = [part.replace("\0", "") for part in name.split("/")]
    cut = [os.fsdecode(os.fsencode(part)[:LONGEST_NAME]) for part in parts if part not in {"", ".", ".."}]
    return "/".join(cut[:6]) or "_"


def _opened(content: bytes, random: Random) -> bytes | None:
    """The container with its content damaged, or ``None`` where this is none."""
    try:
        if content.startswith(b"\x1f\x8b"):
            return gzip.compress(mutated(gzip.decompress(content), random), 1, mtime=0)
        if content.startswith(b"PK"):
            return _damaged_zip(content, random)
    except OPENS_NOT:
        return None
    return None


def _damaged_zip(content: bytes, random: Random) -> bytes:
    with ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place = random.randrange(len(members))
    name, inner = members[place]
    action = random.random()
    if action < NAMES:
        members[place] = (_damaged_name(name, random), inner)
    elif action < 2 * NAMES:
        members[place : place + 1] = random.choice([[], [(name, inner), (f"{name}.dcm", inner)]])
    else:
        members[place] = (name, mutated(inner, random))
    return _zipped(members, random.choice((ZIP_DEFLATED, ZIP_STORED)))


def _zipped(members: Sequence[tuple[str, bytes]], method: int) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), ZipFile(stream, "w") as archive:
        warnings.filterwarnings("ignore", "Duplicate name", UserWarning)
        for name, content in members:
            # without the time of day; zipfile writes no bytes that are not UTF-8
            archive.writestr(ZipInfo(name.encode("utf-8", "replace").decode() or "_"), content, method)
    return stream.getvalue()


def _damaged_name(name: str, random: Random) -> str:
    return os.fsdecode(random.choice(MUTATORS)(os.fsencode(name), random))


def flip_bit(content: bytes, random: Random) -> bytes:
    if not content:
        return content
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def overwrite(content: bytes, random: Random) -> bytes:
    start, end = _piece(content, random)
    return content[:start] + random.randbytes(end - start) + content[end:]


def truncate(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def cut_out(content: bytes, random: Random) -> bytes:
    start, end = _piece(content, random)
    return content[:start] + content[end:]


def splice(content: bytes, random: Random) -> bytes:
    """A piece stands at another place too."""
    (start, end), at = _piece(content, random), random.randrange(len(content) + 1)
    return content[:at] + content[start:end] * random.choice((1, 1, 2, 50)) + content[at:]


def insert_token(content: bytes, random: Random) -> bytes:
    at = random.choice((0, random.randrange(len(content) + 1), len(content)))
    return content[:at] + random.choice(TOKENS) + content[at:]


def overwrite_token(content: bytes, random: Random) -> bytes:
    token, at = random.choice(TOKENS), random.randrange(len(content) + 1)
    return content[:at] + token + content[at + len(token) :]


def replace_number(content: bytes, random: Random) -> bytes:
    """One number of a text is another, or none."""
    found = list(NUMBER.finditer(content[:LARGEST]))
    if not found:
        return insert_token(content, random)
    match = random.choice(found)
    return content[: match.start()] + random.choice(TOKENS) + content[match.end() :]


def rearrange(content: bytes, random: Random) -> bytes:
    """One part of a text is missing, twice, or in another's place."""
    delimiter = random.choice(DELIMITERS)
    parts = content.split(delimiter)
    one, other = random.randrange(len(parts)), random.randrange(len(parts))
    changed: Sequence[Sequence[bytes]] = (
        parts[:one] + parts[one + 1 :],
        parts[:one] + [parts[other]] + parts[one:],
        parts[:one] + [parts[other]] + parts[one + 1 :],
        parts[:one] + [random.choice(TOKENS)] + parts[one + 1 :],
    )
    return delimiter.join(random.choice(changed))


def _piece(content: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(content) + 1)
    longest = random.choice((1, 4, 64, max(len(content), 1)))
    return start, min(len(content), start + random.randrange(1, longest + 1))


MUTATORS: tuple[Mutator, ...] = (
    flip_bit,
    overwrite,
    truncate,
    cut_out,
    splice,
    insert_token,
    overwrite_token,
    replace_number,
    rearrange,
    # twice: it gets furthest into a parser
    damage_field,
    damage_field,
    # more often still: what comes of them is whole, so that it is read to its end
    vary_content,
    vary_content,
    vary_content,
    vary_content,
)
