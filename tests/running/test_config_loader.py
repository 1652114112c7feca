"""Every setting, with every odd value, from the command line and from an environment: one line, or one meaning."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from kedro.framework.cli.project import run as kedro_run

from faircmr import settings
from faircmr.core import FaircmrError, InvalidParameterError
from faircmr.running import StudyConfigLoader, first_given, in_one_line, with_checked_params
from faircmr.running.configuration import StudySettings

CONF = Path(__file__).resolve().parents[2] / "conf"
NULLABLE = (
    "source_root",
    "predict_root",
    "audit_scores",
    "audit_demographics",
    "audit_predictions",
    "audit_references",
    "compare_root",
)
PATHS = ("data_root", *NULLABLE)
NOT_PATHS = {
    "a truth value": "true",
    "a truth value in another word": "no",
    "a number": "2024",
    "an octal number": "0777",
    "a fraction": "1.5",
    "a power": "1e3",
    "infinity": ".inf",
    "a mapping": "{x}",
    "a mapping with a value": "{x: 1}",
    "a colon": "a: b",
    "a list": "[a]",
    "a dash": "- a",
    "None": "None",
    "nan": "nan",
    "a variable": "$STUDY",
    "a variable in braces": "${STUDY}",
    "a variable with a folder": "${STUDY}/x",
    "a command": "$(pwd)/x",
    "a placeholder": "'/a/{x}/b'",
    "a new line": '"/a\\nb"',
    "a NUL": '"/a\\0b"',
    "a blank": "' '",
    "quoted emptiness": "''",
    "an address": "s3://bucket/x",
    "a drive": "C:/x",
    "a backslash": "data\\x",
    "a pattern": "/data/*.csv",
    "the home of nobody": "~nobody-of-this-name/x",
    "typographic quotation marks": "\u201c/data\u201d",
    "half a mapping": "{x",
    "an alias": "*x",
    "a tag": "!x",
    "a reserved character": "@x",
    "a long name": "x" * 300,
}
"""As they are typed after ``--params name=``, or after ``name:`` in YAML."""
OF_THE_COMMAND_LINE = {
    "nothing": "",
    "a tilde alone": "~",
    "a comment": "/data #2",
    "a comment alone": "#2",
}
"""What arrives as another value, or as none, from there; in YAML it is what was meant."""

Load = Callable[[str, str], StudyConfigLoader]


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    folder = tmp_path / "conf"
    (folder / "base").mkdir(parents=True)
    (folder / "mine").mkdir()
    shutil.copy(CONF / "base" / "globals.yml", folder / "base")
    return folder


@pytest.fixture
def paths(conf: Path) -> Path:
    """A configuration that has nothing but paths, and is read sooner."""
    (conf / "base" / "globals.yml").write_text("".join(f"{name}: data/old\n" for name in PATHS))
    return conf


def loaded(conf: Path, params: dict[str, Any] | None = None) -> StudyConfigLoader:
    return StudyConfigLoader(conf, "mine", params, **settings.CONFIG_LOADER_ARGS)


def from_command_line(conf: Path, name: str, text: str) -> StudyConfigLoader:
    command = with_checked_params(kedro_run)
    context = command.make_context("run", ["--params", f"{name}={text}"])
    return loaded(conf, context.params["params"])


def from_environment(conf: Path, name: str, text: str) -> StudyConfigLoader:
    (conf / "mine" / "globals.yml").write_text(f"{name}: {text}\n")
    return loaded(conf)


WAYS = {"command line": from_command_line, "environment": from_environment}
every_way = pytest.mark.parametrize("load", WAYS.values(), ids=WAYS.keys())


def refusal(load: Callable[..., StudyConfigLoader], conf: Path, name: str, text: str) -> str:
    """The one line that a value is refused with."""
    before = sorted(Path().rglob("*"))
    with pytest.raises((FaircmrError, click.ClickException)) as error:
        load(conf, name, text)
    line = error.value.message if isinstance(error.value, click.ClickException) else in_one_line(error.value)
    assert sorted(Path().rglob("*")) == before
    assert "\n" not in line
    assert line.count("; ") >= 2, "the value, what is permitted, what to do"
    return line


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))


@every_way
@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize("text", NOT_PATHS.values(), ids=NOT_PATHS.keys())
def test_what_is_no_path_is_refused(load: Callable[..., StudyConfigLoader], name: str, text: str, paths: Path) -> None:
    line = refusal(load, paths, name, text)

    # YAML that cannot be read is refused with its file and line
    assert name in line or "globals.yml" in line


@pytest.mark.parametrize("name", [*PATHS, "training.epochs", "audit.attributes", "workers"])
@pytest.mark.parametrize("text", OF_THE_COMMAND_LINE.values(), ids=OF_THE_COMMAND_LINE.keys())
def test_what_yaml_would_lose_is_refused(name: str, text: str, conf: Path) -> None:
    assert refusal(from_command_line, conf, name, text).startswith(f"{name}: ")


@every_way
@pytest.mark.parametrize("name", PATHS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~/study", "/home/of/me/study"),
        ("data/mine", "data/mine"),
        ("./2024", "./2024"),
        ("./None", "./None"),
        ("'/data/study 2'", "/data/study 2"),
        ("/data/study#2", "/data/study#2"),
        ("/data/Größe", "/data/Größe"),
        ("2024-01-01", "2024-01-01"),
    ],
)
def test_a_path_is_taken(
    load: Callable[..., StudyConfigLoader],
    name: str,
    text: str,
    expected: str,
    paths: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")

    assert load(paths, name, text)["globals"][name] == expected


@every_way
@pytest.mark.parametrize("name", [*NULLABLE, "workers"])
def test_null_is_the_usual_place(load: Callable[..., StudyConfigLoader], name: str, conf: Path) -> None:
    assert load(conf, name, "null")["globals"][name] is None


@every_way
@pytest.mark.parametrize("name", sorted(StudySettings.model_fields.keys() - {*NULLABLE, "workers"}))
def test_null_is_refused_where_there_is_no_usual_value(
    load: Callable[..., StudyConfigLoader], name: str, conf: Path
) -> None:
    assert refusal(load, conf, name, "null").startswith(f"{name}: null; ")


@every_way
@pytest.mark.parametrize(
    ("name", "text"),
    [
        *((name, text) for name in ("cohort_seed", "validation_subjects", "test_subjects") for text in ("-1", "1.5")),
        *((name, text) for name in ("cohort_seed", "test_subjects", "workers") for text in ("true", "ten", "[1]")),
        ("workers", "0"),
        ("workers", "2.5"),
        ("shift_strength", "2"),
        ("shift_strength", "nan"),
        ("shift_strength", ".inf"),
        ("shift_strength", "yes"),
        ("training_subjects", "10"),
        ("training_subjects", "{A: true}"),
        ("training_subjects", "{G: 1}"),
        ("training_subjects", "{A: -1}"),
        ("previews", "true"),
        ("previews", "all"),
        *((name, text) for name in ("predict_strategy", "nnunet_dataset") for text in ("..", "a/b", "{x}", "7", "on")),
        ("nnunet_dataset", "Dataset1_Study"),
        ("reading", "header"),
        ("reading", "{grids: both}"),
        ("reading", "{spacing_in_plane: true}"),
        ("labels_left_out", "{LA: 1}"),
    ],
)
def test_other_settings_are_refused_where_they_are_none(
    load: Callable[..., StudyConfigLoader], name: str, text: str, conf: Path
) -> None:
    line = refusal(load, conf, name, text)

    # of a mapping where a list is the place is not known
    assert line.startswith((name, "conf/*/globals.yml"))


@every_way
def test_one_group_is_changed_and_the_others_stay(load: Callable[..., StudyConfigLoader], conf: Path) -> None:
    sizes = yaml.safe_load((CONF / "base" / "globals.yml").read_text())["training_subjects"]

    assert load(conf, "training_subjects", "{A: 7}")["globals"]["training_subjects"] == {**sizes, "A": 7}


def test_the_command_line_comes_before_the_environment(conf: Path) -> None:
    (conf / "mine" / "globals.yml").write_text("data_root: data/of/the/environment\ntest_subjects: 4\n")
    loader = loaded(conf, {"data_root": "data/given", "training": {"epochs": 3}})

    assert loader["globals"]["data_root"] == "data/given"
    assert loader["globals"]["test_subjects"] == 4
    # what is left are parameters
    assert loader.runtime_params == {"training": {"epochs": 3}}


def test_a_setting_that_the_base_does_not_have_is_refused(conf: Path) -> None:
    (conf / "mine" / "globals.yml").write_text("data_rot: x\n")

    with pytest.raises(InvalidParameterError, match="did you mean data_root"):
        loaded(conf)


def test_settings_of_somebodys_own_are_passed_on(conf: Path) -> None:
    with (conf / "base" / "globals.yml").open("a") as file:
        file.write("my_threshold: 0.5\n")

    assert loaded(conf, {"my_threshold": 0.7})["globals"]["my_threshold"] == 0.7


def test_the_base_has_every_setting_and_the_model_its_values() -> None:
    base = yaml.safe_load((CONF / "base" / "globals.yml").read_text())

    assert base.keys() == StudySettings.model_fields.keys()
    assert StudySettings.model_validate(base).model_dump(mode="json") == base


@pytest.mark.parametrize("value", ["${globals:nothing}", "${runtime_params:data_root}", "${oc.env:HOME}", "${x}"])
def test_a_reference_to_nothing_names_its_place(value: str, conf: Path) -> None:
    assert "variables of the shell" in refusal(from_environment, conf, "data_root", value)


def test_the_first_value_that_is_given_is_taken() -> None:
    assert first_given(None, "data/01_raw/scans") == "data/01_raw/scans"
    assert first_given("scans", "data/01_raw/scans") == "scans"
    assert first_given(None) is None


PLACES = {
    "source_root": ("cohort", "filepath", "01_raw/scans"),
    "predict_root": ("unlabelled", "filepath", "01_raw/unlabelled"),
    "audit_scores": ("audit.scores", "filepath", "01_raw/audit/scores.csv"),
    "audit_demographics": ("audit.demographics", "filepath", "01_raw/audit/demographics.csv"),
    "audit_predictions": ("audit.masks", "filepath", "01_raw/audit/predictions"),
    "audit_references": ("audit.masks", "path", "01_raw/audit/references"),
    "compare_root": ("compared_table2", "filepath", "01_raw/compared"),
}
"""Where the catalog has each, and the usual place of it below ``data_root``."""


@pytest.fixture
def catalogs(conf: Path) -> Path:
    for file in (CONF / "base").glob("catalog*.yml"):
        shutil.copy(file, conf / "base")
    return conf


def places(loader: StudyConfigLoader) -> dict[str, str]:
    catalog = loader["catalog"]
    return {name: str(catalog[entry][key]) for name, (entry, key, _) in PLACES.items()}


@pytest.mark.parametrize("way", ["command line", "environment"])
def test_the_catalog_has_the_paths_that_are_given(way: str, catalogs: Path) -> None:
    given = {name: f"given/{name}" for name in PLACES}
    if way == "environment":
        (catalogs / "mine" / "globals.yml").write_text(yaml.safe_dump(given))

    found = places(loaded(catalogs, given if way == "command line" else None))

    assert found == given | {"compare_root": "given/compare_root/08_reporting/table2.csv"}


def test_the_catalog_has_the_usual_places_where_none_is_given(catalogs: Path) -> None:
    found = places(loaded(catalogs, {"data_root": "study"}))

    assert {name: path.removesuffix("/08_reporting/table2.csv") for name, path in found.items()} == {
        name: f"study/{place}" for name, (_, _, place) in PLACES.items()
    }


def test_a_catalog_that_asks_kedros_own_way_gets_checked_values(conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/of/me")
    (conf / "mine" / "catalog.yml").write_text(
        "mine: {type: x, filepath: '${runtime_params:data_root, ${globals:data_root}}/mine.csv'}\n"
    )

    assert loaded(conf, {"data_root": "~/study"})["catalog"]["mine"]["filepath"] == "/home/of/me/study/mine.csv"


@pytest.mark.parametrize("value", [None, True, 2024, {"x": None}, "None", "$STUDY", b"x", ["a"]])
def test_python_may_give_no_other_values_than_the_command_line(value: object, conf: Path) -> None:
    with pytest.raises(InvalidParameterError, match="data_root: "):
        loaded(conf, {"data_root": value})


def test_python_may_give_a_path_object(conf: Path) -> None:
    assert loaded(conf, {"data_root": Path("data/mine")})["globals"]["data_root"] == "data/mine"
