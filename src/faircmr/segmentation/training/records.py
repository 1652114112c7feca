"""What a fit reports while it runs and leaves behind: epochs, messages between processes, records."""

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
    """What one epoch came to.

    Attributes:
        loss: Mean training loss.
        validation_dsc: Mean over structures of the Dice over all validation samples, 0..1; ``None``
            where this epoch was not validated.
    """

    loss: float
    validation_dsc: float | None = None


class FitRecord(Parameters):
    """One finished fit; written last, so that it exists only beside whole weights.

    Attributes:
        name: Place in the strategy's models folder, e.g. ``seed-0-fold-1/shared``.
        seed: Training seed.
        fold: Fold whose training subjects were used, or ``None``.
        fingerprint: Of everything that determines the weights.
        history: One record an epoch.
        weights_epoch: Epoch (from 1) whose weights were kept.
        serves: Opaque key of the subjects that it predicts; ``None`` predicts everybody.
        predicts: Whether it predicts at all, or is there for others to begin with.
        objective: Whether its objective has weights or memory of its own, which were kept too.
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
        """Files of this fit below a strategy's models folder."""
        names = (JOB_NAME, WEIGHTS_NAME, *((OBJECTIVE_NAME,) if self.objective else ()), RECORD_NAME)
        return tuple(folder / self.name / file for file in names)


class TrainedModels(Parameters):
    """Every fit of one strategy.

    Attributes:
        folder: The strategy's models folder, below which each fit has its own.
        fits: In the order of seeds, then folds; of one seed and fold, those that serve everybody first.
    """

    folder: Path
    fits: tuple[FitRecord, ...]

    @property
    def common(self) -> tuple[FitRecord, ...]:
        """Fits that predict everybody."""
        return tuple(fit for fit in self.fits if fit.predicts and fit.serves is None)


def without_own_model(subjects: int, predicted: int, *, weighed: bool) -> list[Omission]:
    """Subjects whose key has no network of its own, where other keys have one; none where there are no such subjects.

    Args:
        subjects: How many.
        predicted: Out of how many.
        weighed: Whether the networks of all keys segment them together.
    """
    how = "by all groups' models, weighed" if weighed else "by the shared model"
    reason = "they belong to no group with a model of its own"
    return [Omission("predicted subjects", subjects, predicted, reason, outcome=f"segmented {how}")] if subjects else []


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        name: The fit, e.g. ``seed-0/shared``.
        epoch: Epochs done, from 1.
        epochs: Epochs of the schedule.
        loss: Mean training loss of the epoch.
        validation_dsc: Mean over structures, 0..1; ``None`` where this epoch was not validated.
        seconds_left: Until the fit is done, at the pace since it was started or resumed.
    """

    name: str
    epoch: int
    epochs: int
    loss: float
    validation_dsc: float | None
    seconds_left: float


OnEpoch = Callable[[EpochReport], None]


def ignore(report: EpochReport) -> None:
    """Listen to nothing."""


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
