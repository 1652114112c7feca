"""``kedro run`` of this project with odd values after ``--params``: one line, exit status 1, and nothing written."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from faircmr.cli import cli, run
from faircmr.core import InvalidParameterError
from faircmr.running.command_line import check_items
from tests.mini_study import ALL, MiniStudy

REFUSED = {
    "a variable that is not set": ("data_root=", "data_root: empty; a value; write one, or leave data_root out"),
    "a variable in single quotes": ("data_root=$STUDY", "data_root: '$STUDY'; a path in which the shell"),
    "null": ("data_root=null", "data_root: null; a path; "),
    "a tilde alone": ("data_root=~", "data_root: ~; a value; ~ alone is null in YAML; write $HOME"),
    "a number": ("data_root=2024", "data_root: 2024; a path, not a number; write ./ before"),
    "a truth value": ("data_root=true", "data_root: true; a path, not yes or no; write ./ before"),
    "None": ("data_root=None", "data_root: 'None'; a path, not a word for a missing"),
    "a mapping": ("data_root={x}", "data_root: {'x': None}; a path without { }"),
    "half a mapping": ("data_root={x", "data_root: '{x'; a value that is YAML; write it in two pairs of quotes"),
    "a comment": ("data_root=/data #2", "data_root: '/data #2'; a value in which # does not begin a comment"),
    "a misspelt name": ("data_rot=/data", "data_rot: '/data'; there is no such name; did you mean data_root?"),
    "an empty parameter": ("doubling.factor=", "doubling.factor: empty; a value; "),
    "a parameter that refers to nothing": ("doubling.factor=${x}", "conf, "),
}


def listing(folder: Path) -> list[Path]:
    """Every file but the log."""
    return sorted(path for path in folder.rglob("*") if "logs" not in path.relative_to(folder).parts)


def run_command(*arguments: str) -> Result:
    return CliRunner().invoke(run, arguments)


@pytest.mark.parametrize(("params", "line"), REFUSED.values(), ids=REFUSED.keys())
def test_an_odd_value_ends_with_one_line_before_anything_is_written(study: MiniStudy, params: str, line: str) -> None:
    before = listing(study.folder)

    finished = run_command("--params", params)

    assert finished.exit_code == 1
    assert finished.stderr.splitlines()[-1].startswith(f"Error: {line}")
    assert "Traceback" not in finished.output
    assert listing(study.folder) == before


@pytest.mark.parametrize(
    ("params", "folder"),
    [("data_root=~/mine", "home/mine"), ("data_root=./2024", "2024"), ("data_root='my #2'", "my #2")],
)
def test_a_path_is_where_the_results_are(
    study: MiniStudy, params: str, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(study.folder / "home"))

    finished = run_command("--params", params)

    assert finished.exit_code == 0, finished.output
    assert (study.folder / folder / "count.json").is_file()
    assert not (study.folder / "~").exists()
    assert sorted((study.folder / "ran.txt").read_text().split()) == ALL


def test_a_setting_in_a_file_of_parameters_is_refused(study: MiniStudy) -> None:
    (study.folder / "conf" / "local" / "parameters.yml").write_text("data_root: elsewhere\n")

    finished = run_command()

    assert finished.exit_code == 1
    assert "data_root: in parameters*.yml; read from globals.yml alone; move it" in finished.stderr


def test_yaml_that_cannot_be_read_names_its_file(study: MiniStudy) -> None:
    (study.folder / "conf" / "local" / "globals.yml").write_text("data_root: {x\n")

    finished = run_command()

    assert finished.exit_code == 1
    assert "globals.yml" in finished.stderr.splitlines()[-1]
    assert "Traceback" not in finished.output


def test_a_study_in_a_clone_is_kept_out_of_git(study: MiniStudy) -> None:
    (study.folder / ".git").mkdir()

    assert run_command("--params", "data_root=mine").exit_code == 0
    assert (study.folder / "mine" / ".gitignore").read_text().endswith("\n*\n")


@pytest.mark.parametrize(
    "item",
    ["a=1", "a=null", "a='# 2'", 'a="x # y"', "a=b#c", "a.b=race+sex", "a=(?P<subject>.+?)", "no equals sign", "a=1=2"],
)
def test_what_yaml_understands_passes(item: str) -> None:
    check_items([item])


@pytest.mark.parametrize("item", ["a=", "a= ", "a=#", "a=x #y", "a=~", "a=[", "a=*x", "a=!x", "a=@x", "a=%x"])
def test_what_yaml_loses_is_refused(item: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"^a: "):
        check_items([item])


def test_the_command_is_kedros_own_with_all_of_its_options() -> None:
    from kedro.framework.cli.project import run as kedros

    assert cli.get_command(click.Context(cli), "run") is run
    assert [option.name for option in run.params] == [option.name for option in kedros.params]
    assert run.callback is kedros.callback
    changed = {option.name for option, old in zip(run.params, kedros.params, strict=True) if option is not old}
    assert changed == {"config", "params"}
