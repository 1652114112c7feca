"""What the package imports is what it declares."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

USED_BY_NAME = {
    "kedro-viz": "make viz",
    "pyarrow": "Parquet engine of pandas",
}
"""Declared though no module imports them, and what for."""


@pytest.fixture(scope="module")
def declared(project_root: Path) -> set[str]:
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    return {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}


@pytest.fixture(scope="module")
def optional(project_root: Path) -> set[str]:
    """What the extra ``cluster`` brings; import contracts say that ``runners`` alone imports it."""
    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    return {canonicalize_name(Requirement(line).name) for line in project["optional-dependencies"]["cluster"]}


@pytest.fixture(scope="module")
def imported(project_root: Path) -> set[str]:
    modules = {name for path in (project_root / "src").rglob("*.py") for name in imports_of(path)}
    distributions = packages_distributions()
    return {
        canonicalize_name(distributions.get(name, [name])[0])
        for name in modules - sys.stdlib_module_names - {"faircmr"}
    }


def imports_of(path: Path) -> set[str]:
    """Top-level packages that a module imports, also inside its functions."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_ = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in plain | from_}


def test_every_import_is_declared(imported: set[str], declared: set[str], optional: set[str]):
    assert imported - declared - optional == set()


def test_everything_declared_is_used(imported: set[str], declared: set[str]):
    assert declared - imported - USED_BY_NAME.keys() == set()


def test_every_dataset_type_is_our_own_or_declared(project_root: Path, declared: set[str]):
    files = (project_root / "conf").rglob("catalog*.yml")
    types = {entry["type"] for path in files for entry in (yaml.safe_load(path.read_text()) or {}).values()}

    foreign = {name for name in types if not name.startswith("faircmr.")}
    assert not foreign or "kedro-datasets" in declared, foreign
