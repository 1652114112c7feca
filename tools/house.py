"""Count modules, their size and their imports, and the modules that a step or a subject crosses.

    python tools/house.py            # what lies in src
    python tools/house.py --run      # and what runs, by a profiler, in a tiny study in a temporary folder

A line of code is one that holds a statement, not blank, comment or docstring. Import lines are those of import
statements. An importer is another module of the package; who imports from a package's front imports the module that
defines the name. Fronts count as modules; the stubs beside them, which list one export a line, are no code.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import io
import statistics
import sys
import tempfile
import threading
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from kedro.framework.hooks import hook_impl

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "faircmr"
NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
FRONT = 2
"""Lines of code of a package's ``__init__.py`` that exports by a stub."""
TRAINING_STEP = ("faircmr.segmentation.training.loop", "_train_epoch")
"""What trains one epoch, of one step in the tiny study."""
WAY_OF_A_SUBJECT = (
    *("index_cohort", "divide_cohort", "split_cohort", "fingerprint_dataset", "plan_study", "preprocess_cohort"),
    *("baseline.select_training_cohort", "baseline.select_prediction_cohort", "baseline.choose_postprocessing"),
    *("baseline.predict", "baseline.score", "baseline.tabulate", "compare_strategies"),
)
"""Nodes from the cohort to Table 2, but for training."""


@dataclass(frozen=True)
class Module:
    """One module: its lines of code, those of them that are imports, and what it imports of the package."""

    code: int
    imports: int
    imported: frozenset[str]


def modules_of(source: Path) -> dict[str, Module]:
    paths = {name_of(path, source): path for path in sorted(source.rglob("*.py"))}
    fronts = {name: inside for path in sorted(source.rglob("*.pyi")) for name, inside in exported(path, source)}
    return {name: read(path, name, frozenset(paths), fronts) for name, path in paths.items()}


def exported(stub: Path, source: Path) -> Iterator[tuple[str, str]]:
    """Full names that a package exports, each with the module inside that defines it."""
    package = name_of(stub, source)
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            yield from ((f"{package}.{alias.name}", f"{package}.{node.module}") for alias in node.names)


def name_of(path: Path, source: Path) -> str:
    return ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")


def read(path: Path, name: str, known: frozenset[str], fronts: Mapping[str, str]) -> Module:
    text = path.read_text()
    tree = ast.parse(text)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {found for node in statements for found in names_in(node, package)}
    imported = {one if one in known else fronts.get(one, one.rpartition(".")[0]) for one in names} & known
    lines = {line for node in statements for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}
    code = code_lines(text) - documentation(tree)
    return Module(len(code), len(lines & code), frozenset(imported - {name}))


def names_in(node: ast.Import | ast.ImportFrom, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
    origin = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{origin}.{alias.name}" for alias in node.names]


def code_lines(text: str) -> set[int]:
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    spans = (range(one.start[0], one.end[0] + 1) for one in tokens if one.type not in NO_CODE)
    return {line for span in spans for line in span}


def documentation(tree: ast.Module) -> set[int]:
    """Lines of docstrings and of the strings that describe a constant."""
    strings = (
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )
    return {line for one in strings for line in range(one.lineno, (one.end_lineno or one.lineno) + 1)}


def counts(source: Path) -> dict[str, str]:
    modules = modules_of(source)
    modules = {name: one for name, one in modules.items() if one.code}
    code = sum(one.code for one in modules.values())
    importers: dict[str, int] = defaultdict(int)
    for module in modules.values():
        for name in module.imported:
            importers[name] += 1
    sizes = [one.code for one in modules.values()]
    return {
        "modules": str(len(modules)),
        "modules without the fronts of packages": str(sum(one.code > FRONT for one in modules.values())),
        "lines of code": str(code),
        "lines of code a module, mean": f"{code / len(modules):.0f}",
        "lines of code a module, median": f"{statistics.median(sizes):.0f}",
        "share of import lines": f"{100 * sum(one.imports for one in modules.values()) / code:.1f} %",
        "modules with one importer": str(sum(count == 1 for count in importers.values())),
    }


@dataclass
class Crossed:
    """A hook that notes which modules of the package run functions, in each node and in a step of training."""

    nodes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    step: set[str] = field(default_factory=set)
    node: str = ""
    in_step: bool = False

    @hook_impl
    def before_dataset_loaded(self, node: Any) -> None:
        self.node = node.name

    @hook_impl
    def before_node_run(self, node: Any) -> None:
        self.node = node.name

    @hook_impl
    def after_dataset_saved(self) -> None:
        self.node = ""

    def note(self, frame: FrameType, event: str, _: object) -> None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(f"{PACKAGE}."):
            return
        if (module, frame.f_code.co_name) == TRAINING_STEP and event in {"call", "return"}:
            self.in_step = event == "call"
        # the body of a class runs when its module is imported
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED:
            self.nodes[self.node].add(module)
            if self.in_step:
                self.step.add(module)


def crossed() -> dict[str, str]:
    """Run a tiny study under a profiler."""
    sys.path.insert(0, str(REPOSITORY))
    from tests.end_to_end.embedded import EmbeddedStudy
    from tests.studies import write_tiny_project

    hook = Crossed()
    with tempfile.TemporaryDirectory() as folder:
        study = EmbeddedStudy(write_tiny_project(Path(folder) / "project", REPOSITORY))
        threading.setprofile(hook.note)
        sys.setprofile(hook.note)
        try:
            study.run("baseline", "evaluation", hooks=(hook,))
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    way = set[str]().union(*(hook.nodes[name] for name in WAY_OF_A_SUBJECT))
    return {
        "modules that run in one training step": str(len(hook.step)),
        "modules on the way of a subject to Table 2": str(len(way)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, default=REPOSITORY / "src", help="src of another version")
    parser.add_argument("--run", action="store_true", help="run a tiny study, too")
    options = parser.parse_args()
    rows = counts(options.source) | (crossed() if options.run else {})
    print("| what | count |\n|---|---|")
    for name, count in rows.items():
        print(f"| {name} | {count} |")


if __name__ == "__main__":
    main()
