"""List the fits of a strategy, with their sizes and whether they are finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidParameterError, InvalidSplitError, Parameters, json_digest
from faircmr.core.host import WorkFolder
from faircmr.estimation.costs import StepKind, steps_by_kind
from faircmr.mitigation import FitsParameters, StrategyParameters, list_fits, list_localisers, select_training_cohort
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import LocaliserPlans, roi_table, with_rois
from faircmr.segmentation.network import Plans
from faircmr.segmentation.training import FitJob, fingerprinted_fields


def job_digest(job: Mapping[str, Any]) -> str:
    """Digest of everything in a job that determines its weights, except heart regions, unknown before training.

    It knows neither images nor code: where one of them has changed since, a run may train the fit again.

    Args:
        job: As JSON has it.
    """
    return json_digest(_without_rois(fingerprinted_fields(job)), 16)


def _without_rois(content: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in content.items() if name != "rois"}
    if isinstance(before := rest.get("after"), Mapping):
        rest["after"] = _without_rois(before)
    return rest


LOCALISER = "localiser"
"""Stands for a strategy where a fit belongs to all strategies whose input is the heart's region."""
NO_FOLDER = Path()


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
        digest: Of its job; see :func:`job_digest`.
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
        return _planned_fits(_jobs(strategy, subjects, splits, plans, localiser_plans, training, fits))
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
    work = WorkFolder(NO_FOLDER, code="")
    localisers = list_localisers(strategy, splits, fits, localiser_plans, NO_FOLDER, work)
    own = list_fits(strategy, cohort, fits, plans, training, NO_FOLDER, work)
    return [*((LOCALISER, job) for job in localisers), *((strategy.name, job) for job in own)]


def _planned_fits(jobs: Sequence[tuple[str, FitJob]]) -> PlannedFits:
    kinds: dict[str, StepKind] = {}
    planned = []
    for strategy, job in jobs:
        parts = steps_by_kind(job)
        kinds |= {kind.name: kind for kind, _ in parts if kind.name not in kinds}
        planned.append(_planned_fit(strategy, job, tuple(Part(kind=kind.name, steps=steps) for kind, steps in parts)))
    return PlannedFits(fits=tuple(planned), kinds=tuple(kinds.values()))


def _planned_fit(strategy: str, job: FitJob, parts: tuple[Part, ...]) -> PlannedFit:
    epochs, interval = len(job.effective_stage.epochs), job.training.validation_interval
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
