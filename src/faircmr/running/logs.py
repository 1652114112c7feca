"""The log file, expected errors as one line, and warnings that are given once in a run.

It lies in the project's folder, never below ``data_root``, and is made when there is something to log.
A handler in ``conf/logging.yml`` would need the folder beforehand and would follow the current
directory.

What is left out is decided once and met often: a test scan without a label concerns every strategy, and a group without
training subjects every fit. The first to meet it logs it. The tables of what is left out
(:mod:`faircmr.core.omissions`) have it for every strategy.
"""

from __future__ import annotations

import copy
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from errno import (
    EACCES,
    EBUSY,
    EDQUOT,
    EIO,
    ELOOP,
    EMFILE,
    ENFILE,
    ENOSPC,
    ENOTCONN,
    ENXIO,
    EPERM,
    EROFS,
    ESTALE,
    ETIMEDOUT,
)
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

import click
from kedro.validation.exceptions import ParameterValidationError
from omegaconf.errors import GrammarParseError
from pydantic import ValidationError
from yaml import YAMLError

from faircmr.core import FaircmrError, InvalidParameterError, OutputError, parameter_error
from faircmr.core.host import StoppedError, exit_status
from faircmr.running.configuration import yaml_error

NAME = Path("logs/faircmr.log")
BYTES, OLD_FILES = 2_000_000, 3
FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class LogFile(RotatingFileHandler):
    """Makes its folder when first needed; a project that cannot be written has a console and no log file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter(FORMAT))

    def _open(self) -> TextIOWrapper:
        Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        return super()._open()

    def format(self, record: logging.LogRecord) -> str:
        """Text of a record; of an error that is not this project's own, which Kedro logs with its text, the type."""
        return super().format(_without_foreign_text(record))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name that logging calls
        """Give up the log file: a run is worth more than its log."""
        logging.getLogger().removeHandler(self)


def log_to_file(project: Path) -> LogFile:
    """Send what is logged from now on to the project's log file as well."""
    root = logging.getLogger()
    path = project / NAME
    for handler in [handler for handler in root.handlers if isinstance(handler, LogFile)]:
        if Path(handler.baseFilename) == path:
            return handler
        root.removeHandler(handler)
        handler.close()
    handler = LogFile(path)
    root.addHandler(handler)
    return handler


def log_traceback(error: BaseException, project: Path) -> None:
    """Write where an error came from to the log file alone.

    Of errors that are not this project's own only the type is written: their text may hold a path of
    the source, and with it a source id.
    """
    record = logging.LogRecord(__name__, logging.ERROR, __file__, 0, _frames(error), None, None)
    log_to_file(project).handle(record)


def _without_foreign_text(record: logging.LogRecord) -> logging.LogRecord:
    error = sys.exception()
    if error is None or record.levelno < logging.ERROR or not str(error) or _is_own(error):
        return record
    shown = copy.copy(record)
    shown.msg, shown.args = record.getMessage().replace(str(error), type(error).__name__), None
    return shown


def _is_own(error: BaseException | None) -> bool:
    """Whether an error is this project's own, or was caused by one: Kedro wraps those of data sets."""
    while error is not None:
        if isinstance(error, FaircmrError):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def _frames(error: BaseException) -> str:
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = [] if before is None else [_frames(before)]
    text = f": {error}" if isinstance(error, FaircmrError) else ""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return "\n".join([*earlier, f"Traceback (most recent call last):\n{frames}{type(error).__name__}{text}"])


OWN = __name__.partition(".")[0]


class OncePerRun(logging.Filter):
    """Passes the first of this project's warnings that say the same, and all other records."""

    def __init__(self) -> None:
        super().__init__()
        self._given: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to pass a record."""
        if record.levelno != logging.WARNING or record.name.partition(".")[0] != OWN:
            return True
        text = record.getMessage()
        if text in self._given:
            return False
        self._given.add(text)
        return True


@contextmanager
def warnings_once() -> Iterator[None]:
    """Let every handler of the root logger give each of this project's warnings once until the block ends."""
    # one for each: a record passes all handlers, and the first must not take it from the others
    filters = [(handler, OncePerRun()) for handler in logging.getLogger().handlers]
    for handler, once in filters:
        handler.addFilter(once)
    try:
        yield
    finally:
        for handler, once in filters:
            handler.removeFilter(once)


FAILURES_OF_MACHINE = frozenset(
    {EACCES, EPERM, EROFS, ENOSPC, EDQUOT, EIO, ESTALE, ENXIO, ENOTCONN, ETIMEDOUT, EBUSY, EMFILE, ENFILE, ELOOP}
)
"""Of the file system, its permissions and limits; not of a missing file, which may be a mistake in the code."""
TRACEBACK = f"{NAME} says in which step"


@contextmanager
def one_clear_line(project: Path | None) -> Iterator[None]:
    """End a command on an expected error with ``Error: <offender>: <value>; <permitted>; <what to do>``.

    Outside a command (a notebook, a test) errors pass as they are.

    Args:
        project: Folder of the project, below which the log file lies; ``None`` where there is no project and nothing is
            logged.

    Raises:
        click.ClickException: Click shows it as one line on stderr and exits with 1.
        click.exceptions.Exit: The run was stopped: its line is shown, and the command exits with 128 and the signal.
    """
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        if click.get_current_context(silent=True) is None:
            raise
        if project is not None:
            log_traceback(error, project)
        expected = expected_error(error)
        if expected is None:
            raise
        line = click.ClickException(in_one_line(expected))
        if isinstance(expected, StoppedError):
            line.show()
            raise click.exceptions.Exit(exit_status()) from None
        raise line from None


def in_one_line(error: BaseException) -> str:
    """What may be said of an error: the text of an expected one; of others, which may hold a path, their type."""
    expected = expected_error(error)
    return type(error).__name__ if expected is None else " ".join(str(expected).split())


def expected_error(error: BaseException | None) -> FaircmrError | None:
    """The expected error that an exception is, or was caused by."""
    while error is not None:
        translated = _translated(error)
        if translated is not None:
            return translated
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None


def _translated(error: BaseException) -> FaircmrError | None:
    if isinstance(error, FaircmrError):
        return error
    if isinstance(error, ValidationError):
        return parameter_error(error, error.title, ())
    if isinstance(error, ParameterValidationError):
        return InvalidParameterError("parameters", error, "see the models in the signatures of the nodes")
    if isinstance(error, YAMLError):
        return yaml_error(error, "configuration")
    if isinstance(error, GrammarParseError):
        found = f"{error.full_key or 'a value'} has an interpolation that cannot be read"
        return InvalidParameterError("configuration", found, "${globals:name}, whole", "write the value itself")
    return _failure_of_machine(error)


def _failure_of_machine(error: BaseException) -> FaircmrError | None:
    """The expected error of an exception that is no mistake in the code, whichever call it comes from."""
    if isinstance(error, MemoryError):
        remedy = "end other programs, lower workers, plans.batch_size or inference.batch_size, or use a larger machine"
        return FaircmrError("memory", "used up", "memory for this step", f"{remedy}; {TRACEBACK}")
    if isinstance(error, OSError) and error.errno in FAILURES_OF_MACHINE:
        found = os.strerror(error.errno)
        return OutputError("file system", found, "files and folders that this user can use", TRACEBACK)
    return None
