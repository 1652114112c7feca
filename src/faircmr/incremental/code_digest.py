"""Digest of the code that a function runs, without comments and docstrings.

Source files are parsed, not imported, so that a digest of the training code does not load torch.

The digest includes the function, the functions, classes and constants that it names, what those name, and so on through
the modules of a package. An edit of a helper changes the digests of exactly the functions that can call it. An edit of
a comment, or of an unrelated function in the same file, changes no digest.

A module is included whole if it is used as an object, or if it does not define a name that is requested of it. If any
part of a module is included, so are its top-level statements that bind no name, because they run at import.

Only the function's own package and this one are followed, never libraries. A string that is a dotted name
(``"faircmr.sources.acdc.Acdc"``) counts as a use of that name.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import resolve_name
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from faircmr.core import text_digest

DOTTED = re.compile(r"\w+(\.\w+)+")
STATEMENT_FIELDS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Fields of syntax trees that contain statements; expressions have none."""


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
        definitions: Statements that bind each top-level name of the module, except imports.
        imports: Full dotted name behind each name that the module imports.
        effects: Statements that run at import and bind no name, or bind one in another module.
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
    """Source file of a module whose top-level package is loaded; ``None`` if it has none."""
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
    _remove_code_that_never_runs(tree)
    imports = dict(_imported_names([*_stub_imports(file), *tree.body], package))
    own = {name for name, origin in imports.items() if origin.partition(".")[0] == package.partition(".")[0]}
    bound: dict[str, list[ast.stmt]] = {}
    effects: list[ast.stmt] = []
    for statement in tree.body:
        if not isinstance(statement, ast.Import | ast.ImportFrom):
            names = _bound_names(statement)
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


def _stub_imports(file: Path) -> list[ast.stmt]:
    """Imports in the stub next to ``__init__.py``, from which :mod:`lazy_loader` takes a package's exports."""
    stub = file.with_suffix(".pyi")
    return ast.parse(stub.read_bytes()).body if stub.is_file() else []


def _definition(statements: list[ast.stmt], known: Mapping[str, str], package: str) -> Definition:
    text = "\n".join(ast.dump(statement) for statement in statements)
    uses = {name for statement in statements for name in _used_names(statement, known, package)}
    return Definition(hashlib.sha256(text.encode()).hexdigest(), frozenset(uses))


def _used_names(statement: ast.stmt, known: Mapping[str, str], package: str) -> Iterator[str]:
    """Full dotted names that a statement uses: definitions, imports (also its own), and dotted strings."""
    inside = dict(_imported_names(ast.walk(statement), package))
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
            yield _imported_module(node, package)
        todo += ast.iter_child_nodes(node)


def _imported_names(statements: Iterable[ast.AST], package: str) -> Iterator[tuple[str, str]]:
    """Names that import statements bind, each with its full dotted name."""
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield (alias.asname, alias.name) if alias.asname else (alias.name.partition(".")[0],) * 2
        elif isinstance(node, ast.ImportFrom):
            origin = _imported_module(node, package)
            for alias in node.names:
                yield alias.asname or alias.name, f"{origin}.{alias.name}"


def _imported_module(node: ast.ImportFrom, package: str) -> str:
    return resolve_name("." * node.level + (node.module or ""), package)


def _bound_names(statement: ast.AST) -> set[str]:
    """Names of the module that a statement binds."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    inside = [one for field in STATEMENT_FIELDS for one in getattr(statement, field, []) if isinstance(one, ast.AST)]
    return names.union(*map(_bound_names, inside)) | {name for name, _ in _imported_names([statement], "")}


def _is_registered(statement: ast.stmt, imported: set[str]) -> bool:
    """Whether a decorator from another module of the package may keep what it decorates."""
    return any(node.id in imported for node in _names_of_decorators(statement))


def _registered_with(name: str, statements: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Definitions that are decorated by a name of their own module, as the cases of a ``singledispatch``."""
    return (one for one in statements if any(node.id == name for node in _names_of_decorators(one)))


def _names_of_decorators(statement: ast.stmt) -> Iterator[ast.Name]:
    for decorator in getattr(statement, "decorator_list", []):
        yield from (node for node in ast.walk(decorator) if isinstance(node, ast.Name))


def _remove_code_that_never_runs(node: ast.AST) -> None:
    """Remove docstrings, other bare strings, and code for type checkers."""
    for field in STATEMENT_FIELDS:
        inside = getattr(node, field, None)
        if isinstance(inside, list):
            inside[:] = [one for one in inside if not (_is_bare_string(one) or _is_for_type_checkers(one))]
            for one in inside:
                _remove_code_that_never_runs(one)


def _is_bare_string(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _is_for_type_checkers(node: ast.AST) -> bool:
    if not isinstance(node, ast.If) or not isinstance(node.test, ast.Name) or node.test.id != "TYPE_CHECKING":
        return False
    # an else does run
    node.body = []
    return not node.orelse


OWN_PACKAGE = __name__.partition(".")[0]


class _Step(NamedTuple):
    """Definitions that a dotted name refers to, each with its digest, and the dotted names that they use."""

    definitions: Mapping[str, str] = MappingProxyType({})
    uses: frozenset[str] = frozenset()


class CodeDigests:
    """Digests of the current code; each file is read once for all functions."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}

    def of(self, function: Callable[..., Any], dotted_names: Iterable[str] = ()) -> str:
        """Digest of a function's code and of all code of its own package that it reaches.

        Args:
            function: A function, or a ``functools.partial`` of one.
            dotted_names: Modules, or objects in modules, that count as well, e.g. classes that save the
                function's outputs.

        Returns:
            Hexadecimal digest. It changes with what Python would run, not with comments, docstrings,
            layout, the order of definitions, or definitions that are not used.
        """
        bound: list[str] = []
        while isinstance(function, functools.partial):
            bound.append(repr((function.args, function.keywords)))
            function = function.func
        reached = [" ".join(one) for one in sorted(self.reached(function, dotted_names).items())]
        return text_digest("\n".join([*bound, *reached]))

    def reached(self, function: Callable[..., Any], dotted_names: Iterable[str] = ()) -> dict[str, str]:
        """Every definition that a function uses, directly or not, with the digest of its statements.

        The arguments are the same as for :meth:`of`.
        """
        function = inspect.unwrap(function)
        # of a method its class counts
        name = getattr(function, "__qualname__", "").partition(".")[0]
        followed = {function.__module__.partition(".")[0], OWN_PACKAGE}
        reached, seen = dict[str, str](), set[str]()
        todo = [f"{function.__module__}.{name}", *dotted_names]
        while todo:
            name = todo.pop()
            if name not in seen and name.partition(".")[0] in followed:
                seen.add(name)
                step = self._step(name)
                reached |= step.definitions
                todo += step.uses
        return reached

    def _step(self, name: str) -> _Step:
        if name not in self._steps:
            self._steps[name] = _look_up(name)
        return self._steps[name]


def _look_up(name: str) -> _Step:
    module = name
    while module and source_file(module) is None:
        module = module.rpartition(".")[0]
    if not module:
        return _Step()
    code = read_module(module)
    first, _, attributes = name[len(module) + 1 :].partition(".")
    if first in code.imports:
        # a package's front passes on what a module inside defines
        return _Step(uses=frozenset({f"{code.imports[first]}.{attributes}".rstrip(".")}))
    if first in code.definitions:
        return _combined_step(module, {first: code.definitions[first], "": code.effects})
    whole = _combined_step(module, {**code.definitions, "": code.effects})
    return whole._replace(uses=whole.uses | frozenset(code.imports.values()))


def _combined_step(module: str, definitions: dict[str, Definition]) -> _Step:
    return _Step(
        {f"{module}.{name}": definition.digest for name, definition in definitions.items()},
        frozenset(use for definition in definitions.values() for use in definition.uses),
    )
