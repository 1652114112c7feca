"""The modules of a package, read as text: what they say without documentation, and what they import.

Nothing is imported to find out, so that looking at the training code does not load torch.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
import sys
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path

DOTTED = re.compile(r"\w+(\.\w+)+")
OWN_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class ParsedModule:
    """One module.

    Attributes:
        tree: Its code without docstrings and without imports for type checkers.
        digest: Digest of ``tree``.
        imports: Modules of the packages that are followed which it names anywhere.
    """

    tree: ast.Module
    digest: str
    imports: frozenset[str]


def parse(module: str) -> ParsedModule:
    """Read a module; it must have a :func:`source_file`."""
    file = source_file(module)
    if file is None:
        raise ModuleNotFoundError(module)
    return _parse_file(module, file, file.stat().st_mtime_ns)


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
    names = [name for node in ast.walk(code) for name in _names(node, module)]
    return {found for name in names if (found := module_of(name, module))}


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
    tree = _Undocumented().visit(ast.parse(file.read_bytes()))
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return ParsedModule(tree, digest, frozenset(imported(tree, module)))


class _Undocumented(ast.NodeTransformer):
    """Leaves out what never runs: docstrings, other bare strings, and imports for type checkers."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
        return self.generic_visit(node)
