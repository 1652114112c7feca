"""``kedro run --pipelines estimate``: every fit with its costs, in the terminal and in a table."""

from __future__ import annotations

import pandas as pd
import pytest

from faircmr.core.host import this_machine
from faircmr.pipeline_registry import STRATEGIES
from tests.end_to_end.embedded import stale_nodes
from tests.studies import Project

pytestmark = pytest.mark.slow

BRIEF = "estimate: {warm_up: 0, steps: 1}\n"
FINISHED = ("baseline", "stratified")


@pytest.fixture(scope="module")
def estimated(finished_study: Project, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, str]:
    """A study of two strategies that is finished, with an estimate of all; and what was printed."""
    project = finished_study.copied_to(tmp_path_factory.mktemp("estimated") / "project")
    (project.folder / "conf" / "local" / "parameters_brief.yml").write_text(BRIEF)
    finished = project.run("--pipelines", "estimate")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return project, finished.stdout


def table_of(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.data / "08_reporting" / "fit_estimates.csv")


def test_every_strategy_has_its_fits_and_costs(estimated: tuple[Project, str]):
    project, printed = estimated
    table = table_of(project)
    fits = table[table["level"] == "fit"]

    assert [name for name in fits["strategy"].unique() if name != "localiser"] == list(STRATEGIES)
    assert (fits[["seconds_a_step", "hours", "memory_mib", "weights_bytes", "checkpoints_bytes"]] > 0).all(axis=None)
    assert fits["strategy"].value_counts()["protected_groups"] == 7
    assert (table[["device", "threads"]].notna()).all(axis=None)
    assert set(table["machine"]) == {this_machine()}
    assert "Estimated time, memory and disk" in printed
    assert "fit_estimates: data/embedded/08_reporting/fit_estimates.csv" in printed


def test_fits_that_are_finished_are_recognised_and_nothing_is_trained(estimated: tuple[Project, str]):
    project, _ = estimated
    table = table_of(project)
    fits = table[table["level"] == "fit"].set_index("strategy")

    assert fits.index[fits["finished"] == 1].tolist() == list(FINISHED)
    assert (fits.loc[list(FINISHED), "hours_left"] == 0).all()
    assert sorted(path.name for path in (project.data / "06_models").iterdir() if path.is_dir()) == list(FINISHED)


def test_an_estimate_is_made_once_and_anew_on_another_machine(estimated: tuple[Project, str], tmp_path):
    project = estimated[0].copied_to(tmp_path / "project")
    before = project.contents()

    again = project.run("--pipelines", "estimate")
    assert "Estimated time, memory and disk" in again.stdout
    assert project.contents() == before

    for name in ("step_costs", "fit_estimates"):
        path = project.data / "08_reporting" / f"{name}.csv"
        # as long as before: the receipt still holds
        path.write_text(path.read_text().replace(this_machine(), "x" * len(this_machine())))
    assert stale_nodes(project, "estimate") == {"measure_steps", "estimate_fits"}


@pytest.mark.parametrize("pipeline", ["estimate", "baseline"])
def test_uk_biobank_without_its_scans_says_so_in_one_line(tiny_project: Project, pipeline: str):
    finished = tiny_project.run("--env", "ukbb", "--pipelines", pipeline)

    assert finished.returncode == 1
    (line,) = (line for line in finished.stderr.splitlines() if line.startswith("Error:"))
    assert line.startswith("Error: source_root: no scans found there; archives <eid>_20209_2_0.zip")
    assert not (tiny_project.folder / "data" / "ukbb").exists()


def test_a_bad_parameter_ends_the_estimate_before_anything_is_read(tiny_project: Project):
    finished = tiny_project.run("--pipelines", "estimate", params={"estimate.steps": 0})

    assert finished.returncode == 1
    assert "Error: estimate.steps: 0;" in finished.stderr
    assert tiny_project.contents() == {}
