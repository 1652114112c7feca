"""What was measured counts on the machine that it was measured on, and can be read on any."""

import pandas as pd
import pytest

from faircmr.core.host import this_machine
from faircmr.datasets import MeasuredTableDataset


@pytest.fixture
def dataset(tmp_path):
    return MeasuredTableDataset(str(tmp_path / "costs.csv"))


def test_is_there_on_the_machine_that_it_was_measured_on(dataset):
    assert not dataset.exists()

    dataset.save(pd.DataFrame({"seconds": [1.0], "machine": this_machine()}))

    assert dataset.exists()


@pytest.mark.parametrize(
    "table",
    [pd.DataFrame({"seconds": [1.0], "machine": "another one"}), pd.DataFrame({"seconds": [1.0]})],
    ids=["another machine", "no machine"],
)
def test_is_missing_anywhere_else_and_can_still_be_read(dataset, table):
    dataset.save(table)

    assert not dataset.exists()
    pd.testing.assert_frame_equal(dataset.load(), table)


def test_is_missing_where_it_is_damaged(dataset):
    dataset._filepath.write_bytes(b"")

    assert not dataset.exists()
