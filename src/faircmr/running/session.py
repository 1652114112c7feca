"""The session: a run does what is missing or stale, and ends expected errors with one line."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click
from kedro.config import MissingConfigException
from kedro.framework.context import KedroContext
from kedro.framework.project import settings
from kedro.framework.session import KedroSession
from kedro.runner import AbstractRunner, SequentialRunner
from kedro.utils import find_kedro_project

from faircmr.core.errors import InvalidParameterError, ProjectNotFoundError
from faircmr.core.stopping import stopping_at_signals
from faircmr.core.validation import nearest
from faircmr.running.expected_errors import one_clear_line
from faircmr.running.log_file import log_to_file
from faircmr.running.run_choices import check_choices
from faircmr.running.stoppable_runner import StoppableRunner
from faircmr.running.warnings_once import warnings_once


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
            click.ClickException: Inside a command, for every error that a user can mend.
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
    similar = f"did you mean {nearest(environment, known)}? If not, " if env and known else ""
    remedy = f"{similar}create the folder {environment} in the folder of the configuration"
    permitted = f"one of: {', '.join(known) or 'none yet'}"
    return InvalidParameterError("--env", repr(environment), permitted, remedy)


def _stopping_in_a_command() -> AbstractContextManager[None]:
    """A command ends at a signal, and soon; in a notebook the kernel decides what an interrupt does."""
    return nullcontext() if click.get_current_context(silent=True) is None else stopping_at_signals()


def _stoppable(runner: object) -> object:
    """A runner that signals end; of what is none, such as a class, Kedro says it better."""
    return StoppableRunner(runner) if isinstance(runner, AbstractRunner) else runner
