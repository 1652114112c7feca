"""Which edits change the digest of a function's code."""

import functools
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from faircmr.incremental.code_digest import code_digest

MODULES = {
    "__init__.py": "",
    "nodes.py": '''
"""Two functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from small import far, near
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


nested = lambda: third()
''',
    "near.py": "def value():\n    from small.deep import one\n\n    return one()\n",
    "deep.py": '"""Deep."""\n\n\ndef one():\n    """One."""\n    return 1  # one\n',
    "far.py": "import small.deep\n\n\ndef value():\n    return small.deep.one()\n",
    "inner.py": "def value():\n    return 2\n",
    "named.py": "class Class:\n    pass\n",
    "types.py": "class Plan:\n    pass\n\n\nclass Scan:\n    pass\n",
    "hints.py": "class Hint:\n    pass\n",
    "sub/__init__.py": "from .part import value\n",
    "sub/part.py": "def value():\n    return 3\n",
}


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
    return {name: code_digest(getattr(nodes(), name), dotted_names) for name in ("first", "second", "third")}


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
        ("types.py", "class Plan:\n    pass", "class Plan:\n    size = 1", ["first", "second"]),
        ("hints.py", "pass", "size = 1", []),
        ("sub/part.py", "return 3", "return 33", []),
    ],
)
def test_changes_where_what_runs_changes(small: Path, module: str, old: str, new: str, expected: list[str]) -> None:
    assert changed_by(small, module, old, new) == expected


def test_follows_names_given_beside_the_function_through_packages_and_relative_imports(small: Path) -> None:
    assert changed_by(small, "sub/part.py", "return 3", "return 33", "small.sub.value") == ["first", "second", "third"]


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

    assert code_digest(one) != code_digest(two)
    assert code_digest(one) == code_digest(functools.partial(nodes().helper, 1))


def test_takes_the_whole_module_of_a_function_that_has_no_definition_of_its_own(small: Path) -> None:
    before = code_digest(nodes().nested)
    (small / "nodes.py").write_text((small / "nodes.py").read_text().replace("FACTOR = 2", "FACTOR = 3"))

    assert code_digest(nodes().nested) != before


def test_loads_nothing_to_find_out(small: Path) -> None:
    code_digest(nodes().second)

    assert "small.inner" not in sys.modules
    assert "small.named" not in sys.modules
