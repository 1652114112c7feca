"""What a cluster makes of the nodes of a pipeline: the same files, and of what fails a line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result
from distributed import Client
from kedro.framework.cli.project import run

from faircmr.core.cluster_parameters import ClusterParameters
from faircmr.runners import DaskRunner, cluster
from tests.mini_study import ALL, MiniStudy
from tests.studies import digests

DOUBLED = """doubled:
  type: mini_study.datasets.Document
  filepath: ${runtime_params:data_root, ${globals:data_root}}/doubled.json
"""
BREAKS = '    ran("double")\n'


@pytest.fixture(autouse=True)
def _on_two_workers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def client_of(_: ClusterParameters) -> Iterator[Client]:
        yield client

    monkeypatch.setattr(cluster, "client_of", client_of)


def kedro_run(*arguments: str) -> Result:
    return CliRunner().invoke(run, ["--runner", "faircmr.runners.DaskRunner", *arguments])


def test_makes_what_one_process_makes_byte_by_byte(study: MiniStudy):
    assert study.run(runner=DaskRunner()) == ALL
    spread = digests(study.data)
    study.replace("src/mini_study/nodes.py", BREAKS, f"{BREAKS}    pass\n")

    assert study.run() == ["double", "spread", "total"]
    alone = digests(study.data)

    assert {name: spread[name] for name in spread if "receipt" not in name} == {
        name: alone[name] for name in alone if "receipt" not in name
    }


def test_what_it_has_made_counts_as_done_for_every_runner(study: MiniStudy):
    study.run(runner=DaskRunner())

    assert study.run() == []
    assert study.run(runner=DaskRunner()) == []


def test_a_node_that_fails_takes_along_what_needs_it_and_nothing_else(study: MiniStudy):
    error = 'raise InvalidScanError("sub-0007 ED", "cut off", "a whole file", "mend it")'
    study.replace("src/mini_study/nodes.py", BREAKS, f"{BREAKS}    {error}\n")
    study.replace(
        "src/mini_study/nodes.py",
        "import pandas as pd\n",
        "import pandas as pd\nfrom faircmr.core.errors import InvalidScanError\n",
    )

    finished = kedro_run()

    assert finished.exit_code == 1
    assert sorted((study.folder / "ran.txt").read_text().split()) == ["count", "double"]
    assert finished.stderr.splitlines()[-1] == (
        "Error: 1 of 4 nodes failed: double; 2 that need what they make were left out; nodes that all end well; "
        "mend what is said above, and run the same command again to go on: the rest is done"
    )
    log = (study.folder / "logs" / "faircmr.log").read_text()
    assert log.count("double failed: sub-0007 ED: cut off; a whole file; mend it") == 1
    assert "Traceback" not in finished.output
    assert "InvalidScanError: sub-0007" in log, "where it came from stands in the log file"


def test_of_an_error_that_nobody_expected_only_its_type_is_told(study: MiniStudy, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.CRITICAL, "kedro")  # as in the processes of workers
    study.replace("src/mini_study/nodes.py", BREAKS, f"{BREAKS}    raise OSError('/where/' + str(4712 - 1))\n")

    finished = kedro_run()

    assert finished.exit_code == 1
    log = (study.folder / "logs" / "faircmr.log").read_text()
    assert "double failed: OSError" in log
    assert "4711" not in finished.output + log


def test_all_nodes_that_fail_are_told(study: MiniStudy, caplog: pytest.LogCaptureFixture):
    (study.data / "numbers.json").write_text("cut off")

    with caplog.at_level(logging.ERROR):
        finished = kedro_run()

    assert "Error: 2 of 4 nodes failed: count, double; 2 that need" in finished.stderr
    assert sorted(record.message.split()[0] for record in caplog.records if "failed:" in record.message) == [
        "count",
        "double",
    ]


def test_data_in_memory_is_refused_before_anything_is_run(study: MiniStudy):
    study.replace("conf/base/catalog.yml", DOUBLED, "")

    finished = kedro_run()

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1] == (
        "Error: doubled: kept in memory; with DaskRunner a data set in the catalog, which other processes can read; "
        "add it to the catalog"
    )
    assert not (study.folder / "ran.txt").exists()


def test_without_dask_it_says_what_to_install(study: MiniStudy, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("faircmr.runners.dask_runner.NEEDED", ("there_is_no_such_library",))

    finished = kedro_run()

    assert finished.stderr.splitlines()[-1] == (
        "Error: --runner: DaskRunner; there_is_no_such_library, which is not installed; "
        "install it with pip install 'faircmr[cluster]'"
    )
