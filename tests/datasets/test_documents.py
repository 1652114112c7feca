"""Text, bytes and parameter models in one file each."""

import re

import pytest
from kedro.io import DatasetError

from faircmr.core import InvalidParameterError, OutputError
from faircmr.core.study import SplitParameters
from faircmr.datasets import BytesDataset, JsonModelDataset, TextDataset
from tests.segmentation.phantoms import plans_of

MODEL = "faircmr.core.study.splitting.SplitParameters"


def cause_of(call):
    with pytest.raises(DatasetError) as error:
        call()
    return error.value.__cause__


def test_text_comes_back_as_it_was_saved(tmp_path):
    dataset = TextDataset(str(tmp_path / "figure.svg"))

    dataset.save("<svg>Puyol-Antón</svg>\n")

    assert dataset.load() == "<svg>Puyol-Antón</svg>\n"


def test_bytes_come_back_as_they_were_saved(tmp_path):
    dataset = BytesDataset(str(tmp_path / "figure.png"), metadata={"kedro-viz": {"layer": "reporting"}})

    dataset.save(b"\x89PNG\r\n")

    assert dataset.load() == b"\x89PNG\r\n"
    assert dataset.exists()
    assert dataset.metadata == {"kedro-viz": {"layer": "reporting"}}


def test_a_model_comes_back_as_it_was_saved_and_can_be_read(tmp_path):
    dataset = JsonModelDataset(str(tmp_path / "split.json"), model=MODEL)
    parameters = SplitParameters(seed=7, method="kfold")

    dataset.save(parameters)

    assert dataset.load() == parameters
    assert '\n  "seed": 7,\n' in (tmp_path / "split.json").read_text()


def test_a_list_of_numbers_stands_in_one_line(tmp_path):
    dataset = JsonModelDataset(str(tmp_path / "plans.json"), model="faircmr.segmentation.network.plans.Plans")
    plans = plans_of()

    dataset.save(plans)

    assert dataset.load() == plans
    assert '\n  "patch": [16, 16],\n' in (tmp_path / "plans.json").read_text()
    assert "\n    [2, 2],\n" in (tmp_path / "plans.json").read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"sed": 7}', r"split\.json\.sed: 7; there is no such name; did you mean split\.json\.seed\?"),
        ('{"folds": 1}', r"split\.json\.folds: 1; .*greater than or equal to 2; mend it, or delete the file"),
    ],
)
def test_says_which_value_of_an_edited_model_is_wrong(tmp_path, content, said):
    (tmp_path / "split.json").write_text(content)

    error = cause_of(JsonModelDataset(str(tmp_path / "split.json"), model=MODEL).load)

    assert isinstance(error, InvalidParameterError)
    assert re.match(said, str(error)), error


@pytest.mark.parametrize("content", ['{"seed": 7', "", "[]"])
def test_refuses_a_damaged_model(tmp_path, content):
    (tmp_path / "split.json").write_text(content)

    error = cause_of(JsonModelDataset(str(tmp_path / "split.json"), model=MODEL).load)

    assert isinstance(error, OutputError)
    assert str(error).startswith("split.json: damaged; the JSON of SplitParameters; delete it")


def test_says_that_a_file_is_missing(tmp_path):
    dataset = TextDataset(str(tmp_path / "figure.svg"))

    assert not dataset.exists()
    assert "figure.svg: missing" in str(cause_of(dataset.load))


def test_names_a_model_that_is_none(tmp_path):
    (tmp_path / "split.json").write_text("{}")

    error = cause_of(JsonModelDataset(str(tmp_path / "split.json"), model="faircmr.core.study.splitting.Split").load)

    assert isinstance(error, InvalidParameterError)
