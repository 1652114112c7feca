"""Odd options of ``kedro run``, and catalogs and configurations that are none, end in one line."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner, Result

from faircmr.cli import run
from tests.mini_study import ALL, MiniStudy
from tests.running.test_yaml_files import LAUGHS

CONFIG_FILES = {
    "cut_off.yml": "run: {tags\n",
    "list.yml": "- run\n",
    "other.yml": "runs: {tags: early}\n",
    "word.yml": "run: early\n",
    "tag.yml": "run: !!python/name:os.getcwd\n",
    "bomb.yml": LAUGHS,
}
OPTIONS = {
    "a tag": (("--tags", "earl"), "--tags: 'earl'; one of early; did you mean early?"),
    "one of two tags": (("--tags", "early,late"), "--tags: 'late'; one of early; "),
    "a node": (("--nodes", "doubel"), "--nodes: 'doubel'; .*; did you mean double?"),
    "a node to begin with": (("--from-nodes", "x"), "--from-nodes: 'x'; one of "),
    "a node to end with": (("--to-nodes", "x"), "--to-nodes: 'x'; one of "),
    "a data set to begin with": (("--from-inputs", "number"), "--from-inputs: 'number'; .*; did you mean numbers?"),
    "a data set to end with": (("--to-outputs", "part"), "--to-outputs: 'part'; .*; did you mean parts?"),
    "a namespace": (("--namespaces", "x"), "--namespaces: 'x'; nothing, as the chosen pipelines have none; leave out"),
    "a pipeline": (("--pipelines", "frist"), "--pipelines: 'frist'; .*; did you mean first?"),
    "a tag of another pipeline": (("--tags", "early", "--pipelines", "last"), "--tags: 'early'; nothing, as "),
    "no node in common": (
        ("--tags", "early", "--nodes", "total"),
        "--nodes, --tags: no node is in all of them; .*; leave one out",
    ),
    "the wrong way round": (("--from-nodes", "total", "--to-nodes", "double"), "--from-nodes, --to-nodes: no node"),
    "a runner": (("--runner", "ThredRunner"), "--runner: 'ThredRunner'; one of .*; did you mean ThreadRunner?"),
    "a module of runners": (("--runner", "no.such.Runner"), "--runner: 'no.such.Runner'; one of "),
    "a class that is no runner": (("--runner", "pathlib.Path"), "--runner: 'pathlib.Path'; one of "),
    "a function": (("--runner", "os.getcwd"), "--runner: 'os.getcwd'; one of "),
    "dots alone": (("--runner", ".."), "--runner: '..'; one of "),
    "a parameter of the runner": (("--runner-params", "asinc=true"), "--runner-params: 'asinc'; one of .*is_async"),
    "a reference that is not closed": (
        ("--params", "doubling.factor=${"),
        "doubling.factor: '${'; a value that is YAML",
    ),
    "a variable of the system": (
        ("--params", "doubling.factor=${oc.env:HOME}"),
        "conf, doubling.factor: .*; write the",
    ),
    "a variable of the system in a path": (("--params", "data_root=${oc.env:HOME}"), "data_root: .*; "),
    "a file of options that is cut off": (("--config", "cut_off.yml"), "--config, line 2: "),
    "a file of options that is a list": (("--config", "list.yml"), "--config, line 1: a list or"),
    "a file of other options": (("--config", "other.yml"), "--config: no options below the name run; "),
    "a file of one word": (("--config", "word.yml"), "--config: no options below the name run; "),
    "a file with a tag": (("--config", "tag.yml"), "--config, line 1: the tag "),
    "a file that grows": (("--config", "bomb.yml"), "--config, line 5: more than 10000 values"),
}
ENTRY = "mini_study.datasets.Json, filepath: "
CATALOGS = {
    "a type of a package that is not there": ("numbers: {type: pandas.ExcelDataset, filepath: x}", "numbers: .*Excel"),
    "an unknown type": ("numbers: {type: faircmr.datasets.Tabel, filepath: x}", "numbers: .*Tabel"),
    "an unknown module": ("numbers: {type: no.such.Dataset, filepath: x}", "numbers: .*'no'"),
    "a class that is no data set": ("numbers: {type: pathlib.Path}", "numbers: .*pathlib.Path"),
    "no type": ("numbers: {filepath: x}", ".*'numbers'.*'type' is missing"),
    "a type that is null": ("numbers: {type: null}", "numbers: "),
    "a type that is a number": ("numbers: {type: 3}", "numbers: "),
    "a relative type": ("numbers: {type: .x}", "numbers: .*relative"),
    "an entry that is a number": ("numbers: 3", ".*'numbers'"),
    "an unknown argument": ("numbers: {type: mini_study.datasets.Json, file: x}", "numbers: .*'file'"),
    "a version": (f"numbers: {{type: {ENTRY} x, versioned: true}}", "numbers: .*'version'"),
    "credentials": (f"numbers: {{type: {ENTRY} x, credentials: mine}}", ".*credentials 'mine'; .*credentials.yml"),
    "a path that is a number": (f"doubled: {{type: {ENTRY} 3}}", "doubled: .*not int"),
    "a path that is a list": (f"doubled: {{type: {ENTRY} [x]}}", "doubled: .*not list"),
    "braces in the path of a pattern": (f"'{{x}}.y': {{type: {ENTRY} 'd/{{z}}.json'}}", ".*{z}"),
    "two patterns for everything": ("'{a}': {type: MemoryDataset}\n'{b}': {type: MemoryDataset}", ".*{a}, {b}"),
}
FILES = {
    "a tag": ("x: !!python/object/apply:os.getcwd []\n", "line 1: the tag "),
    "a bomb": (LAUGHS, "line 5: more than 10000 values"),
    "a bracket": ("x: {a\n", "line 2: "),
    "another encoding": ("x: Größe\n".encode("latin-1"), "line 1: not UTF-8; "),
    "a list": ("- a\n", "line 1: a list or "),
    "levels": (f"x: {'[' * 2000}{']' * 2000}\n", "line 1: more than 50 levels"),
    "a number as a name": ("1: 2\n", ": the name 1; names that are text; write it in quotes"),
}


def last_line(finished: Result) -> str:
    assert finished.exit_code == 1, finished.output
    assert isinstance(finished.exception, SystemExit), finished.exception
    assert "Traceback" not in finished.output
    return finished.stderr.splitlines()[-1]


def pattern(beginning: str) -> str:
    """Regular expression of the words that a line begins with; ``.*`` stands for others between them."""
    return ".*".join(re.escape(part) for part in beginning.split(".*"))


@pytest.mark.parametrize(("arguments", "beginning"), OPTIONS.values(), ids=OPTIONS)
def test_an_odd_option_ends_in_one_line(
    study: MiniStudy, arguments: tuple[str, ...], beginning: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(study.folder)
    for name, content in CONFIG_FILES.items():
        (study.folder / name).write_text(content)

    line = last_line(CliRunner().invoke(run, arguments))

    assert re.match(f"Error: {pattern(beginning)}", line), line
    assert not (study.folder / "ran.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (("--tags", "early"), ["count", "double"]),
        (("--to-outputs", "doubled"), ["double"]),
        (("--from-inputs", "numbers"), ALL),
        (("--runner", "ThreadRunner"), ALL),
        (("--runner", "kedro.runner.SequentialRunner"), ALL),
        (("--from-nodes", "double", "--to-nodes", "spread"), ["double", "spread"]),
    ],
)
def test_names_that_exist_choose_what_they_name(study: MiniStudy, arguments: tuple[str, ...], ran: list[str]) -> None:
    finished = CliRunner().invoke(run, arguments)

    assert finished.exit_code == 0, finished.output
    assert sorted((study.folder / "ran.txt").read_text().split()) == ran


@pytest.mark.parametrize(("entry", "beginning"), CATALOGS.values(), ids=CATALOGS)
def test_an_entry_of_the_catalog_that_is_none_ends_in_one_line(study: MiniStudy, entry: str, beginning: str) -> None:
    (study.folder / "conf" / "local" / "catalog.yml").write_text(f"{entry}\n")

    line = last_line(CliRunner().invoke(run, []))

    assert re.match(f"Error: catalog(, |: ){pattern(beginning)}", line), line
    assert "Traceback" in (study.folder / "logs" / "faircmr.log").read_text()


@pytest.mark.parametrize("path", ["data/{x}.json", "data/{.json", "data/}.json", "data/{}.json"])
def test_braces_in_the_path_of_an_entry_without_a_pattern_stay(study: MiniStudy, path: str) -> None:
    (study.folder / "conf" / "local" / "catalog.yml").write_text(
        f"doubled: {{type: mini_study.datasets.Document, filepath: '{path}'}}\n"
    )

    assert CliRunner().invoke(run, []).exit_code == 0
    assert (study.folder / path).is_file()


@pytest.mark.parametrize("kind", ["globals", "parameters", "catalog", "credentials"])
@pytest.mark.parametrize(("content", "message"), FILES.values(), ids=FILES)
def test_a_file_of_the_configuration_that_cannot_be_read_is_named(
    study: MiniStudy, kind: str, content: str | bytes, message: str
) -> None:
    path = study.folder / "conf" / "local" / f"{kind}.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())

    line = last_line(CliRunner().invoke(run, []))

    assert line.startswith(f"Error: conf/local/{kind}.yml"), line
    assert message in line
