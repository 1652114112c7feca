"""Folders are listed once each: links are followed, loops end, clutter is passed over, losses are counted."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError
from faircmr.sources import FolderWalk, check_copies

DEEP = 4


def write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def listed(walk: FolderWalk, root: Path) -> dict[str, list[str]]:
    return {one.path.relative_to(root).as_posix(): sorted(one.files) for one in walk}


def test_folders_are_listed_in_the_order_of_their_names_to_a_depth(tmp_path: Path):
    for name in ("b/one.nii", "a/x/two.nii", "a/x/y/three.nii", "top.nii"):
        write(tmp_path / name)

    assert list(listed(FolderWalk(tmp_path, 2), tmp_path)) == [".", "a", "a/x", "b"]
    assert list(listed(FolderWalk(tmp_path, 0), tmp_path)) == ["."]
    assert [one.depth for one in FolderWalk(tmp_path, DEEP)] == [0, 1, 2, 3, 1]


def test_clutter_is_passed_over(tmp_path: Path):
    for name in ("__MACOSX/a/._a.nii", "__macosx/b.nii", ".git/c.nii", "a/.DS_Store", "a/._a.nii", "a/a.nii"):
        write(tmp_path / name)

    assert listed(FolderWalk(tmp_path, DEEP), tmp_path) == {".": [], "a": ["a.nii"]}


def test_below_a_leaf_nothing_is_listed(tmp_path: Path):
    write(tmp_path / "subject" / "Info.cfg")
    write(tmp_path / "subject" / "older" / "Info.cfg")

    walk = FolderWalk(tmp_path, DEEP, is_leaf=lambda listing: "Info.cfg" in listing.files)

    assert listed(walk, tmp_path) == {".": [], "subject": ["Info.cfg"]}


def test_links_to_files_and_folders_are_followed(tmp_path: Path):
    store = tmp_path / "store"
    write(store / "person" / "deeper" / "a.nii")
    farm = tmp_path / "farm"
    farm.mkdir()
    (farm / "b").symlink_to(store / "person")
    (farm / "c.nii").symlink_to(store / "person" / "deeper" / "a.nii")

    walk = FolderWalk(farm, DEEP)

    assert listed(walk, farm) == {".": ["c.nii"], "b": [], "b/deeper": ["a.nii"]}
    assert walk.omissions("source_root") == ()


@pytest.mark.parametrize(
    "target", [".", "..", "../..", "a"], ids=["itself", "above", "the root's parent", "next to it"]
)
def test_loops_end_and_no_folder_is_listed_twice(tmp_path: Path, target: str):
    root = tmp_path / "root"
    write(root / "a" / "one.nii")
    (root / "b").mkdir()
    (root / "b" / "loop").symlink_to(root / "b" / target if target.startswith(".") else root / target)

    walk = FolderWalk(root, DEEP)
    found = list(walk)

    assert sum("one.nii" in listing.files for listing in found) == 1
    assert len({os.path.realpath(listing.path) for listing in found}) == len(found)
    assert walk.repeated >= 1
    assert any("listed already" in str(one) for one in walk.omissions("source_root"))


def test_a_folder_that_is_there_is_preferred_to_a_link_to_it(tmp_path: Path):
    write(tmp_path / "z" / "z.nii")
    (tmp_path / "a").symlink_to(tmp_path / "z")

    assert list(listed(FolderWalk(tmp_path, 1), tmp_path)) == [".", "z"]


def test_a_broken_link_is_a_file_where_its_name_is_that_of_a_scan_and_is_counted_elsewhere(tmp_path: Path):
    for name in ("scan.nii.gz", "patient005", "notes.txt", "._x.nii"):
        (tmp_path / name).symlink_to(tmp_path / "gone")
    (tmp_path / "self").symlink_to(tmp_path / "self")

    walk = FolderWalk(tmp_path, 1)

    assert listed(walk, tmp_path) == {".": ["scan.nii.gz"]}
    (omission,) = walk.omissions("source_root")
    assert omission.count == walk.broken == 3
    assert "find -L <source_root> -type l" in omission.reason


def test_pipes_and_links_to_devices_are_no_files(tmp_path: Path):
    os.mkfifo(tmp_path / "a.nii")
    (tmp_path / "b.nii").symlink_to("/dev/zero")
    (tmp_path / "c.nii").symlink_to(tmp_path / "a.nii")

    assert listed(FolderWalk(tmp_path, 1), tmp_path) == {".": []}


def test_a_closed_folder_is_counted_and_the_others_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "a" / "a.nii")
    write(tmp_path / "b" / "b.nii")
    scandir = os.scandir

    def closed(path: Path) -> object:
        if path == tmp_path / "a":
            raise PermissionError
        return scandir(path)

    monkeypatch.setattr(os, "scandir", closed)
    walk = FolderWalk(tmp_path, 1)

    assert listed(walk, tmp_path) == {".": [], "b": ["b.nii"]}
    (omission,) = walk.omissions("source_root")
    assert (omission.what, omission.count) == ("folders", 1)


def test_a_folder_that_vanishes_is_counted(tmp_path: Path):
    write(tmp_path / "a" / "a.nii")
    write(tmp_path / "b" / "b.nii")
    walk = FolderWalk(tmp_path, 1)
    listing = iter(walk)
    next(listing)
    (tmp_path / "a" / "a.nii").unlink()
    (tmp_path / "a").rmdir()

    assert [one.path.name for one in listing] == ["b"]
    assert walk.closed == 1


def test_an_absent_root_has_no_folders(tmp_path: Path):
    assert list(FolderWalk(tmp_path / "gone", 1)) == []


def test_listing_again_counts_anew(tmp_path: Path):
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    walk = FolderWalk(tmp_path, 1)

    assert [len(list(walk)), walk.broken, len(list(walk)), walk.broken] == [1, 1, 1, 1]


def test_copies_are_refused_with_their_number():
    check_copies(0, "source_root")
    with pytest.raises(InvalidCohortError, match=r"source_root: 2 scans have two files, .*; one file a scan; remove"):
        check_copies(2, "source_root")


PLACES = st.sampled_from(["a", "b", "a/c", "a/c/d", "b/e", "b/e/f"])


@given(links=st.lists(st.tuples(PLACES, PLACES | st.just("."), st.sampled_from(["x", "y", "z.nii"])), max_size=8))
@settings(max_examples=100, deadline=None)
def test_any_links_between_folders_end_and_lose_no_file(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[str, str, str]]
):
    root = tmp_path_factory.mktemp("links")
    places = ("a/c/d", "b/e/f")
    for number, place in enumerate(places):
        write(root / place / f"{number}.nii")
    for place, target, name in links:
        if not (root / place / name).is_symlink():
            (root / place / name).symlink_to(root / target)

    found = list(FolderWalk(root, DEEP))

    assert len({os.path.realpath(listing.path) for listing in found}) == len(found)
    files = [name for listing in found for name in listing.files]
    assert sorted(files) == [f"{number}.nii" for number in range(len(places))]
