"""``docs/how_to/own_data.md`` is executed as it is printed, on a small clinic in the place that it names."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.end_to_end.own_data import SITES, Command, File, printed, write_clinic
from tests.studies import Project, write_tiny_project
from tests.warm_python import Command as WarmCommand
from tests.warm_python import run_warm

PAGE = Path("docs/how_to/own_data.md")


@dataclass(frozen=True)
class Followed:
    """A project in which somebody has done what the page says.

    Attributes:
        study: Where the page's ``data_root`` leads.
        outputs: What each command has printed, in their order.
    """

    study: Path
    outputs: tuple[str, ...]


def test_every_block_of_the_page_is_a_file_or_a_command(project_root: Path):
    steps = list(printed((project_root / PAGE).read_text()))

    assert [step.path for step in steps if isinstance(step, File)] == [
        "src/my_clinic/source.py",
        *(f"conf/mine/{name}.yml" for name in ("catalog", "globals", "parameters")),
    ]
    assert {step.words[:4] for step in steps if isinstance(step, Command)} == {("kedro", "run", "--env", "mine")}


def test_a_block_that_cannot_be_followed_is_found():
    with pytest.raises(ValueError, match="a block of python that does not begin with the path"):
        list(printed("```python\nx = 1\n```\n"))


@pytest.fixture(scope="module")
def followed(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """The page, followed from top to bottom; the home folder, which its ``~`` means, is one of the test's own."""
    folder = tmp_path_factory.mktemp("own_data")
    home, project = folder / "home", write_tiny_project(folder / "project", project_root)
    environment = {**project.environment(), "HOME": str(home)}
    outputs = []
    for step in printed((project_root / PAGE).read_text()):
        if isinstance(step, File):
            write(project, step)
            if step.path.endswith("globals.yml"):
                write_clinic(Path(str(yaml.safe_load(step.content)["source_root"]).replace("~", str(home))))
        else:
            outputs.append(output_of(project, step, environment))
    data_root = yaml.safe_load((project.folder / "conf" / "mine" / "globals.yml").read_text())["data_root"]
    return Followed(project.folder / data_root, tuple(outputs))


def write(project: Project, file: File) -> None:
    path = project.folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.content)


def output_of(project: Project, command: Command, environment: dict[str, str]) -> str:
    module, *arguments = command.words
    done: subprocess.CompletedProcess[str] = run_warm(
        WarmCommand(module, tuple(arguments), project.folder, {**os.environ, **environment})
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_subject_of_the_clinic_is_in_the_study(followed: Followed):
    subjects = pd.read_parquet(followed.study / "03_primary" / "subjects.parquet")
    quarantine = pd.read_csv(followed.study / "02_intermediate" / "quarantine.csv")

    assert subjects["protected_group"].value_counts().to_dict() == SITES
    assert subjects["age"].between(0, 100).all()
    assert set(subjects["sex"]) == {"f", "m"}
    assert quarantine.empty


@pytest.mark.slow
def test_every_file_that_the_page_names_is_there(followed: Followed, project_root: Path):
    named = [word for word in (project_root / PAGE).read_text().split("`") if word.startswith(("01_", "02_", "08_"))]

    assert named
    assert [name for name in named if not (followed.study / name).is_file()] == []


@pytest.mark.slow
def test_the_last_command_compares_both_strategies(followed: Followed):
    table = pd.read_csv(followed.study / "08_reporting" / "table2.csv")

    assert set(table["strategy"]) == {"baseline", "stratified"}
    assert "stratified" in followed.outputs[-1]
