"""Digest of the code that a function runs, without comments and docstrings.

The first hop is precise: of the function's own module count the function, the helpers and constants
that it names, and the imports whose names it uses. Every module reached that way counts whole, and so
does every module that those import, at their top or inside a function. So an edit of a helper reaches
exactly the functions that can call it, and an edit of a comment reaches none.

Only the function's own package and this one are followed, never libraries. A string that is a
module's dotted name (``"faircmr.sources.acdc.Acdc"``) counts as its import.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from faircmr.incremental.imports import imported, module_of, parse, source_file, tree_of


def code_digest(function: Callable[..., Any], dotted_names: Iterable[str] = ()) -> str:
    """Digest of a function's code and of all code of its own package that it reaches.

    Args:
        function: A function, or a ``functools.partial`` of one.
        dotted_names: Modules, or objects in modules, that count as well, e.g. classes that save the
            function's outputs.

    Returns:
        Hexadecimal digest. It changes with what Python would run, not with comments, docstrings,
        layout, or the order of definitions in the function's module.
    """
    parts: list[str] = []
    while isinstance(function, functools.partial):
        parts.append(repr((function.args, function.keywords)))
        function = function.func
    function = inspect.unwrap(function)
    statements, modules = _first_hop(function.__module__, getattr(function, "__qualname__", ""))
    parts += sorted(ast.dump(statement) for statement in statements)
    modules |= {module for name in dotted_names if (module := module_of(name, function.__module__))}
    parts += [f"{module} {parse(module).digest}" for module in sorted(_closure(modules))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _first_hop(module: str, name: str) -> tuple[list[ast.stmt], set[str]]:
    """Statements of ``module`` that the function ``name`` needs, and the modules that those import."""
    if source_file(module) is None:
        return [], set()
    defined = _definitions(tree_of(module))
    if name not in defined:  # a lambda, a method, a function inside a function
        return [], {module}
    statements: list[ast.stmt] = []
    modules: set[str] = set()
    todo, seen = [name], set[str]()
    while todo:
        wanted = todo.pop()
        if wanted in seen:
            continue
        seen.add(wanted)
        for statement in defined.get(wanted, []):
            modules |= imported(_only(statement, wanted), module)
            if not isinstance(statement, ast.Import | ast.ImportFrom):
                statements.append(statement)
                todo += [node.id for node in ast.walk(statement) if isinstance(node, ast.Name)]
    return statements, modules


def _definitions(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Top-level statements of a module by the names that they bind."""
    defined: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _bound(statement):
            defined.setdefault(name, []).append(statement)
    return defined


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.partition(".")[0])
    return names


def _only(statement: ast.stmt, name: str) -> ast.stmt:
    """Of an import of several names the one that is used."""
    if isinstance(statement, ast.ImportFrom):
        used = [alias for alias in statement.names if (alias.asname or alias.name) == name]
        return ast.ImportFrom(module=statement.module, names=used, level=statement.level)
    return statement


def _closure(modules: set[str]) -> set[str]:
    todo, reached = list(modules), set[str]()
    while todo:
        module = todo.pop()
        if module not in reached:
            reached.add(module)
            todo += parse(module).imports
    return reached
