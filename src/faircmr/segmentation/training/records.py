"""Records of a fit: results of epochs, the record of a finished fit, and JSON messages between processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from faircmr.core import FaircmrError, Omission, Parameters

WEIGHTS_NAME = "weights.safetensors"
OBJECTIVE_NAME = "objective.safetensors"
JOB_NAME = "job.json"
RECORD_NAME = "fit.json"


class EpochRecord(Parameters):
    """Result of one epoch.

    Attributes:
        loss: Mean training loss.
        validation_dsc: Mean over structures of the Dice over all validation samples, 0..1; ``None``
            if there was no validation after this epoch.
    """

    loss: float
    validation_dsc: float | None = None


class FitRecord(Parameters):
    """Record of a finished fit; written last, so it exists only together with complete weights.

    Attributes:
        name: Path below the strategy's models folder, e.g. ``seed-0-fold-1/shared``.
        seed: Training seed.
        fold: Fold whose training subjects were used, or ``None``.
        fingerprint: Of everything that determines the weights.
        history: One record for each epoch.
        weights_epoch: Epoch (from 1) whose weights were saved.
        serves: Opaque key of the subjects that it predicts; ``None`` means all subjects.
        predicts: Whether it predicts, or only provides initial weights for other fits.
        objective: Whether its objective has its own parameters or buffers, which were saved too.
    """

    name: str
    seed: int
    fold: int | None = None
    fingerprint: str
    history: tuple[EpochRecord, ...]
    weights_epoch: int
    serves: str | None = None
    predicts: bool = True
    objective: bool = False

    def files(self, folder: Path) -> tuple[Path, ...]:
        """Paths of the files of this fit."""
        names = (JOB_NAME, WEIGHTS_NAME, *((OBJECTIVE_NAME,) if self.objective else ()), RECORD_NAME)
        return tuple(folder / self.name / file for file in names)


class TrainedModels(Parameters):
    """All fits of one strategy.

    Attributes:
        folder: The strategy's models folder; each fit has a subfolder.
        fits: Ordered by seed, then fold; within these, fits that serve all subjects come first.
    """

    folder: Path
    fits: tuple[FitRecord, ...]

    @property
    def common(self) -> tuple[FitRecord, ...]:
        """Fits that predict all subjects."""
        return tuple(fit for fit in self.fits if fit.predicts and fit.serves is None)


def without_own_model(subjects: int, predicted: int, *, weighed: bool) -> list[Omission]:
    """Omission for subjects whose key has no network of its own while other keys have one; empty for 0 subjects.

    Args:
        subjects: Number of such subjects.
        predicted: Number of all predicted subjects.
        weighed: Whether the weighted mean of all keys' networks segments them.
    """
    segmented_by = "by all groups' models, weighed" if weighed else "by the shared model"
    reason = "they belong to no group with a model of its own"
    return (
        [Omission("predicted subjects", subjects, predicted, reason, outcome=f"segmented {segmented_by}")]
        if subjects
        else []
    )


@dataclass(frozen=True)
class EpochReport:
    """Report of a finished epoch.

    Attributes:
        name: The fit, e.g. ``seed-0/shared``.
        epoch: Finished epochs, from 1.
        epochs: Epochs of the schedule.
        loss: Mean training loss of the epoch.
        validation_dsc: Mean over structures, 0..1; ``None`` without validation after this epoch.
        seconds_left: Estimated from the pace since the fit was started or resumed.
    """

    name: str
    epoch: int
    epochs: int
    loss: float
    validation_dsc: float | None
    seconds_left: float


OnEpoch = Callable[[EpochReport], None]


def ignore_report(report: EpochReport) -> None:
    """Do nothing."""


class CrashError(Exception):
    """Unexpected error of a rank; has only the name of its type, because its text may contain identifying values."""


@dataclass(frozen=True)
class WarningMessage:
    """A warning that a rank has logged."""

    text: str


def epoch_message(report: EpochReport) -> str:
    """JSON line with the report of an epoch."""
    return json.dumps({"epoch": asdict(report)})


def warning_message(text: str) -> str:
    """JSON line with a warning."""
    return json.dumps({"warning": text})


def error_message(error: Exception) -> str:
    """JSON line with an error: the parts of an expected error, the type of any other."""
    if isinstance(error, FaircmrError):
        parts = (error.offender, error.value, error.permitted, error.remedy)
        return json.dumps({"error": type(error).__name__, "parts": [str(part) for part in parts]})
    return json.dumps({"crash": type(error).__name__})


def read_message(line: str) -> EpochReport | WarningMessage | FaircmrError | CrashError | None:
    """Parse a JSON line; ``None`` for any other output of a process."""
    try:
        match json.loads(line):
            case {"epoch": dict(report)}:
                return EpochReport(**report)
            case {"warning": str(text)}:
                return WarningMessage(text)
            case {"error": str(name), "parts": [offender, value, permitted, remedy]}:
                return _error_classes()[name](offender, value, permitted, remedy)
            case {"crash": str(name)}:
                return CrashError(name)
    except (json.JSONDecodeError, TypeError, KeyError):
        pass
    return None


def _error_classes() -> dict[str, type[FaircmrError]]:
    classes: list[type[FaircmrError]] = [FaircmrError, *FaircmrError.__subclasses__()]
    return {error_class.__name__: error_class for error_class in classes}
