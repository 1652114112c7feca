"""The catalog's conventions: every data set by name, below the study's folder, in a layer, used."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pytest
from kedro.io import CatalogConfigResolver

from tests.architecture.configuration import CONF, ENVIRONMENTS, catalog
from tests.architecture.registered import datasets

LAYERS = {
    "raw": "01_raw",
    "intermediate": "02_intermediate",
    "primary": "03_primary",
    "model_input": "05_model_input",
    "models": "06_models",
    "model_output": "07_model_output",
    "reporting": "08_reporting",
}
PATH_KEYS = ("filepath", "path")
ABSOLUTE_PATH = re.compile(r"""(?:^|[\s"':=])(?:/|~/|[A-Za-z]:\\)\w""")

every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


def paths_of(entry: dict[str, Any]) -> Iterator[str]:
    yield from (entry[key] for key in PATH_KEYS if key in entry)


@every_environment
def test_every_data_set_of_a_pipeline_is_in_the_catalog(environment: str):
    resolver = CatalogConfigResolver(catalog(environment))
    explicit = resolver.config

    missing = [name for name in datasets() if name not in explicit and not resolver.match_dataset_pattern(name)]
    assert missing == []


@every_environment
def test_every_entry_of_the_catalog_is_used_by_a_pipeline(environment: str):
    resolver = CatalogConfigResolver(catalog(environment))
    patterns = {resolver.match_dataset_pattern(name) for name in datasets()}

    assert set(catalog(environment)) - datasets() - patterns == set()


@every_environment
def test_every_entry_has_the_layer_of_its_folder(environment: str):
    for name, entry in catalog(environment, data_root="study", source_root="study/01_raw/scans").items():
        layer = entry["metadata"]["kedro-viz"]["layer"]

        assert {PurePosixPath(path).parts[1] for path in paths_of(entry)} == {LAYERS[layer]}, name


@every_environment
def test_every_path_moves_with_the_roots(environment: str):
    entries = catalog(environment, data_root="a study", source_root="some scans")

    for name, entry in entries.items():
        roots = {PurePosixPath(path).parts[0] for path in paths_of(entry)}
        assert roots == ({"a study", "some scans"} if name == "cohort" else {"a study"}), name


@every_environment
def test_roots_are_relative_and_apart(environment: str):
    paths = [path for entry in catalog(environment).values() for path in paths_of(entry)]

    assert paths
    assert [path for path in paths if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts] == []


def test_no_configuration_file_holds_an_absolute_path():
    lines = {
        f"{path.relative_to(CONF)}: {line.strip()}"
        for path in CONF.rglob("*.yml")
        if path.parent.name != "local"
        for line in path.read_text().splitlines()
        if ABSOLUTE_PATH.search(line.partition("#")[0])
    }

    assert lines == set()


@every_environment
def test_an_environment_changes_the_cohort_and_no_other_data_set(environment: str):
    base, changed = catalog("base"), catalog(environment)
    roots = (
        catalog("base", data_root="study", source_root="scans"),
        catalog(environment, data_root="study", source_root="scans"),
    )

    assert base.keys() == changed.keys()
    assert {name for name in base if roots[0][name] != roots[1][name]} <= {"cohort"}


@every_environment
def test_every_type_is_a_class_that_exists(environment: str):
    for entry in catalog(environment).values():
        module, _, name = entry["type"].rpartition(".")
        assert isinstance(getattr(importlib.import_module(module), name), type)


def test_no_two_entries_share_a_file():
    entries = catalog("base")
    shared = {
        path: names
        for path in {path for entry in entries.values() for path in paths_of(entry)}
        if len(names := [name for name, entry in entries.items() if path in paths_of(entry)]) > 1
    }

    # a model and the folder that its fits work in are one place by design
    assert [
        names for names in shared.values() if {name.rpartition(".")[2] for name in names} != {"work", "model"}
    ] == []
