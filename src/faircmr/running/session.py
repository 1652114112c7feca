"""Kedro session that runs only nodes whose outputs are missing or stale, and prints errors in one line."""

from __future__ import annotations

import inspect
import logging
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click
import pandas as pd
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.project import settings
from kedro.framework.session import KedroSession
from kedro.pipeline import Pipeline
from kedro.runner import AbstractRunner, SequentialRunner
from kedro.utils import find_kedro_project

from faircmr.core import InvalidParameterError, ProjectNotFoundError, nearest_name
from faircmr.core.host import interruption_as_error, stop_on_signals, write_atomically
from faircmr.incremental import IncrementalCatalog, path_of
from faircmr.running.command_line import check_choices
from faircmr.running.logs import log_to_file, one_clear_line, warnings_once

logger = logging.getLogger(__name__)

IGNORE_ALL = "# Written by faircmr: data of a study, and its table of ids, are never committed.\n*\n"
ANY_FILE = "01_raw/key.csv"


def keep_out_of_git(study: Path) -> None:
    """Write a ``.gitignore`` with ``*`` into a study's folder that is in a git work tree and not ignored there.

    A folder that has a ``.gitignore`` of its own is left as it is, with a warning.

    Raises:
        OutputError: The folder cannot be written.
    """
    if not _in_work_tree(study) or _is_ignored(study):
        return
    file = study / ".gitignore"
    if file.exists():
        logger.warning("git does not ignore data_root, and data_root has a .gitignore of its own: add a line * to it")
        return
    write_atomically(file, IGNORE_ALL.encode())
    logger.warning("data_root is inside of a git work tree: wrote .gitignore there, so that no file is committed")


def _in_work_tree(study: Path) -> bool:
    place = study.resolve()
    return any((folder / ".git").exists() for folder in (place, *place.parents))


def _is_ignored(study: Path) -> bool:
    place = study.resolve()
    above = next(folder for folder in (place, *place.parents) if folder.is_dir())
    command = ["git", "-C", str(above), "check-ignore", "--quiet", str(place / ANY_FILE)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:  # no git here; others may have it
        return False


class StoppableRunner(AbstractRunner):
    """Another runner, whose run a signal ends with an error: Kedro tells its hooks of nothing else.

    Args:
        runner: The one that runs the nodes.
    """

    def __init__(self, runner: AbstractRunner) -> None:
        super().__init__()
        self._runner = runner

    def __str__(self) -> str:
        return str(self._runner)

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """As the other runner.

        Raises:
            StoppedError: A signal has interrupted it.
        """
        with interruption_as_error():
            return self._runner.run(*args, **options)

    def _run(self, *args: Any, **options: Any) -> None:
        self._runner._run(*args, **options)  # noqa: SLF001 - Kedro's own part of a runner, as is the next

    def _get_executor(self, max_workers: int) -> Executor | None:
        return self._runner._get_executor(max_workers)  # noqa: SLF001


MOST_LINES = 8
"""Results up to which each has a line of its own."""
LABEL_IMAGES = "predictions"
"""What people open in a viewer, though scores or volumes are made of it: by the last part of its name."""
Render = Callable[[pd.DataFrame, str], str]
"""What makes text of a table and its title."""


def summarise(pipeline: Pipeline, catalog: IncrementalCatalog) -> str:
    """Tables to be shown among the outputs of a pipeline, and the paths of what it ends in.

    Args:
        pipeline: All of it, also nodes that had nothing to do.
        catalog: Expects the keys of the pipeline's outputs; what does not have them is not shown.

    Returns:
        Text for the terminal; empty where there is nothing to show.
    """
    from faircmr.reporting import SHOWN

    made = [name for node in pipeline.nodes for name in node.outputs]
    tables = [name for last in SHOWN for name in made if name.rpartition(".")[2] == last]
    blocks = [block for name in tables for block in _table(name, catalog, *SHOWN[name.rpartition(".")[2]])]
    ends = pipeline.outputs() | {name for name in made if name.rpartition(".")[2] == LABEL_IMAGES}
    places = {name: path_of(catalog[name]) for name in sorted(ends) if catalog.exists(name)}
    return "\n\n".join([*blocks, "\n".join(_locations(places))]).strip()


def _table(name: str, catalog: IncrementalCatalog, render: Render, title: str) -> Iterator[str]:
    if catalog.exists(name):
        text = render(catalog.load(name), title.format(strategy=name.rpartition(".")[0]))
        yield from [text] if text else []
    elif (dataset := catalog.get(name)) is not None and dataset.exists():
        yield f"{name} is of an earlier state of the study and not shown."


def _locations(places: Mapping[str, Path | None]) -> Iterator[str]:
    """A line for each result; of many, for each page, and for each folder of the others."""
    known = {name: path for name, path in places.items() if path is not None}
    pages = {name: path for name, path in known.items() if len(known) <= MOST_LINES or path.suffix == ".html"}
    yield from (f"{name}: {_relative_to_cwd(path)}" for name, path in pages.items())
    yield from _folders(path for name, path in known.items() if name not in pages)


def _folders(paths: Iterable[Path]) -> Iterator[str]:
    for folder, count in sorted(Counter(path.parent for path in paths).items()):
        yield f"{_relative_to_cwd(folder)}: {count} result{'s' if count > 1 else ''}"


def _relative_to_cwd(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


class StudySession(KedroSession):
    """Kedro's session, with nothing done twice."""

    @classmethod
    def create(cls, *args: Any, **options: Any) -> KedroSession:
        """As :meth:`KedroSession.create`, where there is a configuration.

        Raises:
            ProjectNotFoundError: No configuration is named, and there is none in this folder or a project above it.
        """
        with one_clear_line(None):
            choices = inspect.signature(KedroSession.create).bind(*args, **options).arguments
            project = Path(choices.get("project_path") or find_kedro_project(Path.cwd()) or Path.cwd())
            if choices.get("conf_source") is None and not (project / settings.CONF_SOURCE).is_dir():
                raise ProjectNotFoundError.here()
        return super().create(*args, **options)

    def run(self, *args: Any, **options: Any) -> dict[str, Any]:
        """Run as :meth:`KedroSession.run` does, but only nodes with an output that is missing or stale.

        Nodes that are named, or from which on to run, run in any case.

        Raises:
            click.ClickException: Inside a command, for every error that a user can fix.
        """
        log_to_file(self._project_path)
        with warnings_once(), one_clear_line(self._project_path), _stopping_in_a_command():
            choices = inspect.signature(KedroSession.run).bind(self, *args, **options).arguments
            choices.pop("self")
            check_choices(choices)
            named = choices.get("node_names") or choices.get("from_nodes")
            choices["runner"] = _stoppable(choices.get("runner") or SequentialRunner())
            choices["only_missing_outputs"] = choices.get("only_missing_outputs", False) or not named
            return super().run(**choices)

    def load_context(self) -> KedroContext:
        """Load configuration; see :meth:`run` for errors."""
        with one_clear_line(self._project_path):
            try:
                return super().load_context()
            except MissingConfigException:
                raise _missing_configuration(Path(self._conf_source), self.store.get("env")) from None


def _missing_configuration(conf: Path, env: str | None) -> InvalidParameterError:
    """Which part of the configuration is not there.

    Args:
        conf: Its folder, or an archive, into which is not looked.
        env: Value of ``--env``; ``None`` for Kedro's default, ``local``.
    """
    base = str(settings.CONFIG_LOADER_ARGS["base_env"])
    environment = env or str(settings.CONFIG_LOADER_ARGS["default_run_env"])
    if not conf.exists() or (conf.is_dir() and not (conf / base).is_dir()):
        found = f"no folder {base} in it" if conf.is_dir() else "not there"
        remedy = "name the folder conf of a clone of faircmr, or leave out --conf-source in a clone"
        return InvalidParameterError("--conf-source", found, f"a folder of configuration with a folder {base}", remedy)
    if conf.is_file() or (conf / environment).is_dir():
        found, permitted = "no catalog or parameters in it", f"catalog*.yml and parameters*.yml in its folder {base}"
        return InvalidParameterError("configuration", found, permitted, "restore them from a clone of faircmr")
    known = sorted(folder.name for folder in conf.iterdir() if folder.is_dir() and folder.name != base)
    similar = f"did you mean {nearest_name(environment, known)}? If not, " if env and known else ""
    remedy = f"{similar}create the folder {environment} in the folder of the configuration"
    permitted = f"one of: {', '.join(known) or 'none yet'}"
    return InvalidParameterError("--env", repr(environment), permitted, remedy)


def _stopping_in_a_command() -> AbstractContextManager[None]:
    """A command ends at a signal, and soon; in a notebook the kernel decides what an interrupt does."""
    return nullcontext() if click.get_current_context(silent=True) is None else stop_on_signals()


def _stoppable(runner: object) -> object:
    """A runner that signals end; of what is none, such as a class, Kedro says it better."""
    return StoppableRunner(runner) if isinstance(runner, AbstractRunner) else runner
