"""Damage reaches what lies within containers, and never leaves the folder that it is meant for."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path, PurePosixPath
from random import Random
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.examining import write_tree
from tests.fuzz.fields import damage_field
from tests.fuzz.mutating import MUTATORS, OPENS_NOT, fit_name, mutated, mutated_tree


def members_of(content: bytes) -> dict[str, bytes] | None:
    """Members whose checksums agree, or ``None`` where the archive is damaged."""
    try:
        with ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except OPENS_NOT:
        return None


def test_most_damage_to_an_archive_lies_within_it():
    (whole,) = seeds.archive().values()
    damaged = [members_of(mutated(whole, Random(number))) for number in range(200)]

    readable = [members for members in damaged if members is not None]
    assert 100 < len(readable) < 200, "some archives are damaged themselves"
    assert sum(members != members_of(whole) for members in readable) > 80


def test_damage_to_a_compressed_file_passes_its_checksum_most_of_the_time():
    content = gzip.compress(bytes(range(200)), mtime=0)

    changed = 0
    for number in range(200):
        try:
            changed += gzip.decompress(mutated(content, Random(number))) != bytes(range(200))
        except OPENS_NOT:
            continue
    assert changed > 80


def test_fields_of_each_format_are_found():
    (dicom, *_), (nifti, _) = (
        list(tree.values()) for tree in (seeds.dicom_files("1.2.840.10008.1.2.1"), seeds.scan(".nii"))
    )

    for content, first in ((dicom, 132), (nifti, 0)):
        places = {
            place
            for number in range(300)
            for place, (before, after) in enumerate(zip(content, damage_field(content, Random(number)), strict=True))
            if before != after
        }
        assert min(places) >= first
        assert len(places) > 20


@given(st.integers(0, 2**32), st.binary(max_size=300))
def test_every_mutator_takes_every_content(seed, content):
    for mutator in MUTATORS:
        assert isinstance(mutator(content, Random(seed)), bytes)


@given(st.binary(max_size=600).map(os.fsdecode))
def test_names_fit_into_a_folder(name):
    path = PurePosixPath(fit_name(name))

    assert not path.is_absolute()
    assert ".." not in path.parts
    assert all(0 < len(os.fsencode(part)) <= 200 for part in path.parts)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_folder_is_written_below_its_root(seed, tmp_path: Path):
    write_tree(tmp_path / "root", mutated_tree(seeds.nnunet(), Random(seed)))

    assert [path.name for path in tmp_path.iterdir()] == ["root"]
    assert any((tmp_path / "root").rglob("*"))
