"""An archive is read without unpacking it, or refused whole in words that name no member."""

from __future__ import annotations

import io
import struct
import traceback
import tracemalloc
from contextlib import suppress
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScanError
from faircmr.sources import Archive, ArchiveLimits

CONTENT = bytes(range(256)) * 64
CENTRAL = b"PK\x01\x02"


def zipped(members, method=ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "7234567_20209_2_0.zip"
    path.write_bytes(zipped([("7234567.dcm", CONTENT), ("folder/", b""), ("folder/manifest.csv", b"a,b")]))
    return path


def all_members(path, limits):
    with Archive(path, limits) as archive:
        return [archive.read(name) for name in archive.names]


def refusal(path, limits=None):
    with pytest.raises(InvalidScanError) as error:
        all_members(path, limits or ArchiveLimits())
    # neither message nor traceback gives a name away
    assert "7234567" not in "".join(traceback.format_exception(error.value, limit=0))
    assert error.value.offender == "scan"
    return str(error.value)


def changed_directory(content: bytes, offset: int, value: bytes) -> bytes:
    """The archive with a field of its first directory entry overwritten (APPNOTE 4.3.12)."""
    at = content.index(CENTRAL) + offset
    return content[:at] + value + content[at + len(value) :]


def test_lists_files_and_reads_them_whole_or_their_beginning(path):
    with Archive(path) as archive:
        assert archive.names == ("7234567.dcm", "folder/manifest.csv")
        assert archive.read("7234567.dcm") == CONTENT
        assert archive.head("7234567.dcm", 300) == CONTENT[:300]
        assert archive.head("folder/manifest.csv", 300) == b"a,b"


@pytest.mark.parametrize(
    "name",
    ["../7234567", "a/../../b", "/etc/7234567", "C:\\7234567", "c:7234567", "a\\..\\b", "\\\\server\\share\\b", "\\b"],
)
def test_refuses_names_that_point_out_of_it(path, name):
    path.write_bytes(zipped([("good.dcm", CONTENT), (name, b"x")]))

    assert "absolute names or names with '..'" in refusal(path)


def test_what_macos_adds_when_it_zips_a_folder_anew_is_no_member(path):
    extra = ["__MACOSX/._1.dcm", "__MACOSX/x/1.dcm", "x/._1.dcm", "x/.DS_Store"]
    path.write_bytes(zipped([("x/1.dcm", CONTENT), ("./2.dcm", CONTENT), *((name, b"\0\5\26\7") for name in extra)]))

    with Archive(path) as archive:
        assert archive.names == ("x/1.dcm", "./2.dcm")


def test_refuses_two_members_of_one_name(path):
    with pytest.warns(UserWarning, match="Duplicate"):
        path.write_bytes(zipped([("7234567.dcm", b"a"), ("7234567.dcm", b"b")]))

    assert refusal(path).startswith("scan: names that stand in the archive twice: 1; every name once")


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (ArchiveLimits(members=2), "has 3 members; at most 2"),
        (ArchiveLimits(member_bytes=16_383), "a member has 16384 bytes; at most 16383"),
        (ArchiveLimits(total_bytes=16_386), "have 16387 bytes together; at most 16386"),
        (ArchiveLimits(ratio=10.0), "inflates 4[0-9] times; at most 10 times"),
    ],
)
def test_refuses_more_than_the_limits_and_says_how_much(path, limits, words):
    with pytest.raises(InvalidScanError, match=words):
        Archive(path, limits)


def test_permits_exactly_the_limits(path):
    with Archive(path, ArchiveLimits(3, 16_384, 16_387, 50.0)) as archive:
        assert len(archive.names) == 2


def test_refuses_a_bomb_that_says_what_it_is(path):
    path.write_bytes(zipped([("bomb.dcm", bytes(2**24))]))

    assert "the archive inflates 1" in refusal(path)


def test_inflates_no_more_of_a_bomb_than_its_directory_promised(path):
    size = 2**25
    # 32 MB of zeros that call themselves 1 kB
    path.write_bytes(changed_directory(zipped([("bomb.dcm", bytes(size))]), 24, struct.pack("<L", 1000)))

    tracemalloc.start()
    words = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "a member of the archive is damaged" in words
    assert peak < size / 10


def test_refuses_a_member_that_is_shorter_than_it_promised(path):
    path.write_bytes(changed_directory(path.read_bytes(), 24, struct.pack("<L", len(CONTENT) + 1)))

    assert "a member of the archive is damaged" in refusal(path)


def test_refuses_a_directory_that_is_larger_than_any_of_images(path):
    path.write_bytes(zipped([(f"{number:050d}", b"") for number in range(100)]))

    assert "truncated or damaged" in refusal(path, ArchiveLimits(member_bytes=9_000))


@pytest.mark.parametrize("method", [ZIP_BZIP2, ZIP_LZMA])
def test_refuses_methods_that_cannot_be_inflated_in_steps(path, method):
    path.write_bytes(zipped([("7234567.dcm", CONTENT)], method))

    assert "compressed in an unusual way" in refusal(path)


def test_reads_members_that_are_stored(path):
    path.write_bytes(zipped([("7234567.dcm", CONTENT)], ZIP_STORED))

    with Archive(path) as archive:
        assert archive.read("7234567.dcm") == CONTENT


def test_refuses_an_encrypted_archive(path):
    path.write_bytes(changed_directory(path.read_bytes(), 8, b"\x01\x00"))

    assert "the archive is encrypted; an archive without a password" in refusal(path)


def test_refuses_an_archive_that_was_cut_off_anywhere(path):
    whole = path.read_bytes()

    for end in range(4, len(whole), 7):
        path.write_bytes(whole[:end])
        assert "the archive is truncated or damaged" in refusal(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"7234567 is no zip" * 10])
def test_refuses_what_is_no_archive(path, content):
    path.write_bytes(content)

    assert "the file is no zip archive" in refusal(path)


def test_refuses_a_member_without_a_name(path):
    path.write_bytes(zipped([("x", b"a")]).replace(b"x", b"\0"))

    assert "truncated or damaged" in refusal(path)


def test_refuses_a_missing_archive_and_a_folder(path):
    path.unlink()
    assert "the archive is missing" in refusal(path)
    path.mkdir()
    assert "the archive is missing" in refusal(path)


def test_refuses_a_flipped_bit(path):
    content = bytearray(path.read_bytes())
    content[80] ^= 4
    path.write_bytes(bytes(content))

    assert "a member of the archive is damaged" in refusal(path)


@given(st.dictionaries(st.integers(0, 600), st.integers(0, 255), min_size=1, max_size=4))
def test_reads_a_damaged_archive_or_refuses_it_as_every_other(tmp_path_factory, changes):
    content = bytearray(zipped([("one.dcm", CONTENT[:300]), ("two.dcm", b"b")]))
    for place, value in changes.items():
        content[place % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    path.write_bytes(bytes(content))

    with suppress(InvalidScanError), Archive(path) as archive:
        for name in archive.names:
            archive.head(name, 100)
            archive.read(name)
