"""Study keys last as long as the study, whoever joins or leaves."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidCohortError
from faircmr.core.study import UNLABELLED, assign_file_keys, empty_key_table, keep_source_ids
from faircmr.core.study.keys import assign_keys, assign_pseudonyms

source_ids = st.text("0123456789ab", min_size=1, max_size=7)
cohorts = st.sets(source_ids, max_size=12)


def paths_of(ids):
    return {source_id: f"{source_id}/image.nii.gz" for source_id in ids}


def as_dict(keys):
    return dict(zip(keys["source_id"], keys["subject_id"], strict=True))


def test_numbers_new_subjects_in_the_order_of_their_source_ids():
    keys = assign_keys(empty_key_table(), paths_of(["b", "a"]))

    assert keys.to_dict("list") == {
        "subject_id": ["sub-0001", "sub-0002"],
        "source_id": ["a", "b"],
        "path": ["a/image.nii.gz", "b/image.nii.gz"],
    }


def test_gives_a_new_subject_the_next_number_although_its_id_comes_first():
    before = assign_keys(empty_key_table(), paths_of(["b", "c"]))

    assert as_dict(assign_keys(before, paths_of(["a", "b", "c"]))) == {
        "b": "sub-0001",
        "c": "sub-0002",
        "a": "sub-0003",
    }


def test_reserves_the_key_of_a_subject_that_has_left():
    before = assign_keys(empty_key_table(), paths_of(["a", "b"]))
    without = assign_keys(before, paths_of(["a", "c"]))

    assert as_dict(without) == {"a": "sub-0001", "b": "sub-0002", "c": "sub-0003"}
    assert as_dict(assign_keys(without, paths_of(["b"])))["b"] == "sub-0002"


def test_follows_a_subject_to_a_new_path():
    before = assign_keys(empty_key_table(), {"a": "old"})

    assert assign_keys(before, {"a": "new"})["path"].tolist() == ["new"]


@pytest.mark.parametrize("first", ["sub", "new"])
@pytest.mark.parametrize("then", ["sub", "new"])
def test_new_subjects_have_the_next_number_whatever_keys_began_with(first, then):
    before = assign_keys(empty_key_table(), paths_of(["b", "c"]), first)

    keys = assign_keys(before, paths_of(["a", "b", "c"]), then)

    assert keys["subject_id"].tolist() == [f"{first}-0001", f"{first}-0002", f"{then}-0003"]
    assert as_dict(keys)["a"] == f"{then}-0003"


@given(cohorts, cohorts, cohorts)
def test_keys_of_unlabelled_subjects_are_never_those_of_the_cohort(cohort, unlabelled, later):
    of_cohort = assign_keys(empty_key_table(), paths_of(cohort))
    before = assign_keys(empty_key_table(), paths_of(unlabelled), UNLABELLED)
    after = assign_keys(before, paths_of(later), UNLABELLED)

    assert not set(of_cohort["subject_id"]) & set(after["subject_id"])
    assert as_dict(before).items() <= as_dict(after).items()


def test_files_that_are_left_out_are_numbered_by_path_and_keep_their_key():
    first = assign_file_keys(empty_key_table(), ["p/la.nii", "p/ao.nii"])
    second = assign_file_keys(first, ["p/gt.nii", "p/la.nii"])

    assert dict(zip(second["path"], second["subject_id"], strict=True)) == {
        "p/ao.nii": "file-0001",
        "p/la.nii": "file-0002",
        "p/gt.nii": "file-0003",
    }
    assert set(second["source_id"]) == {""}


def test_goes_on_after_four_digits_in_the_order_of_numbers():
    keys = assign_keys(empty_key_table(), paths_of(f"{number:05d}" for number in range(10_001)))

    assert keys["subject_id"].tolist()[-2:] == ["sub-10000", "sub-10001"]


@given(st.lists(cohorts, min_size=1, max_size=4))
def test_never_changes_a_key_and_never_gives_one_twice(history):
    keys, known = empty_key_table(), {}
    for ids in history:
        keys = assign_keys(keys, paths_of(ids))
        now = as_dict(keys)
        assert known.items() <= now.items()
        assert set(ids) <= now.keys()
        assert len(set(now.values())) == len(now)
        known = now


def test_keeps_the_ids_of_a_public_data_set():
    assert as_dict(keep_source_ids(paths_of(["patient001"]))) == {"patient001": "patient001"}


def test_refuses_to_keep_an_id_that_is_no_file_name_without_naming_it():
    with pytest.raises(InvalidCohortError, match=r"1 of 2 cannot be part of a file name.*entry to numbered") as error:
        keep_source_ids(paths_of(["a", "Jane Doe/1"]))
    assert "Jane" not in str(error.value)


def test_pseudonyms_depend_on_the_id_and_on_the_secret_alone():
    first = as_dict(assign_pseudonyms(paths_of(["a", "b"]), b"one secret of many"))

    assert as_dict(assign_pseudonyms(paths_of(["b", "c"]), b"one secret of many"))["b"] == first["b"]
    assert as_dict(assign_pseudonyms(paths_of(["a"]), b"another secret"))["a"] != first["a"]
    assert all(re.fullmatch("sub-[0-9a-f]{12}", key) for key in first.values())


def test_the_order_of_keys_is_that_of_ids_and_the_order_of_pseudonyms_is_not():
    """What SECURITY.md says of both (decision 0031)."""
    ids = [f"{number:07d}" for number in range(400)]
    numbered = as_dict(assign_keys(empty_key_table(), paths_of(reversed(ids))))
    named = as_dict(assign_pseudonyms(paths_of(ids), b"one secret of many"))

    assert sorted(ids, key=numbered.__getitem__) == ids
    ranks = np.argsort(np.argsort([named[source_id] for source_id in ids]))
    # 0.2 is four standard errors of a correlation of 400 pairs that is none
    assert abs(np.corrcoef(ranks, np.arange(len(ids)))[0, 1]) < 0.2


def test_refuses_pseudonyms_that_two_subjects_share(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faircmr.core.study.keys.pseudonym", lambda *_: "0" * 12)

    with pytest.raises(InvalidCohortError, match=r"two subjects share one; .*another secret"):
        assign_pseudonyms(paths_of(["a", "b"]), b"secret")
