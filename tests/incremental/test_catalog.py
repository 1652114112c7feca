"""The catalog outside a run, on other machines, and for Kedro's own commands."""

import pickle  # noqa: TID251 - what Dask sends a catalog with

import pytest
from click.testing import CliRunner
from kedro.framework.cli.cli import KedroCLI
from kedro.io import MemoryDataset

from faircmr.incremental import IncrementalCatalog
from faircmr.incremental.receipts import Key, key_of
from tests.mini_study import MiniStudy

CONFIGURATION = {"{name}": {"type": "mini_study.datasets.Json", "filepath": "data/{name}.json"}}


def test_without_a_run_what_exists_is_what_lies_there(study: MiniStudy) -> None:
    catalog = IncrementalCatalog.from_config(CONFIGURATION)

    assert catalog.exists("numbers")
    assert not catalog.exists("squares")


def test_saving_outside_a_run_leaves_no_receipt_of_what_was_there(study: MiniStudy) -> None:
    study.run()
    catalog = IncrementalCatalog.from_config(CONFIGURATION)

    catalog.save("doubled", [2, 4, 7])

    assert key_of(catalog["doubled"]) is None
    assert study.run() == ["double"]


def test_saves_with_receipts_on_a_machine_to_which_it_is_sent(study: MiniStudy) -> None:
    here = IncrementalCatalog.from_config(CONFIGURATION)
    here.expected = {"squares": Key("data", "code")}
    there = pickle.loads(pickle.dumps(here))  # noqa: S301 - our own bytes

    there.save("squares", [1, 4, 9])

    assert here.exists("squares")
    here.expected = {"squares": Key("other data", "code")}
    assert not here.exists("squares")


class Parts(MemoryDataset):
    """Redoes of itself only what other code has made."""

    code: str | None = None


def test_tells_a_data_set_made_in_parts_by_which_code_they_must_be_made() -> None:
    parts = Parts()
    catalog = IncrementalCatalog({"parts": parts})
    catalog.expected = {"parts": Key("data", "code")}

    catalog.save("parts", [1])
    assert parts.code == "code"

    catalog.keeps_code = True
    catalog.save("parts", [1])
    assert parts.code is None


@pytest.mark.parametrize("command", ["describe-datasets", "list-patterns", "resolve-patterns"])
def test_answers_the_commands_of_kedro_catalog(study: MiniStudy, command: str) -> None:
    answered = CliRunner().invoke(KedroCLI(study.folder), ["catalog", command])

    assert answered.exit_code == 0, answered.output
    assert "table1" in answered.stdout
