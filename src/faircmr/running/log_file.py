"""The log file: what the console shows, and the tracebacks that it does not.

It lies in the project's folder, never below ``data_root``, and is made when there is something to log.
A handler in ``conf/logging.yml`` would need the folder beforehand and would follow the current
directory.
"""

from __future__ import annotations

import copy
import logging
import sys
import traceback
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from faircmr.core.errors import FaircmrError

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
