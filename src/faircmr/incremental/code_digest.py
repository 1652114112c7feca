"""Digest of the code that a function runs, without comments and docstrings.

It counts, definition by definition: the function, the functions, classes and constants that it names, what those name,
and so on through the modules of a package. An edit of a helper reaches exactly the functions that can call it; an edit
of a comment, or of another function in the same file, reaches none.

Where more may run than is named, more counts. A module that is passed on whole, or asked for a name that it does not
define, counts whole. Of a module of which anything counts, what runs at its import without binding a name counts too.

Only the function's own package and this one are followed, never libraries. A string that is a dotted name
(``"faircmr.sources.acdc.Acdc"``) counts as the use of it.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from faircmr.incremental.definitions import Definition, read_module, source_file

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
        return hashlib.sha256("\n".join([*bound, *reached]).encode()).hexdigest()[:32]

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
