"""What training leaves behind: a record of each fit, and the fits of a strategy."""

from __future__ import annotations

from pathlib import Path

from faircmr.core.omissions import Omission
from faircmr.core.parameters import Parameters

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
