"""Errors that a user can fix: found in whatever wraps them, shown as one line, traceback in the log file."""

from __future__ import annotations

import os
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
from pathlib import Path

import click
from kedro.validation.exceptions import ParameterValidationError
from omegaconf.errors import GrammarParseError
from pydantic import ValidationError
from yaml import YAMLError

from faircmr.core.errors import FaircmrError, InvalidParameterError, OutputError
from faircmr.core.stopping import StoppedError, exit_status
from faircmr.core.validation import invalid
from faircmr.running.log_file import NAME, log_traceback
from faircmr.running.yaml_files import yaml_error

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
        return invalid(error, error.title, ())
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
