"""Text, bytes and parameter models in one file each."""

import pytest
from kedro.io import DatasetError

from faircmr.core.errors import InvalidParameterError, OutputError
from faircmr.core.splitting import SplitParameters
from faircmr.datasets import BytesDataset, JsonModelDataset, TextDataset

MODEL = "faircmr.core.splitting.SplitParameters"


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


@pytest.mark.parametrize("content", ['{"seed": 7', '{"sed": 7}', "[]"])
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

    error = cause_of(JsonModelDataset(str(tmp_path / "split.json"), model="faircmr.core.splitting.Split").load)

    assert isinstance(error, InvalidParameterError)
