"""What tables of several data sets say of people."""

from __future__ import annotations

import warnings

import pandas as pd
import pytest

from faircmr.sources import frame_numbers


# 1e999 is read as infinity, which no integer holds, and 1e308 is whole
@pytest.mark.parametrize("cell", ["", "five", "-1", "1.5", "inf", "-inf", "nan", "1e999", "1e308", "10001", "9" * 5000])
def test_a_frame_is_a_whole_number_that_a_cine_may_have(cell: str):
    table = pd.DataFrame({"ED": ["0", cell, "12.0", "10000"]})

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = frame_numbers(table, "ED")

    assert found.dropna().to_dict() == {0: 0.0, 2: 12.0, 3: 10_000.0}


def test_a_table_without_the_column_names_no_frame():
    assert frame_numbers(pd.DataFrame({"id": ["a"]}), "ES").isna().all()
