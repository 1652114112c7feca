"""What a cluster makes of the nodes of a pipeline: the same files, and of what fails a line."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Condition

import pytest
from click.testing import CliRunner, Result
from distributed import Client
from kedro.framework.cli.project import run
from kedro.io import AbstractDataset, DataCatalog
from kedro.pipeline import Pipeline, node

from faircmr.core import ClusterParameters, FaircmrError
from faircmr.pipelines import training as fitting
from faircmr.pipelines.training import Train, run_fits
from faircmr.runners import DaskRunner, cluster
from faircmr.runners.node_graph import NodeGraph
from faircmr.segmentation.training import FitJob, FitRecord
from tests.mini_study import ALL, MiniStudy
from tests.runners.test_fits import named, record_of
from tests.studies import digests

DOUBLED = """doubled:
  type: mini_study.datasets.Document
  filepath: ${globals:data_root}/doubled.json
"""
BREAKS = '    ran("double")\n'
FIVE = tuple(f"seed-{number}/shared" for number in range(5))
made: list[str] = []
one_more = Condition()


class Names(AbstractDataset[list[str], list[str]]):
    """Names in a file, a line each."""

    def __init__(self, filepath: Path) -> None:
        self._path = filepath

    def _load(self) -> list[str]:
        return self._path.read_text().split()

    def _save(self, data: list[str]) -> None:
        self._path.write_text("\n".join(data))

    def _describe(self) -> dict[str, object]:
        return {"filepath": self._path}


def names_of_fits(*calls: tuple[str, ...]) -> list[str]:
    """A node that has fits made, in one call or several."""
    return [record.name for names in calls for record in run_fits("any", [named(name) for name in names])]


def note(what: str, job: FitJob, train: Train) -> FitRecord:
    """Make nothing but a note; the one that is held waits until all others are made."""
    with one_more:
        if job.name == "held":
            assert one_more.wait_for(lambda: set(FIVE) <= set(made), 30)
        made.append(job.name)
        one_more.notify_all()
    if job.name == "fails":
        raise FaircmrError("fails", "as told", "a fit that ends well", "mend it")
    return record_of(job)


def graph_of(client: Client, folder: Path, **calls: tuple[tuple[str, ...], ...]) -> NodeGraph:
    """Nodes that need fits, by their names."""
    nodes = [node(partial(names_of_fits, *names), None, name, name=name) for name, names in calls.items()]
    return NodeGraph(client, Pipeline(nodes), DataCatalog({name: Names(folder / name) for name in calls}), retries=1)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fits that were made."""
    made.clear()
    monkeypatch.setattr(fitting, "fit_shown", note)
    return made


@pytest.fixture(autouse=True)
def _on_two_workers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def client_of(_: ClusterParameters) -> Iterator[Client]:
        yield client

    monkeypatch.setattr(cluster, "cluster_client", client_of)


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
    monkeypatch.setattr("faircmr.runners.dask_runner.REQUIRED_PACKAGES", ("there_is_no_such_library",))

    finished = kedro_run()

    assert finished.stderr.splitlines()[-1] == (
        "Error: --runner: DaskRunner; there_is_no_such_library, which is not installed; "
        "install it with pip install 'faircmr[cluster]'"
    )


@pytest.mark.filterwarnings("ignore::UserWarning:kedro")
def test_no_fit_waits_for_a_busy_worker_while_another_is_idle(client: Client, tmp_path: Path, noted: list[str]):
    graph_of(client, tmp_path, first=(("held",),), second=(FIVE,)).run()

    assert noted[-1] == "held"
    assert (tmp_path / "second").read_text().split() == [*FIVE]


@pytest.mark.filterwarnings("ignore::UserWarning:kedro")
def test_a_node_may_come_to_fits_more_than_once(client: Client, tmp_path: Path, noted: list[str]):
    graph_of(client, tmp_path, twice=(FIVE[:2], FIVE[1:4])).run()

    assert (tmp_path / "twice").read_text().split() == [*FIVE[:2], *FIVE[1:4]]
    assert sorted(noted) == [*FIVE[:4]]


@pytest.mark.filterwarnings("ignore::UserWarning:kedro")
def test_a_fit_that_fails_fails_its_node_after_the_others_are_made(client: Client, tmp_path: Path, noted: list[str]):
    with pytest.raises(FaircmrError, match=r"1 of 2 nodes failed: first; 0 that need"):
        graph_of(client, tmp_path, first=(("fails", *FIVE),), second=(FIVE,)).run()

    assert sorted(noted) == ["fails", *FIVE]
    assert not (tmp_path / "first").exists()
    assert (tmp_path / "second").exists()
