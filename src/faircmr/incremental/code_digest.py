"""Digest of the code that a function runs, without comments and docstrings.

Nothing is imported to find out, so that looking at the training code does not load torch.

It counts, definition by definition: the function, the functions, classes and constants that it names, what those name,
and so on through the modules of a package. An edit of a helper reaches exactly the functions that can call it; an edit
of a comment, or of another function in the same file, reaches none.

Where more may run than is named, more counts. A module that is passed on whole, or asked for a name that it does not
define, counts whole. Of a module of which anything counts, what runs at its import without binding a name counts too.

Only the function's own package and this one are followed, never libraries. A string that is a dotted name
(``"faircmr.sources.acdc.Acdc"``) counts as the use of it.
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


OWN_PACKAGE = __name__.partition(".")[0]


class _Step(NamedTuple):
    """Definitions that a dotted name stands for, each with its digest, and the dotted names that they use."""

    definitions: Mapping[str, str] = MappingProxyType({})
    uses: frozenset[str] = frozenset()


class CodeDigests:
    """Digests of the code as it stands now: files are looked at once, and not again for another function."""

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

        Args:
            function: As for :meth:`of`.
            dotted_names: As for :meth:`of`.
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
        return _joined(module, {first: code.definitions[first], "": code.effects})
    whole = _joined(module, {**code.definitions, "": code.effects})
    return whole._replace(uses=whole.uses | frozenset(code.imports.values()))


def _joined(module: str, definitions: dict[str, Definition]) -> _Step:
    return _Step(
        {f"{module}.{name}": definition.digest for name, definition in definitions.items()},
        frozenset(use for definition in definitions.values() for use in definition.uses),
    )
