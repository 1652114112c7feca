"""Functions stay short enough to be read at once; ruff limits their complexity to 10."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST_FUNCTION = 50
LONGER_FUNCTIONS: dict[str, str] = {}
"""Functions that may be longer, by module and name, and why."""


@pytest.fixture(scope="module")
def source(project_root: Path) -> Path:
    return project_root / "src" / "faircmr"


@pytest.fixture(scope="module")
def function_lengths(source: Path) -> dict[str, int]:
    """Lines of every function without its docstring."""
    return {
        f"{path.relative_to(source)}:{name}": length_of(function)
        for path in source.rglob("*.py")
        for name, function in functions_of(ast.parse(path.read_text()))
    }


def functions_of(scope: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    """Functions and methods of a module, with the names of the classes and functions around them."""
    for node in ast.iter_child_nodes(scope):
        name = f"{prefix}{node.name}" if isinstance(node, ast.ClassDef | ast.FunctionDef) else prefix.rstrip(".")
        if isinstance(node, ast.FunctionDef):
            yield name, node
        yield from functions_of(node, f"{name}." if name else "")


def length_of(function: ast.FunctionDef) -> int:
    first = function.body[0]
    has_docstring = ast.get_docstring(function) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if has_docstring else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - docstring


def test_no_function_is_long(function_lengths: dict[str, int]):
    long = {name for name, length in function_lengths.items() if length > LONGEST_FUNCTION}

    assert long - LONGER_FUNCTIONS.keys() == set()
    assert LONGER_FUNCTIONS.keys() - long == set(), "no longer long: strike it off the list"
