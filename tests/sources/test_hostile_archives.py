"""Archives that are made to do harm: one participant is rejected with a reason, the others go on, nothing gets out."""

from __future__ import annotations

import io
import re
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from faircmr.core import InvalidScanError
from faircmr.sources.ukbb import Ukbb, UkbbParameters, read_annotation
from tests.sources.ukbb.biobank import IDS, contours_of, write_biobank

GOOD, BAD = IDS[:2]
IMAGES, CONTOURS = "20209_2_0", "cvi42"
NAME = f"{BAD}_2_0.cvi42wsx"
ENTITIES = "".join(f'<!ENTITY e{level} "{f"&e{level - 1};" * 10}">' for level in range(1, 10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e0 "ha">{ENTITIES}]><w>&e9;</w>'
"""Ten to the ninth laughs (CVE-2003-1564)."""
STOLEN = '<?xml version="1.0"?><!DOCTYPE w [<!ENTITY e SYSTEM "file:///etc/passwd">]><w>&e;</w>'


def zipped(*members: tuple[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def encrypted(content: bytes) -> bytes:
    """Bit 0 of the flags in the first entry of the directory (APPNOTE 4.4.4)."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + b"\x01\x00" + content[at + 2 :]


def promising(content: bytes, size: int) -> bytes:
    """Uncompressed size in the first entry of the directory (APPNOTE 4.4.9)."""
    at = content.index(b"PK\x01\x02") + 24
    return content[:at] + struct.pack("<L", size) + content[at + 4 :]


HARM: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "out of it": (IMAGES, lambda _: zipped(("../../../etc/7234567", b"x")), "absolute names or names with '..'"),
    "out of it from Windows": (IMAGES, lambda _: zipped((f"..\\{BAD}.dcm", b"x")), "absolute names or names with '..'"),
    "absolute": (CONTOURS, lambda _: zipped((f"/tmp/{NAME}", contours_of(BAD))), "absolute names or names with '..'"),
    "bomb": (IMAGES, lambda _: zipped((f"{BAD}.dcm", bytes(2**24 - 1))), "inflates [0-9]+ times; at most 100"),
    "large member": (IMAGES, lambda _: zipped((f"{BAD}.dcm", bytes(2**24 + 1))), "a member has 16777217 bytes"),
    "bomb that lies": (CONTOURS, lambda _: promising(zipped((NAME, bytes(2**25))), 3_000), "a member .* is damaged"),
    "bomb in a bomb": (IMAGES, lambda whole: zipped((f"{BAD}.dcm", whole)), "a file is damaged or no DICOM"),
    "encrypted": (IMAGES, encrypted, "the archive is encrypted"),
    "truncated": (IMAGES, lambda whole: whole[:-30], "truncated or damaged"),
    "empty": (CONTOURS, lambda _: b"", "no zip archive"),
    "no member": (CONTOURS, lambda _: zipped(), "holds 0 workspaces"),
    "two workspaces": (CONTOURS, lambda _: zipped((NAME, "a"), (f"x{NAME}", "b")), "holds 2 workspaces"),
    "laughs": (CONTOURS, lambda _: zipped((NAME, LAUGHS)), "declares a document type"),
    "stolen": (CONTOURS, lambda _: zipped((NAME, STOLEN)), "declares a document type"),
    "100 MB of XML": (CONTOURS, lambda _: zipped((NAME, b"<w>" + b" " * 10**8)), "a member has 100000003 bytes"),
    "nested": (CONTOURS, lambda _: zipped((NAME, "<w>" * 100_000)), "nested too deeply"),
    "marks": (CONTOURS, lambda _: zipped((NAME, "".join(f"<w a='{n}'/>" for n in range(800_000)))), "begin something"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_biobank(tmp_path / "biobank", (GOOD, BAD))


@pytest.mark.parametrize(("kind", "harm", "reason"), HARM.values(), ids=HARM)
def test_one_is_rejected_and_the_others_go_on(root: Path, kind: str, harm: Callable[[bytes], bytes], reason: str):
    path = root / "bulk" / BAD[-2:] / f"{BAD}_{kind}.zip"
    path.write_bytes(harm(path.read_bytes()))
    before = listed(root.parent)
    source = Ukbb(root, UkbbParameters(workers=1))

    source.prepare(root.parent / "own")

    rejected = source.rejected()
    assert list(rejected) == [BAD]
    assert re.search(reason, rejected[BAD].reason)
    assert not re.search(f"{BAD}|7234567", rejected[BAD].reason)
    assert {eid for eid, _ in source.scan_files()} == {GOOD}
    made = [name for name in listed(root.parent) if not name.startswith("own")]
    assert made == before
    # of the one who is rejected nothing is kept but the record of why
    assert len([name for name in listed(root.parent / "own") if name.endswith(".nii.gz")]) == 4


def listed(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_100_mb_of_xml_are_not_even_inflated(tmp_path: Path):
    path = tmp_path / "contours.zip"
    path.write_bytes(zipped((NAME, b"<w>" + b" " * 10**8)))

    tracemalloc.start()
    with pytest.raises(InvalidScanError, match="a member has 100000003 bytes; at most 33554432"):
        read_annotation(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2**20


def test_links_that_lead_out_of_the_source_are_read_and_never_written_through(root: Path, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    for path in sorted((root / "bulk").rglob("*.zip")):
        path.symlink_to(path.rename(outside / path.name))
    (root / "bulk" / "again").symlink_to(root, target_is_directory=True)
    (root / "bulk" / f"{IDS[2]}_{IMAGES}.zip").symlink_to(tmp_path / "nothing")
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    source = Ukbb(root, UkbbParameters(workers=1))

    source.prepare(tmp_path / "own")

    assert {eid for eid, _ in source.scan_files()} == {GOOD, BAD}
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before
    assert not (tmp_path / "nothing").exists()
