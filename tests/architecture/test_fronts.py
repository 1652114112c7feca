"""What is inside a package is private: whoever is outside imports what the package exports."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

WITHOUT_FRONT = {"faircmr", "faircmr.pipelines"}
"""Packages whose modules are what others import."""


def modules(source: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(source.rglob("*.py")):
        yield ".".join(path.relative_to(source.parent).with_suffix("").parts).removesuffix(".__init__"), path


def exports(source: Path) -> Iterator[tuple[str, str, str]]:
    """Package, module and name of everything that a stub lists."""
    for stub in sorted(source.rglob("__init__.pyi")):
        package = ".".join(stub.relative_to(source.parent).parts[:-1])
        for node in ast.parse(stub.read_text()).body:
            yield from ((package, f"{package}.{node.module}", alias.name) for alias in node.names)


@pytest.fixture(scope="module")
def source(project_root: Path) -> Path:
    return project_root / "src" / "faircmr"


def test_nobody_imports_from_inside_another_package(source: Path):
    known = dict(modules(source))
    inside = [
        f"{name}: from {node.module} import {alias.name}"
        for name, path in known.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in known and known[node.module].name != "__init__.py"
        for alias in node.names
        if node.module.rpartition(".")[0] not in WITHOUT_FRONT | {name.rpartition(".")[0], name}
    ]

    assert inside == []


def test_tests_import_what_packages_export_or_what_is_in_their_own_room(source: Path, project_root: Path):
    """But for what is private, and modules that a test changes as a whole."""
    known = dict(modules(source))
    inside = [
        f"{path.relative_to(project_root)}: from {node.module} import {alias.name}"
        for path in sorted((project_root / "tests").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in known and known[node.module].name != "__init__.py"
        for alias in node.names
        if not alias.name.startswith("_")
        and node.module.rpartition(".")[0] not in WITHOUT_FRONT | {room_of(path, project_root)}
    ]

    assert inside == []


def room_of(path: Path, project_root: Path) -> str:
    """The package that a test's folder mirrors."""
    return ".".join(["faircmr", *path.relative_to(project_root / "tests").parts[:-1]])


def test_every_export_is_where_its_stub_says(source: Path):
    listed = list(exports(source))

    assert len(listed) > 300
    assert [name for package, _, name in listed if not hasattr(importlib.import_module(package), name)] == []
    assert [name for _, module, name in listed if not hasattr(importlib.import_module(module), name)] == []


def test_no_export_has_the_name_of_a_module_of_its_package(source: Path):
    known = {name for name, _ in modules(source)}

    assert [f"{package}.{name}" for package, _, name in exports(source) if f"{package}.{name}" in known] == []


def test_every_export_has_a_user_outside_its_package(source: Path, project_root: Path):
    """In the package, the tests of other packages, benchmarks, notebooks, configuration or documentation."""
    texts = {
        path: path.read_text()
        for folder, pattern in [
            ("src/faircmr", "*.py"),
            ("tests", "*.py"),
            ("benchmarks", "*.py"),
            ("tools", "*.py"),
            ("notebooks", "*.ipynb"),
            ("conf", "*.yml"),
            ("docs", "*.md"),
        ]
        for path in sorted((project_root / folder).rglob(pattern))
    }
    unused = [
        f"{package}.{name}"
        for package, _, name in exports(source)
        if not any(name in text and package in text for path, text in texts.items() if path.name != "__init__.pyi")
    ]

    assert unused == []
