"""Forms that programs and systems of this field give to whole files and folders.

Nothing here is cut off or damaged: headers place an image elsewhere, cells say in words that nothing is known, files
are links, compressed, or next to what an archive of macOS leaves.
"""

from __future__ import annotations

import codecs
import gzip
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from random import Random

import numpy as np

from tests.fuzz.fields import NIFTI_SIZE


@dataclass(frozen=True)
class Link:
    """A symbolic link in the place of a file or folder.

    Attributes:
        target: As the link has it: absolute, or below the folder of the link.
    """

    target: str


Entry = bytes | Link
Tree = Mapping[str, Entry]
"""Content of the files of a folder, or the links in their place, by path below it."""
Variant = Callable[[bytes, Random], bytes]
HIDDEN = ".linked"
"""Folder of what links point to: readers that look into every folder must not find it twice."""
MISSING = (
    b"NA",
    b"N/A",
    b"nan",
    b"NaN",
    b".",
    b"-",
    b"",
    b" ",
    b"#N/A",
    b"#DIV/0!",
    b"null",
    b"None",
    b"unknown",
    b"?",
)
NOT_QUITE_NUMBERS = (b"058Y", b'"1,5"', b"1.0", b"007", b"07", b"1e3", b" 61 ", b"<50", b"1.0000001", b"61 years")
WORDS = MISSING + NOT_QUITE_NUMBERS
SEPARATORS = (b",", b";", b"\t")
SIDECARS = ("._{name}", ".DS_Store", "__MACOSX/{folder}._{name}", "Thumbs.db", ".{name}.swp", "{name}.json")
NOWHERE = ("nowhere", "/nowhere/at/all", ".", "..", "/dev/null", "/dev/zero", "/dev/fd/0")
"""Targets of links that are broken, that contain themselves, or that are no files."""

# nifti1.h
DIM, BITPIX, PIXDIM, OFFSET, UNITS = 40, 72, 76, 108, 123
QFORM_CODE, SFORM_CODE, QUATERN, QOFFSET, SROW = 252, 254, 256, 268, 280
QUATERNIONS = ((0, 0, 0), (0, 0, 1), (1, 0, 0), (0.5, 0.5, 0.5), (0.9, 0.9, 0.9), (float("nan"), 0, 0))
CODES = (0, 0, 1, 1, 2, 4, 99)
UNIT_CODES = (0, 1, 2, 3, 8, 10, 18, 24, 255)
FACTORS = (1e3, 1e-3, 1e6, 1e-6, 10.0, -1.0)
LARGEST_IMAGE = 2**22
MOST_FILES = 64
"""A folder that has more of them is not doubled again."""


class Header:
    """Fields of a NIfTI-1 header, in the byte order of its file."""

    def __init__(self, content: bytes) -> None:
        self.content = bytearray(content)
        self.order = "<" if struct.unpack_from("<i", content)[0] == NIFTI_SIZE else ">"

    def get(self, form: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(self.order + form, self.content, at)

    def set(self, form: str, at: int, *values: float) -> None:
        try:
            struct.pack_into(self.order + form, self.content, at, *values)
        except (OverflowError, struct.error):  # a float beyond what 32 bits hold, or a count beyond 16
            return

    @property
    def shape(self) -> tuple[int, ...]:
        axes, *sizes = (int(size) for size in self.get("8h", DIM))
        return tuple(sizes[: min(max(axes, 0), 7)])

    @property
    def affine(self) -> np.ndarray:
        """Three rows of sform, or spacing alone where there is none."""
        if int(self.get("h", SFORM_CODE)[0]) > 0:
            return np.array(self.get("12f", SROW)).reshape(3, 4)
        return np.hstack([np.diag(self.get("3f", PIXDIM + 4)), np.zeros((3, 1))])

    def place(self, affine: np.ndarray, code: int = 1) -> None:
        """Write sform, and spacing of the same length."""
        self.set("12f", SROW, *affine.ravel())
        self.set("h", SFORM_CODE, code)
        self.set("3f", PIXDIM + 4, *np.sqrt((affine[:, :3] ** 2).sum(axis=0)))


def is_nifti(content: bytes) -> bool:
    return len(content) >= NIFTI_SIZE + 4 and NIFTI_SIZE in (
        int.from_bytes(content[:4], "little"),
        int.from_bytes(content[:4], "big"),
    )


def reorient(content: bytes, random: Random) -> bytes:
    """Axes flipped and swapped, voxels and affine together: the same image in space. Sometimes the affine alone."""
    header = Header(content)
    affine = header.affine
    order = random.sample(range(3), 3) if random.random() < 0.5 else [0, 1, 2]
    signs = [random.choice((1, -1)) for _ in range(3)]
    shape = header.shape
    if len(shape) < 3:
        return content
    with np.errstate(all="ignore"):
        moved = affine[:, order] * signs
        lengths = [max(shape[axis] - 1, 0) * (sign < 0) for axis, sign in zip(order, signs, strict=True)]
        origin = affine[:, 3] + affine[:, order] @ np.array(lengths, float)
        turned = np.column_stack([moved, origin])
    voxels = _turned_voxels(header, order, signs) if random.random() < 0.75 else None
    if voxels is not None:
        start = int(header.get("f", OFFSET)[0])
        header.content[start : start + len(voxels)] = voxels
        header.set("3h", DIM + 2, *(shape[axis] for axis in order))
    header.place(turned)
    header.set("h", QFORM_CODE, 0)
    return bytes(header.content)


def _turned_voxels(header: Header, order: list[int], signs: list[int]) -> bytes | None:
    """Voxels on other axes; ``None`` where they are not all there."""
    shape, (offset,), (bits,) = header.shape, header.get("f", OFFSET), header.get("h", BITPIX)
    size = int(bits) // 8
    if not (size > 0 and min(shape) > 0 and NIFTI_SIZE <= offset < len(header.content)):
        return None
    count = int(np.prod(np.array(shape, dtype=np.float64)).clip(max=2.0**40))
    start = int(offset)
    if count * size > min(LARGEST_IMAGE, len(header.content) - start):
        return None
    voxels = np.frombuffer(bytes(header.content[start : start + count * size]), dtype=f"V{size}")
    image = voxels.reshape(shape, order="F")
    others = tuple(range(3, len(shape)))
    turned = image.transpose((*order, *others))[tuple(slice(None, None, sign) for sign in signs)]
    return turned.tobytes(order="F")


def shift(content: bytes, random: Random) -> bytes:
    """The origin moves: by whole voxels, by parts of one, far away, or to no number."""
    header = Header(content)
    affine, axis = header.affine, random.randrange(3)
    steps = random.choice((1.0, -4.0, 0.5, 1e-3, 1e-6, 1e4, 1e30, float("nan"), float("inf")))
    with np.errstate(all="ignore"):
        affine[:, 3] += steps * affine[:, axis]
    header.place(affine, random.choice(CODES[2:]))
    header.set("3f", QOFFSET, *affine[:, 3])
    return bytes(header.content)


def shear(content: bytes, random: Random) -> bytes:
    """Axes that are oblique, dependent, or of no length."""
    header = Header(content)
    affine, (one, other) = header.affine, random.sample(range(3), 2)
    with np.errstate(all="ignore"):
        affine[:, one] += random.choice((1e-6, 1e-3, 0.1, 1.0)) * affine[:, other]
    if random.random() < 0.3:
        affine[:, one] = random.choice((affine[:, other], np.zeros(3)))
    header.place(affine)
    return bytes(header.content)


def declare_forms(content: bytes, random: Random) -> bytes:
    """Another code of qform and sform, another side of pixdim[0], another quaternion."""
    header = Header(content)
    header.set("2h", QFORM_CODE, random.choice(CODES), random.choice(CODES))
    header.set("f", PIXDIM, random.choice((0.0, 1.0, -1.0, 0.5, float("nan"))))
    quaternion = random.choice(
        ((0, 0, 0), (0, 0, 1), (1, 0, 0), (0.5, 0.5, 0.5), (0.9, 0.9, 0.9), (float("nan"), 0, 0))
    )
    header.set("3f", QUATERN, *quaternion)
    return bytes(header.content)


def change_units(content: bytes, random: Random) -> bytes:
    """Spacing in metres or micrometres, said so or not; a unit that is said of millimetres."""
    header = Header(content)
    if random.random() < 0.75:
        factor = random.choice(FACTORS)
        spacing, affine = np.array(header.get("3f", PIXDIM + 4)), header.affine
        with np.errstate(all="ignore"):
            header.set("3f", PIXDIM + 4, *(spacing * factor))
            header.set("12f", SROW, *(affine * factor).ravel())
    if random.random() < 0.75:
        header.set("B", UNITS, random.choice(UNIT_CODES))
    return bytes(header.content)


def add_axis(content: bytes, random: Random) -> bytes:
    """One or more axes of size 1, at the end or instead of the frames."""
    header = Header(content)
    shape = (*header.shape, *[1] * random.choice((1, 1, 2)))[:7]
    if random.random() < 0.2:
        shape = (*shape[:3], 1)
    header.set("8h", DIM, len(shape), *shape, *[1] * (7 - len(shape)))
    return bytes(header.content)


def replace_cells(content: bytes, random: Random) -> bytes:
    """One cell of a column, some, or all, are a word for what is missing or are not quite a number."""
    lines = content.split(b"\n")
    separator = max(SEPARATORS, key=lines[0].count)
    column = random.randrange(lines[0].count(separator) + 1)
    share, word = random.choice((0.2, 0.5, 1.0)), random.choice(WORDS)
    first = random.choice((1, 1, 1, 0))
    rows = [line.split(separator) for line in lines]
    for row in rows[first:]:
        if column < len(row) and random.random() < share:
            row[column] = word + (b"\r" if row[column].endswith(b"\r") else b"")
    return b"\n".join(separator.join(row) for row in rows)


def add_bom(content: bytes, random: Random) -> bytes:
    """A byte order mark, with or without the encoding that it stands for; lines that end in CRLF."""
    text = content.replace(b"\n", b"\r\n") if random.random() < 0.5 else content
    if random.random() < 0.7:
        return codecs.BOM_UTF8 + text
    return codecs.BOM_UTF16_LE + text.decode("latin-1").encode("utf-16-le")


OF_NIFTI: tuple[Variant, ...] = (reorient, shift, shear, declare_forms, change_units, add_axis)
OF_TEXT: tuple[Variant, ...] = (replace_cells, replace_cells, add_bom)


def vary_content(content: bytes, random: Random) -> bytes:
    """Another form of a NIfTI image, or of a text."""
    return random.choice(OF_NIFTI if is_nifti(content) else OF_TEXT)(content, random)


def vary_tree(tree: Tree, random: Random) -> Tree:
    """Another form of a folder with the same data, or with links that lead nowhere."""
    name = random.choice(sorted(tree))
    return random.choice(OF_TREES)(dict(tree), name, random)


def change_case(tree: dict[str, Entry], name: str, random: Random) -> Tree:
    """The suffix of one file, or of all files, in capitals."""
    change = random.choice((str.upper, str.title, str.swapcase))
    names = [name] if random.random() < 0.5 else list(tree)
    return {_with_suffixes(each, change) if each in names else each: tree[each] for each in tree}


def compress(tree: dict[str, Entry], name: str, random: Random) -> Tree:
    """A file is compressed or is no longer, and its name says so or does not."""
    content = tree[name]
    if not isinstance(content, bytes):
        return tree
    compressed = content.startswith(b"\x1f\x8b")
    other = name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz"
    try:
        changed = gzip.decompress(content) if compressed else gzip.compress(content, 1, mtime=0)
    except (OSError, EOFError, ValueError, zlib.error):
        changed = content
    kept = tree if random.random() < 0.2 else {each: tree[each] for each in tree if each != name}
    return {**kept, random.choice((other, other, name)): random.choice((changed, changed, content))}


def add_sidecars(tree: dict[str, Entry], name: str, random: Random) -> Tree:
    """What systems and archives leave next to one file, or next to every file."""
    everywhere = random.random() < 0.5 and len(tree) <= MOST_FILES
    names, form = (list(tree) if everywhere else [name]), random.choice(SIDECARS)
    added = {}
    for each in names:
        folder, _, last = each.rpartition("/")
        inside = form.format(name=last, folder=f"{folder}/" if folder else "")
        whole = inside if inside.startswith("__MACOSX") or not folder else f"{folder}/{inside}"
        added[whole] = random.choice((b"\0\5\26\7" + bytes(100), b"", tree[each]))
    return {**added, **tree}


def link_file(tree: dict[str, Entry], name: str, random: Random) -> Tree:
    """A link to the file in its place."""
    stored = f"{HIDDEN}/{name}"
    return {**{each: tree[each] for each in tree if each != name}, stored: tree[name], name: _link(name, stored)}


def link_folder(tree: dict[str, Entry], name: str, random: Random) -> Tree:
    """A link to a folder in its place."""
    folders = [str(folder) for folder in PurePosixPath(name).parents if str(folder) != "."]
    if not folders:
        return link_file(tree, name, random)
    folder = random.choice(folders)
    moved = {f"{HIDDEN}/{each}" if each.startswith(f"{folder}/") else each: tree[each] for each in tree}
    return {**moved, folder: _link(folder, f"{HIDDEN}/{folder}")}


def link_nowhere(tree: dict[str, Entry], name: str, random: Random) -> Tree:
    """A link that is broken, in the place of a file or next to it, or that leads back to a folder above it."""
    target = random.choice((*NOWHERE, PurePosixPath(name).name))
    place = random.choice((name, f"{name}.link", f"{PurePosixPath(name).parent}/again".removeprefix("./")))
    return {**tree, place: Link(target)}


def _link(place: str, target: str) -> Link:
    return Link("../" * place.count("/") + target)


def _with_suffixes(name: str, change: Callable[[str], str]) -> str:
    folder, slash, last = name.rpartition("/")
    stem, suffixes = re.fullmatch(r"(.[^.]*)(.*)", last, re.DOTALL).groups() if last else ("", "")
    return f"{folder}{slash}{stem}{change(suffixes)}"


OF_TREES: tuple[Callable[[dict[str, Entry], str, Random], Tree], ...] = (
    change_case,
    compress,
    add_sidecars,
    link_file,
    link_folder,
    link_nowhere,
)
