"""What the processes of a fit tell the process that started them: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from faircmr.core.errors import FaircmrError
from faircmr.segmentation.reports import EpochReport


class CrashError(Exception):
    """An error that nobody expected, by its type alone: its text may quote what no message may hold."""


@dataclass(frozen=True)
class Warned:
    """What a process logs as a warning."""

    text: str


def message_of_epoch(report: EpochReport) -> str:
    """Line that says how far a fit is."""
    return json.dumps({"epoch": asdict(report)})


def message_of_warning(text: str) -> str:
    """Line that warns."""
    return json.dumps({"warning": text})


def message_of_error(error: Exception) -> str:
    """Line that says why a process ends: an expected error by its parts, any other by its type."""
    if isinstance(error, FaircmrError):
        parts = (error.offender, error.value, error.permitted, error.remedy)
        return json.dumps({"error": type(error).__name__, "parts": [str(part) for part in parts]})
    return json.dumps({"crash": type(error).__name__})


def read_message(line: str) -> EpochReport | Warned | FaircmrError | CrashError | None:
    """What a line says; ``None`` where it is something else that a process printed."""
    try:
        match json.loads(line):
            case {"epoch": dict(report)}:
                return EpochReport(**report)
            case {"warning": str(text)}:
                return Warned(text)
            case {"error": str(name), "parts": [offender, value, permitted, remedy]}:
                return _family()[name](offender, value, permitted, remedy)
            case {"crash": str(name)}:
                return CrashError(name)
    except (json.JSONDecodeError, TypeError, KeyError):
        pass
    return None


def _family() -> dict[str, type[FaircmrError]]:
    kinds: list[type[FaircmrError]] = [FaircmrError, *FaircmrError.__subclasses__()]
    return {kind.__name__: kind for kind in kinds}
