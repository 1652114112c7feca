"""Digests follow content and nothing else."""

import pandas as pd

from faircmr.core import Parameters, digest_of_parameters, digest_of_table, json_digest, text_digest


class Schedule(Parameters):
    epochs: int
    learning_rate: float = 0.01


def test_equal_parameters_have_equal_digests():
    assert digest_of_parameters(Schedule(epochs=3)) == digest_of_parameters(Schedule(epochs=3, learning_rate=0.01))


def test_one_changed_value_changes_the_digest():
    assert digest_of_parameters(Schedule(epochs=3)) != digest_of_parameters(Schedule(epochs=4))


def test_a_table_is_its_columns_and_its_rows_in_order():
    table = pd.DataFrame({"subject_id": ["sub-0001", "sub-0002"], "split": ["train", "test"]})

    assert digest_of_table(table) == digest_of_table(table.copy())
    assert digest_of_table(table) != digest_of_table(table[::-1])
    assert digest_of_table(table) != digest_of_table(table.rename(columns={"split": "fold"}))


def test_digests_are_the_first_digits_of_sha_256():
    """The example of FIPS 180-2: the digest of ``abc``."""
    assert text_digest("abc", 8) == "ba7816bf"
    assert len(text_digest("abc")) == 32


def test_the_order_of_keys_does_not_count():
    assert json_digest({"a": 1, "b": [2]}) == json_digest({"b": [2], "a": 1}) != json_digest({"a": 1, "b": [3]})
