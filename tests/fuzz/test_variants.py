"""Other forms of whole files and folders: the same data where that is meant, and links that stay below their folder."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path
from random import Random

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import seeds
from tests.fuzz.examining import write_tree
from tests.fuzz.mutating import mutated_tree
from tests.fuzz.variants import (
    MOST_FILES,
    OF_NIFTI,
    OF_TEXT,
    OF_TREES,
    UNITS,
    WORDS,
    Header,
    Link,
    add_axis,
    change_units,
    is_nifti,
    link_file,
    link_folder,
    link_nowhere,
    reorient,
    replace_cells,
    shift,
    vary_content,
    vary_tree,
)

MANY = 60


def image_of(content: bytes) -> nib.Nifti1Image:
    return nib.Nifti1Image.from_stream(io.BytesIO(content))


@pytest.fixture(scope="module")
def nifti() -> bytes:
    (content, *_) = seeds.scan_in_space().values()
    return gzip.decompress(content)


def in_space(content: bytes) -> np.ndarray:
    return np.asarray(nib.as_closest_canonical(image_of(content)).dataobj)


def test_most_reorientations_show_the_same_image_in_space(nifti: bytes):
    images = [image_of(reorient(nifti, Random(number))) for number in range(MANY)]

    whole = in_space(nifti)
    same = [np.array_equal(np.asarray(nib.as_closest_canonical(image).dataobj), whole) for image in images]
    assert MANY // 2 < sum(same) < MANY
    assert len({nib.aff2axcodes(image.affine) for image in images}) > 20


def test_shifts_are_of_whole_voxels_and_of_parts_of_one(nifti: bytes):
    spacing, origin = image_of(nifti).header.get_zooms()[:3], image_of(nifti).affine[:3, 3]
    moved = [Header(shift(nifti, Random(number))).affine[:, 3] - origin for number in range(MANY)]

    steps = {float(np.abs(np.divide(one, spacing)).max().round(3)) for one in moved if np.isfinite(one).all()}
    assert {1.0, 4.0, 0.5} <= steps


def test_units_and_spacing_change_together_and_apart(nifti: bytes):
    changed = [Header(change_units(nifti, Random(number))) for number in range(MANY)]

    spacing = {round(header.get("f", 80)[0], 6) for header in changed}
    assert {1.5, 1500.0, 0.0015} <= spacing
    assert {header.content[UNITS] & 7 for header in changed} >= {0, 1, 2, 3}


def test_axes_of_size_one_leave_the_voxels_as_they_were(nifti: bytes):
    images = [image_of(add_axis(nifti, Random(number))) for number in range(MANY)]

    assert {image.ndim for image in images} >= {4, 5}
    assert all(np.array_equal(np.asarray(image.dataobj).squeeze(), in_space_as_stored(nifti)) for image in images)


def in_space_as_stored(content: bytes) -> np.ndarray:
    return np.asarray(image_of(content).dataobj)


def test_cells_become_words_for_what_is_missing():
    (table,) = seeds.people_csv().values()
    cells = {
        cell
        for number in range(300)
        for line in replace_cells(table, Random(number)).splitlines()
        for cell in line.split(b",")
    }

    assert cells >= {word for word in WORDS if b"," not in word}


@given(st.integers(0, 2**32), st.binary(max_size=600))
def test_every_form_takes_every_content(seed: int, content: bytes):
    header = (348).to_bytes(4, "little") + content.ljust(400, b"\1")

    for variant in OF_TEXT:
        assert isinstance(variant(content, Random(seed)), bytes)
    for variant in OF_NIFTI:
        assert isinstance(variant(header, Random(seed)), bytes)
    assert is_nifti(header)
    assert isinstance(vary_content(content, Random(seed)), bytes)


@pytest.mark.parametrize("form", OF_TREES)
def test_every_form_of_a_folder_is_written_below_its_root(form, tmp_path: Path):
    for number in range(MANY):
        root = tmp_path / str(number) / "root"
        root.mkdir(parents=True)
        write_tree(root, form(dict(seeds.nnunet()), Random(number).choice(sorted(seeds.nnunet())), Random(number)))

        assert [path.name for path in root.parent.iterdir()] == ["root"]


@pytest.mark.parametrize("form", [link_file, link_folder])
def test_links_lead_to_the_same_data(form, tmp_path: Path):
    tree, name = seeds.nnunet(), "imagesTr/7000011_ED_0000.nii.gz"
    name = next(name for name in tree if name.startswith("imagesTr/"))
    write_tree(tmp_path, form(dict(tree), name, Random(0)))

    assert any(path.is_symlink() for path in tmp_path.rglob("*"))
    assert (tmp_path / name).read_bytes() == tree[name]


def test_other_links_are_broken_contain_themselves_or_are_no_files():
    tree, name = seeds.nnunet(), "dataset.json"
    forms = [link_nowhere(dict(tree), name, Random(number)) for number in range(MANY)]

    assert {entry.target for form in forms for entry in form.values() if isinstance(entry, Link)} > {"nowhere", name}


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_written_through_a_link(seed: int, tmp_path: Path):
    outside = tmp_path / "outside"
    outside.mkdir()
    tree = {"a": Link("../outside"), "a/b": Link("c"), "a/d": b"d", "e": Link(str(outside)), "e/f/g": Link("h")}
    names = Random(seed).sample(sorted(tree), len(tree))
    write_tree(tmp_path / "root", mutated_tree({name: tree[name] for name in names}, Random(seed)))

    assert list(outside.iterdir()) == []


def test_a_folder_with_links_is_varied_and_damaged_further():
    random, tree = Random(0), seeds.masks_in_space()

    for _ in range(300):
        tree = mutated_tree(vary_tree(tree, random), random) or seeds.masks_in_space()

    assert all(isinstance(entry, bytes | Link) for entry in tree.values())
    assert all(len(os.fsencode(name)) < 4000 for name in tree)
    assert len(tree) < 10 * MOST_FILES
