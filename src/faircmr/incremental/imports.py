"""The modules of a package, read as text: what they say without documentation, and what they import.

Nothing is imported to find out, so that looking at the training code does not load torch.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path

DOTTED = re.compile(r"\w+(\.\w+)+")
OWN_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class ParsedModule:
    """One module.

    Attributes:
        digest: Digest of its code without docstrings and without imports for type checkers.
        imports: Modules of the packages that are followed which it names anywhere.
    """

    digest: str
    imports: frozenset[str]


def parse(module: str) -> ParsedModule:
    """Read a module; it must have a :func:`source_file`."""
    file = _file(module)
    return _parse_file(module, file, file.stat().st_mtime_ns)


def tree_of(module: str) -> ast.Module:
    """Code of a module without docstrings and without imports for type checkers; it must have a :func:`source_file`."""
    file = _file(module)
    return _tree(file, file.stat().st_mtime_ns)


def source_file(module: str) -> Path | None:
    """Source of a module whose top-level package is loaded; ``None`` for what has none."""
    top, *rest = module.split(".")
    origin = getattr(sys.modules.get(top), "__file__", None)
    if origin is None or Path(origin).name != "__init__.py":
        return None
    path = Path(origin).parent.joinpath(*rest)
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def module_of(dotted_name: str, referrer: str) -> str | None:
    """The module that a dotted name is or lies in.

    Args:
        dotted_name: E.g. ``"faircmr.core.scan"`` or ``"faircmr.core.scan.Scan"``.
        referrer: The module that uses the name: its package and this one are followed, no other.
    """
    if dotted_name.partition(".")[0] not in {referrer.partition(".")[0], OWN_PACKAGE}:
        return None
    while dotted_name and source_file(dotted_name) is None:
        dotted_name = dotted_name.rpartition(".")[0]
    return dotted_name or None


def imported(code: ast.AST, module: str) -> set[str]:
    """Modules that a piece of the code of ``module`` imports or names in a string."""
    return _modules((name for node in ast.walk(code) for name in _names(node, module)), module)


def _file(module: str) -> Path:
    file = source_file(module)
    if file is None:
        raise ModuleNotFoundError(module)
    return file


def _modules(names: Iterable[str], referrer: str) -> set[str]:
    return {found for name in set(names) if (found := module_of(name, referrer))}


def _names(node: ast.AST, module: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        origin = resolve_name("." * node.level + (node.module or ""), _package(module))
        return [f"{origin}.{alias.name}" for alias in node.names]
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.fullmatch(node.value):
        return [node.value]
    return []


def _package(module: str) -> str:
    file = source_file(module)
    is_package = file is not None and file.name == "__init__.py"
    return module if is_package else module.rpartition(".")[0]


@functools.cache
def _parse_file(module: str, file: Path, _modified: int) -> ParsedModule:
    # not kept: the trees of all modules are a million objects, which the garbage collector would visit
    tree = _code(file)
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return ParsedModule(digest, frozenset(imported(tree, module)))


@functools.lru_cache(maxsize=16)
def _tree(file: Path, _modified: int) -> ast.Module:
    return _code(file)


def _code(file: Path) -> ast.Module:
    tree = ast.parse(file.read_bytes())
    _leave_out_what_never_runs(tree)
    return tree


def _leave_out_what_never_runs(node: ast.AST) -> None:
    """Docstrings, other bare strings, and imports for type checkers."""
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        node.body = []
    # statements lie in no other fields, and in no expression
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        inside = getattr(node, field, None)
        if isinstance(inside, list):
            inside[:] = [one for one in inside if not _is_bare_string(one)]
            for one in inside:
                _leave_out_what_never_runs(one)


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
