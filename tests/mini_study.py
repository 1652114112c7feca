"""A Kedro project of four nodes in a folder of its own, which runs in this process in no time.

``numbers`` -> double -> ``doubled`` -> spread -> ``parts`` (a folder) -> total -> ``a.table1``, and beside it
count (``numbers`` -> ``count``). ``deeper.py`` lies two modules below ``spread``.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kedro.framework import project as kedro_project
from kedro.framework.startup import bootstrap_project

from faircmr.running import LogFile, StudySession

FILES = {
    "pyproject.toml": """
[tool.kedro]
package_name = "mini_study"
project_name = "mini"
kedro_init_version = "1.7.0"
""",
    "src/mini_study/__init__.py": "",
    "src/mini_study/settings.py": "from faircmr.settings import *\n",
    "src/mini_study/pipeline_registry.py": """
from kedro.pipeline import node, pipeline

from mini_study import nodes


def register_pipelines():
    first = pipeline([
        node(nodes.double, ["numbers", "params:doubling"], "doubled", name="double", tags="early"),
        node(nodes.count, "numbers", "count", name="count", tags="early"),
    ])
    last = pipeline([
        node(nodes.spread, ["doubled", "old_parts"], "parts", name="spread"),
        node(nodes.total, ["parts", "optional", "params:a.strategy", "work"], "a.table1", name="total"),
    ])
    return {"__default__": first + last, "first": first, "last": last}
""",
    "src/mini_study/nodes.py": '''
"""Nodes."""

from pathlib import Path

import pandas as pd

from mini_study.models import Doubling, Strategy

RAN = Path(__file__).parents[2] / "ran.txt"


def ran(name):
    with RAN.open("a") as file:
        file.write(name + "\\n")


def double(numbers, doubling: Doubling):
    """Multiply."""
    ran("double")
    return [number * doubling.factor for number in numbers]


def count(numbers):
    ran("count")  # nothing else
    return len(numbers)


def spread(doubled, old_parts):
    from mini_study.deep import as_parts

    ran("spread")
    return as_parts(doubled)


def total(parts, optional, strategy: Strategy, work):
    ran("total")
    RAN.with_name("work.txt").write_text(work)
    row = {"attribute": "total", "group": "Total", "n": len(parts), "Avg": strategy.weight * sum(parts.values())}
    return pd.DataFrame([row])
''',
    "src/mini_study/deep.py": """
from mini_study.deeper import name_of


def as_parts(numbers):
    return {name_of(index): number for index, number in enumerate(numbers)}
""",
    "src/mini_study/deeper.py": '''
def name_of(index):
    """Name of a part."""
    return f"part-{index}"
''',
    "src/mini_study/models.py": """
from typing import Literal

from faircmr.core.errors import InvalidParameterError
from faircmr.core.parameters import Parameters


class Inner(Parameters):
    rotation: float = 0.0


class Doubling(Parameters):
    factor: int = 2
    inner: Inner = Inner()


class Strategy(Parameters):
    weight: float = 1.0
    sampler: Literal["random", "stratified"] = "random"
""",
    "src/mini_study/datasets.py": """
import json
from io import StringIO
from pathlib import Path

import pandas as pd
from kedro.io import AbstractDataset

from faircmr.core.errors import InvalidScanError


class Json(AbstractDataset):
    def __init__(self, filepath):
        self._filepath = Path(filepath)

    def load(self):
        if not self._filepath.exists():
            raise InvalidScanError("sub-0001 ED", "file missing", "a whole file", "mend it")
        return json.loads(self._filepath.read_text())

    def save(self, data):
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        self._filepath.write_text(json.dumps(data))

    def _exists(self):
        return self._filepath.is_file()

    def _describe(self):
        return {"filepath": str(self._filepath)}


class Document(Json):
    edits_count = True


class Table(Json):
    def load(self):
        return pd.read_csv(self._filepath)

    def save(self, data):
        self._filepath.write_text(data.to_csv(index=False))


class Optional(Json):
    def load(self):
        return super().load() if self._exists() else None


class Old(Json):
    ignored_by_keys = True

    def load(self):
        return None


class Parts(Json):
    def load(self):
        return {path.stem: json.loads(path.read_text()) for path in self.files()}

    def save(self, data):
        self._filepath.mkdir(parents=True, exist_ok=True)
        for name, value in data.items():
            (self._filepath / f"{name}.json").write_text(json.dumps(value))

    def files(self):
        return sorted(self._filepath.glob("part-*.json"))

    def _exists(self):
        return self._filepath.is_dir()


class Work(Json):
    ignored_by_keys = True

    def __init__(self, filepath, of):
        super().__init__(filepath)
        self.of, self.code = of, ""

    def load(self):
        return self.code
""",
    "conf/base/globals.yml": "data_root: data\n",
    "conf/base/catalog.yml": """
numbers: {type: mini_study.datasets.Json, filepath: data/numbers.json}
doubled:
  type: mini_study.datasets.Document
  filepath: ${globals:data_root}/doubled.json
count: {type: mini_study.datasets.Json, filepath: "${globals:data_root}/count.json"}
parts: {type: mini_study.datasets.Parts, filepath: "${globals:data_root}/parts"}
old_parts: {type: mini_study.datasets.Old, filepath: "${globals:data_root}/parts/manifest"}
optional: {type: mini_study.datasets.Optional, filepath: data/optional.json}
work: {type: mini_study.datasets.Work, filepath: data/work, of: a.table1}
"{strategy}.table1":
  type: mini_study.datasets.Table
  filepath: ${globals:data_root}/table1_{strategy}.csv
""",
    "conf/base/parameters.yml": """
doubling: {factor: 2, inner: {rotation: 1.0}}
a: {strategy: {weight: 1.0}}
incremental: {on_code_change: redo}
""",
    "conf/local/.gitkeep": "",
    "data/numbers.json": "[1, 2, 3]",
}
ALL = ["count", "double", "spread", "total"]


@dataclass(frozen=True)
class MiniStudy:
    """The project folder."""

    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, params: dict[str, Any] | None = None, **choices: Any) -> list[str]:
        """Run it; names of the nodes that ran, sorted."""
        record = self.folder / "ran.txt"
        record.unlink(missing_ok=True)
        with StudySession.create(self.folder, runtime_params=params) as session:
            session.run(**choices)
        return sorted(record.read_text().split()) if record.exists() else []

    def replace(self, file: str, old: str, new: str) -> None:
        """Edit a file of the project."""
        path = self.folder / file
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))


@contextmanager
def mini_study(folder: Path) -> Iterator[MiniStudy]:
    """Write the project and make it Kedro's current one for a while."""
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    path = list(sys.path)
    try:
        importlib.invalidate_caches()
        bootstrap_project(folder)
        yield MiniStudy(folder)
    finally:
        sys.path[:] = path
        for name in [name for name in sys.modules if name.partition(".")[0] == "mini_study"]:
            del sys.modules[name]
        for handler in [handler for handler in logging.getLogger().handlers if isinstance(handler, LogFile)]:
            logging.getLogger().removeHandler(handler)
            handler.close()
        kedro_project.pipelines.configure(None)
        kedro_project.PACKAGE_NAME = None
