"""The subjects of a study are named in one way from its first day on."""

from pathlib import Path

import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.core.study import empty_key_table, name_subjects, parse_naming
from faircmr.core.study.keys import Naming, Numbered, Pseudonyms, SourceIds

PATHS = {"patient001": "a.nii", "patient002": "b.nii"}
WAYS: list[Naming] = [Numbered(), SourceIds(), Pseudonyms(b"one secret"), Pseudonyms(b"another secret")]


@pytest.mark.parametrize("way", WAYS)
def test_goes_on_as_it_began(way: Naming):
    keys = name_subjects(empty_key_table(), PATHS, way, "cohort")

    assert name_subjects(keys, PATHS, way, "cohort").equals(keys)


@pytest.mark.parametrize("first", range(len(WAYS)))
@pytest.mark.parametrize("second", range(len(WAYS)))
def test_refuses_to_go_on_in_another_way(first: int, second: int):
    keys = name_subjects(empty_key_table(), PATHS, WAYS[first], "cohort")

    if first == second:
        assert WAYS[second].matches(keys)
        return
    with pytest.raises(InvalidCohortError, match=r"cohort\.names: not as this study has begun"):
        name_subjects(keys, PATHS, WAYS[second], "cohort")


def test_a_source_may_name_its_subjects_as_studies_do():
    keys = name_subjects(empty_key_table(), {"sub-0001": "a.nii"}, Numbered(), "cohort")

    assert SourceIds().matches(keys)
    assert Numbered().matches(keys)


def test_numbers_of_unlabelled_subjects_go_on_from_those_that_began_as_sub():
    keys = name_subjects(empty_key_table(), PATHS, Numbered(), "unlabelled")

    more = name_subjects(keys, {**PATHS, "patient003": "c.nii"}, parse_naming("numbered", "new"), "unlabelled")

    assert more["subject_id"].tolist() == ["sub-0001", "sub-0002", "new-0003"]
    assert Numbered().matches(more)


def test_chooses_by_the_catalogs_entry(tmp_path: Path):
    (tmp_path / "salt").write_text("a secret of sixteen or more")

    assert isinstance(parse_naming("numbered"), Numbered)
    assert isinstance(parse_naming("source_ids"), SourceIds)
    assert parse_naming({"salt_file": str(tmp_path / "salt")}) == Pseudonyms(b"a secret of sixteen or more")


@pytest.mark.parametrize("names", ["by_hand", {"salt": "x"}, {}, {"salt_file": "x", "other": "y"}])
def test_refuses_another_way(names: str | dict[str, str]):
    with pytest.raises(InvalidParameterError, match=r"names: .*; numbered, source_ids or \{salt_file: <path>\}"):
        parse_naming(names)


@pytest.mark.parametrize("value", ["salt", "./salt", "$SALT", "", None, 7, "None", "~nobody-of-this-name/salt"])
def test_a_salt_file_that_is_no_path_from_the_root_or_home_is_refused(value: object) -> None:
    with pytest.raises(InvalidParameterError, match=r"names\.salt_file: "):
        parse_naming({"salt_file": value})


def test_a_salt_file_may_be_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "salt").write_text("a secret of sixteen or more")

    assert parse_naming({"salt_file": "~/salt"}) == Pseudonyms(b"a secret of sixteen or more")
