"""Every text of the package that a user may read, found in its syntax trees, and every name that it may use."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import click
from kedro.framework.cli.project import run as kedro_run
from pydantic import BaseModel

from faircmr.core import known_paths
from faircmr.datasets import CohortDataset
from faircmr.mitigation import StrategyParameters
from faircmr.pipeline_registry import register_pipelines
from faircmr.running import READ_BY_NO_NODE
from faircmr.running.configuration import _models
from faircmr.sources.nnunet import NnunetParameters
from faircmr.sources.ukbb import UkbbParameters
from tests.architecture.configuration import ENVIRONMENTS, REPOSITORY, catalog, loader

SOURCE = REPOSITORY / "src" / "faircmr"
STRATEGY = "<strategy>"
"""What stands for the name of a strategy where a message does not know it."""
HOLE = "{}"
"""What stands for a value that a message is filled with."""


@dataclass(frozen=True)
class Message:
    """One text.

    Attributes:
        place: File and line below ``src/faircmr``.
        text: With :data:`HOLE` for every value.
    """

    place: str
    text: str


@cache
def messages() -> tuple[Message, ...]:
    """Texts of several words that are no documentation of the code, from all modules."""
    return tuple(message for path in sorted(SOURCE.rglob("*.py")) for message in _messages_of(path))


def _messages_of(path: Path) -> Iterator[Message]:
    tree = ast.parse(path.read_text())
    documentation = {id(text) for node in ast.walk(tree) for text in _bare_texts(node)}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        text = None if id(node) in documentation | parts else text_of(node)
        if text is not None and " " in text.strip():
            yield Message(f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)}", text)


def _bare_texts(node: ast.AST) -> Iterator[ast.AST]:
    body = getattr(node, "body", None)
    for statement in body if isinstance(body, list) else ():
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            yield statement.value


def text_of(node: ast.AST | None) -> str | None:
    """A literal as a text, also one with values in it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(HOLE if isinstance(part, ast.FormattedValue) else text_of(part) or "" for part in node.values)
    return None


# --- what there is ---


@cache
def parameter_names() -> frozenset[str]:
    """Every name that ``--params`` or an entry of the catalog can set, with dots; of strategies by :data:`STRATEGY`."""
    models = _models(register_pipelines()) | READ_BY_NO_NODE
    of_nodes = {path for name, model in models.items() for path in (name, *known_paths(model, name))}
    of_strategies = {f"{STRATEGY}.strategy.{path}" for path in known_paths(StrategyParameters, "")}
    return frozenset(of_nodes | of_strategies | _settings() | _of_entries())


def _settings() -> set[str]:
    settings = loader("base")["globals"]
    return {path for name, value in settings.items() for path in (name, *_below(name, value))}


def _below(name: str, value: object) -> Iterator[str]:
    for key, one in value.items() if isinstance(value, dict) else ():
        yield f"{name}.{key}"
        yield from _below(f"{name}.{key}", one)


def _of_entries() -> set[str]:
    sources: tuple[type[BaseModel], ...] = (NnunetParameters, UkbbParameters)
    own = {path for model in sources for path in known_paths(model, "cohort.parameters")}
    arguments = set(CohortDataset.__init__.__annotations__) - {"return", "metadata"}
    return own | {f"{entry}.{name}" for entry in ("cohort", "unlabelled") for name in arguments}


@cache
def roots() -> frozenset[str]:
    """First parts of those names, and of names that a strategy's parameters have among themselves."""
    of_strategies = {path.partition(".")[0] for path in known_paths(StrategyParameters, "")}
    return frozenset({name.partition(".")[0] for name in parameter_names()} | of_strategies - {"input", "name"})


@cache
def study_files() -> frozenset[str]:
    """Files and folders of a study below ``data_root`` as the catalogs name them, and their own names."""
    root = "/study"
    entries = [entry for name in ENVIRONMENTS for entry in catalog(name, data_root=root).values()]
    values = {str(value) for entry in entries for value in entry.values() if str(value).startswith(f"{root}/")}
    places = {value.removeprefix(f"{root}/") for value in values} | WRITTEN_BY_CODE
    return frozenset({part for place in places for part in _prefixes(place)} | {Path(one).name for one in places})


WRITTEN_BY_CODE = {
    "01_raw/predict_key.csv",
    "05_model_input/tensors/manifest.json",
    "07_model_output/baseline/seed-0/predictions/predictions.json",
}
"""Files whose folder is in the catalog."""


def _prefixes(place: str) -> Iterator[str]:
    parts = Path(place).parts
    yield from ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


@cache
def options() -> frozenset[str]:
    """Options of ``kedro run``, which ``python -m faircmr`` shares."""
    command: click.Command = kedro_run
    return frozenset(name for option in command.params for name in (*option.opts, *option.secondary_opts))


@cache
def pipelines() -> frozenset[str]:
    return frozenset(register_pipelines())


@cache
def node_names() -> frozenset[str]:
    return frozenset(node.name for pipeline in register_pipelines().values() for node in pipeline.nodes)


@cache
def make_targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))


@cache
def extras() -> frozenset[str]:
    """Optional parts of the installation."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    return frozenset(project["project"]["optional-dependencies"])
