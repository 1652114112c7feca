"""What the modules of a package define, read as text: code without documentation, and the names that it uses.

Nothing is imported to find out, so that looking at the training code does not load torch.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path

DOTTED = re.compile(r"\w+(\.\w+)+")
STATEMENT_FIELDS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of syntax trees in which statements lie; there are none in expressions."""


@dataclass(frozen=True)
class Definition:
    """Statements of a module that belong together.

    Attributes:
        digest: Digest of the statements, without docstrings and imports for type checkers.
        uses: Full dotted names of what they name: ``small.near.value``, also of the module's own definitions.
    """

    digest: str
    uses: frozenset[str]


@dataclass(frozen=True)
class ModuleText:
    """One module.

    Attributes:
        definitions: What each name at the top of the module is bound to, but for imports.
        imports: Full dotted name behind each name that the module imports.
        effects: What runs when the module is imported and binds no name, or binds one in another module.
    """

    definitions: Mapping[str, Definition]
    imports: Mapping[str, str]
    effects: Definition


def read_module(module: str) -> ModuleText:
    """Read a module.

    Raises:
        ModuleNotFoundError: It has no :func:`source_file`.
    """
    file = source_file(module)
    if file is None:
        raise ModuleNotFoundError(module)
    return _read_file(module, file, file.stat().st_mtime_ns)


def source_file(module: str) -> Path | None:
    """Source of a module whose top-level package is loaded; ``None`` for what has none."""
    top, *rest = module.split(".")
    origin = getattr(sys.modules.get(top), "__file__", None)
    if origin is None or Path(origin).name != "__init__.py":
        return None
    path = Path(origin).parent.joinpath(*rest)
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


@functools.cache
def _read_file(module: str, file: Path, _modified: int) -> ModuleText:
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(file.read_bytes())
    _leave_out_what_never_runs(tree)
    imports = dict(_imported([*_front(file), *tree.body], package))
    own = {name for name, origin in imports.items() if origin.partition(".")[0] == package.partition(".")[0]}
    bound: dict[str, list[ast.stmt]] = {}
    effects: list[ast.stmt] = []
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            names = _bound(statement)
            for name in names:
                bound.setdefault(name, []).append(statement)
            if not names or _is_registered(statement, own):
                effects.append(statement)
    known = {**imports, **{name: f"{module}.{name}" for name in bound}}
    registered = {name: list(_registered_with(name, tree.body)) for name in bound}
    return ModuleText(
        {name: _definition([*bound[name], *registered[name]], known, package) for name in bound},
        imports,
        _definition(effects, known, package),
    )


def _front(file: Path) -> list[ast.stmt]:
    """Imports of the stub beside a package's ``__init__.py``, by which :mod:`lazy_loader` finds what it exports."""
    stub = file.with_suffix(".pyi")
    return ast.parse(stub.read_bytes()).body if stub.is_file() else []


def _definition(statements: list[ast.stmt], known: Mapping[str, str], package: str) -> Definition:
    text = "\n".join(ast.dump(statement) for statement in statements)
    uses = {name for statement in statements for name in _uses(statement, known, package)}
    return Definition(hashlib.sha256(text.encode()).hexdigest(), frozenset(uses))


def _uses(statement: ast.stmt, known: Mapping[str, str], package: str) -> Iterator[str]:
    """Full names of what a statement names: definitions, imports of the module and its own, and dotted strings."""
    inside = dict(_imported(ast.walk(statement), package))
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        # what is imported in an if or try at the top is used by others
        yield from inside.values()
    names = {**known, **inside}
    todo: list[ast.AST] = [statement]
    while todo:
        node = todo.pop()
        attributes: list[str] = []
        while isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
        if isinstance(node, ast.Name) and node.id in names:
            yield ".".join([names[node.id], *reversed(attributes)])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DOTTED.fullmatch(node.value):
            yield node.value
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield _origin(node, package)
        todo += ast.iter_child_nodes(node)


def _imported(statements: Iterable[ast.AST], package: str) -> Iterator[tuple[str, str]]:
    """Names that import statements bind, and what each stands for."""
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(node, package)
            for alias in node.names:
                yield alias.asname or alias.name, f"{origin}.{alias.name}"


def _origin(node: ast.ImportFrom, package: str) -> str:
    return resolve_name("." * node.level + (node.module or ""), package)


def _bound(statement: ast.AST) -> set[str]:
    """Names of the module that a statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inside = [one for field in STATEMENT_FIELDS for one in getattr(statement, field, []) if isinstance(one, ast.AST)]
    return names.union(*map(_bound, inside)) | {name for name, _ in _imported([statement], "")}


def _is_registered(statement: ast.stmt, imported: set[str]) -> bool:
    """Whether a decorator from another module of the package may keep what it decorates."""
    return any(node.id in imported for node in _names_of_decorators(statement))


def _registered_with(name: str, statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Definitions that are decorated by a name of their own module, as the cases of a ``singledispatch``."""
    return (one for one in statements if any(node.id == name for node in _names_of_decorators(one)))


def _names_of_decorators(statement: ast.stmt) -> Iterator[ast.Name]:
    for decorator in getattr(statement, "decorator_list", []):
        yield from (node for node in ast.walk(decorator) if isinstance(node, ast.Name))


def _leave_out_what_never_runs(node: ast.AST) -> None:
    """Docstrings, other bare strings, and what is for type checkers."""
    for field in STATEMENT_FIELDS:
        inside = getattr(node, field, None)
        if isinstance(inside, list):
            inside[:] = [one for one in inside if not (_is_bare_string(one) or _is_for_type_checkers(one))]
            for one in inside:
                _leave_out_what_never_runs(one)


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_type_checkers(node: ast.AST) -> bool:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Name) or node.test.id != "TYPE_CHECKING":
        return False
    # an else does run
    node.body = []
    return not node.orelse
