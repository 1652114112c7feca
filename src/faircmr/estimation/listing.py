"""The fits of a strategy as a list that says how large each is; nothing is trained, and no image read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from faircmr.core.errors import InvalidCohortError, InvalidParameterError, InvalidSplitError
from faircmr.core.parameters import Parameters
from faircmr.core.work_folder import WorkFolder
from faircmr.estimation.finished import job_digest
from faircmr.estimation.kinds import StepKind, divided
from faircmr.mitigation.cohort_selection import select_training_cohort
from faircmr.mitigation.fits import list_fits
from faircmr.mitigation.heart_region import list_localisers
from faircmr.mitigation.parameters import FitsParameters, StrategyParameters
from faircmr.segmentation.jobs import FitJob
from faircmr.segmentation.localisation import LocaliserPlans
from faircmr.segmentation.parameters import TrainingParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.roi_table import roi_table, with_rois

LOCALISER = "localiser"
"""Stands for a strategy where a fit belongs to all strategies whose input is the heart's region."""
NOWHERE = Path()


class Part(Parameters):
    """Consecutive steps of one kind."""

    kind: str
    steps: int


class PlannedFit(Parameters):
    """One fit.

    Attributes:
        strategy: Whose it is, or ``localiser``.
        name: As in its job, e.g. ``seed-0-fold-1/shared``.
        seed: Training seed.
        fold: Fold, or ``None`` without cross-validation.
        serves: Protected group whose model it is; ``None`` for everybody's.
        training_subjects: How many.
        validation_subjects: How many.
        epochs: Of its part of the schedule.
        validations: How often it is validated.
        batch: Patches a step.
        patch: Rows and columns.
        parts: All of its steps.
        digest: Of its job; see :func:`~faircmr.estimation.finished.job_digest`.
    """

    strategy: str
    name: str
    seed: int
    fold: int | None
    serves: str | None
    training_subjects: int
    validation_subjects: int
    epochs: int
    validations: int
    batch: int
    patch: tuple[int, int]
    parts: tuple[Part, ...]
    digest: str

    @property
    def place(self) -> str:
        """Where it lies among the fits of all strategies."""
        return f"{self.strategy}/{self.name}"


class PlannedFits(Parameters):
    """Fits of a strategy, those of its localisers first, and the kinds of their steps, each once.

    Attributes:
        fits: Empty where the strategy cannot be trained on this cohort.
        kinds: Of their steps.
        reason: Why it cannot; empty where it can.
    """

    fits: tuple[PlannedFit, ...]
    kinds: tuple[StepKind, ...]
    reason: str = ""


def plan_fits(
    strategy: StrategyParameters,
    subjects: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    localiser_plans: LocaliserPlans,
    training: TrainingParameters,
    fits: FitsParameters,
) -> PlannedFits:
    """Every fit of a strategy, and of the localisers that it needs.

    Regions of the heart are not needed: they determine what a fit sees, and neither how many fits there are nor
    what a step costs. What would end the training of the strategy before its first step is the reason why it has none:
    the estimate of the others goes on.
    """
    try:
        return _planned(_jobs(strategy, subjects, splits, plans, localiser_plans, training, fits))
    except (InvalidCohortError, InvalidParameterError, InvalidSplitError) as error:
        return PlannedFits(fits=(), kinds=(), reason=str(error))


def _jobs(
    strategy: StrategyParameters,
    subjects: pd.DataFrame,
    splits: pd.DataFrame,
    plans: Plans,
    localiser_plans: LocaliserPlans,
    training: TrainingParameters,
    fits: FitsParameters,
) -> list[tuple[str, FitJob]]:
    cohort = with_rois(select_training_cohort(splits, subjects, strategy), roi_table([]))
    work = WorkFolder(NOWHERE, code="")
    localisers = list_localisers(strategy, splits, fits, localiser_plans, NOWHERE, work)
    own = list_fits(strategy, cohort, fits, plans, training, NOWHERE, work)
    return [*((LOCALISER, job) for job in localisers), *((strategy.name, job) for job in own)]


def _planned(jobs: Sequence[tuple[str, FitJob]]) -> PlannedFits:
    kinds: dict[str, StepKind] = {}
    planned = []
    for strategy, job in jobs:
        parts = divided(job)
        kinds |= {kind.name: kind for kind, _ in parts if kind.name not in kinds}
        planned.append(_fit(strategy, job, tuple(Part(kind=kind.name, steps=steps) for kind, steps in parts)))
    return PlannedFits(fits=tuple(planned), kinds=tuple(kinds.values()))


def _fit(strategy: str, job: FitJob, parts: tuple[Part, ...]) -> PlannedFit:
    epochs, interval = len(job.part.epochs), job.training.validation_interval
    return PlannedFit(
        strategy=strategy,
        name=job.name,
        seed=job.seed,
        fold=job.fold,
        serves=job.serves,
        training_subjects=len(job.training_subjects),
        validation_subjects=len(job.validation_subjects),
        epochs=epochs,
        # the last epoch is validated in any case
        validations=-(-epochs // interval) if job.validation_subjects else 0,
        batch=job.plans.batch_size,
        patch=job.plans.patch,
        parts=parts,
        digest=job_digest(job.model_dump(mode="json")),
    )
