"""Which edits change the digest of a function's code."""

import functools
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from faircmr.incremental.code_digest import CodeDigests

MODULES = {
    "__init__.py": "",
    "nodes.py": '''
"""Two functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from small import far, front, methods, near, passed, table
from small.types import Plan, Scan

if TYPE_CHECKING:
    from small.hints import Hint

FACTOR = 2


def helper(value):
    """Halve."""
    return value / FACTOR  # half


def first(plan: Plan, hint: Hint):
    """First."""
    return helper(near.value())


def second(scan: Scan):
    from small.inner import value

    return value(), "small.named.Class"


def third():
    return far.value()


def fourth():
    return front.six(), table.look_up("one")


class Method(methods.Base):
    pass


def fifth():
    from small import lazy

    return vars(passed), lazy.fourteen, Method().go()


nested = lambda: third()
''',
    "near.py": "def value():\n    from small.deep import one\n\n    return one()\n",
    "deep.py": '''
"""Deep."""

UNUSED = 1


def one():
    """One."""
    return 1  # one


def zero():
    return 0
''',
    "far.py": "import small.deep\n\n\ndef value():\n    return small.deep.one()\n\n\ndef five():\n    return 5\n",
    "front/__init__.py": "from .inside import six, seven\n",
    "front/inside.py": "def six():\n    return 6\n\n\ndef seven():\n    return 7\n",
    "table.py": """
from functools import singledispatch

from small.registry import keep

try:
    from small.late import LATE
except ImportError:
    LATE = 12

TABLE = {}


@singledispatch
def look_up(name):
    return TABLE[name], LATE


@look_up.register
def _(name: int):
    return 8


def one():
    return 9


def two():
    return 9 + 2


@keep
def kept():
    return 10


def alone():
    return 11


TABLE["one"] = one
""",
    "registry.py": "KEPT = []\n\n\ndef keep(function):\n    KEPT.append(function)\n    return function\n",
    "passed.py": "def thirteen():\n    return 13\n",
    "lazy.py": "def __getattr__(name):\n    return 14\n",
    "methods.py": "class Base:\n    def go(self):\n        return 15\n\n\nclass Other:\n    pass\n",
    "inner.py": "def value():\n    return 2\n",
    "named.py": "class Class:\n    pass\n",
    "types.py": "class Plan:\n    pass\n\n\nclass Scan:\n    pass\n",
    "hints.py": "class Hint:\n    pass\n",
    "sub/__init__.py": "from .part import value\n",
    "sub/part.py": "def value():\n    return 3\n",
}


FUNCTIONS = ("first", "second", "third", "fourth", "fifth")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in MODULES.items():
        (tmp_path / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "small" / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path / "small"
    for name in [name for name in sys.modules if name.partition(".")[0] == "small"]:
        del sys.modules[name]


def nodes() -> ModuleType:
    return importlib.import_module("small.nodes")


def digests(*dotted_names: str) -> dict[str, str]:
    return {name: CodeDigests().of(getattr(nodes(), name), dotted_names) for name in FUNCTIONS}


def changed_by(small: Path, module: str, old: str, new: str, *dotted_names: str) -> list[str]:
    before = digests(*dotted_names)
    text = (small / module).read_text()
    assert old in text
    (small / module).write_text(text.replace(old, new))
    after = digests(*dotted_names)
    return [name for name in before if before[name] != after[name]]


@pytest.mark.parametrize(
    ("module", "old", "new", "expected"),
    [
        ("nodes.py", "# half", "# one half", []),
        ("nodes.py", "Halve", "Divide by two", []),
        ("nodes.py", "Two functions", "Three functions", []),
        ("deep.py", "  # one", "", []),
        ("deep.py", "One.", "The number one.", []),
        ("deep.py", "return 1", "return 11", ["first", "third"]),
        ("nodes.py", "FACTOR = 2", "FACTOR = 3", ["first"]),
        ("nodes.py", "value / FACTOR", "value // FACTOR", ["first"]),
        ("nodes.py", "return far.value()", "return -far.value()", ["third"]),
        ("near.py", "one()", "-one()", ["first"]),
        ("inner.py", "return 2", "return 22", ["second"]),
        ("named.py", "pass", "size = 1", ["second"]),
        ("types.py", "class Plan:\n    pass", "class Plan:\n    size = 1", ["first"]),
        ("types.py", "class Scan:\n    pass", "class Scan:\n    size = 1", ["second"]),
        # not named by anybody
        ("deep.py", "return 0", "return 10", []),
        ("deep.py", "UNUSED = 1", "UNUSED = 2", []),
        ("far.py", "return 5", "return 55", []),
        # through a package's front
        ("front/inside.py", "return 6", "return 66", ["fourth"]),
        ("front/inside.py", "return 7", "return 77", []),
        ("front/__init__.py", "from .inside import six, seven", "from .inside import seven, six", []),
        # what runs at the import, cases of a generic function, and what a decorator of another module keeps
        ("table.py", 'TABLE["one"] = one', 'TABLE["one"] = two', ["fourth"]),
        ("table.py", "return 8", "return 88", ["fourth"]),
        ("table.py", "return 9", "return 99", ["fourth"]),
        ("table.py", "return 10", "return 100", ["fourth"]),
        ("table.py", "return 11", "return 111", []),
        ("table.py", "LATE = 12", "LATE = 13", ["fourth"]),
        # a module that is passed on, and one that is asked for a name it does not define
        ("passed.py", "return 13", "return 133", ["fifth"]),
        ("lazy.py", "return 14", "return 144", ["fifth"]),
        ("methods.py", "return 15", "return 155", ["fifth"]),
        ("methods.py", "class Other:\n    pass", "class Other:\n    size = 1", []),
        ("hints.py", "pass", "size = 1", []),
        ("sub/part.py", "return 3", "return 33", []),
    ],
)
def test_changes_where_what_runs_changes(small: Path, module: str, old: str, new: str, expected: list[str]) -> None:
    assert changed_by(small, module, old, new) == expected


def test_follows_names_given_beside_the_function_through_packages_and_relative_imports(small: Path) -> None:
    assert changed_by(small, "sub/part.py", "return 3", "return 33", "small.sub.value") == [*FUNCTIONS]


def test_follows_no_library(small: Path) -> None:
    assert digests() == digests("json.JSONDecoder", "no.such.module", "/a/path", "word")


def test_does_not_depend_on_the_order_of_definitions(small: Path) -> None:
    before = digests()
    text = (small / "nodes.py").read_text()
    third = "def third():\n    return far.value()\n"
    (small / "nodes.py").write_text(text.replace(third, "").replace("FACTOR = 2", f"{third}\n\nFACTOR = 2"))

    assert digests() == before


def test_knows_arguments_bound_in_advance(small: Path) -> None:
    one, two = (functools.partial(nodes().helper, value) for value in (1, 2))

    assert CodeDigests().of(one) != CodeDigests().of(two)
    assert CodeDigests().of(one) == CodeDigests().of(functools.partial(nodes().helper, 1))


def test_takes_the_whole_module_of_a_function_that_has_no_definition_of_its_own(small: Path) -> None:
    before = CodeDigests().of(nodes().nested)
    (small / "nodes.py").write_text((small / "nodes.py").read_text().replace("FACTOR = 2", "FACTOR = 3"))

    assert CodeDigests().of(nodes().nested) != before


def test_loads_nothing_to_find_out(small: Path) -> None:
    CodeDigests().of(nodes().second)

    assert "small.inner" not in sys.modules
    assert "small.named" not in sys.modules
