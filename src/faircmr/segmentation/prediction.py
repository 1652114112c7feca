"""Predictions of the fits of a strategy, on the grids of the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from faircmr.core.anatomy import Phase
from faircmr.core.prediction import Prediction
from faircmr.core.scan import Geometry
from faircmr.segmentation.models import FitRecord, TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.postprocessing import Postprocessing, keep_largest
from faircmr.segmentation.roi import Box
from faircmr.segmentation.routing import Router, Routes
from faircmr.segmentation.tensors import TensorStore

ReadGeometry = Callable[[str, Phase], Geometry]
SubjectsOf = Callable[[int | None], Sequence[str]]
"""Study keys by fold."""
RoisOf = Callable[[int | None], Mapping[str, Box]]
"""Heart regions that the localiser of a fold found, by study key; the full image where there is none."""


@dataclass(frozen=True)
class Whom:
    """Subjects to predict.

    Attributes:
        subjects: Study keys of those that the fits of a fold are to predict.
        rois: Where to look.
        routes: Which fits segment whom.
    """

    subjects: SubjectsOf
    rois: RoisOf
    routes: Routes = field(default_factory=Routes)


@dataclass(frozen=True)
class Team:
    """Fits that predict together.

    Attributes:
        seed: Training seed; ``None`` where the fits of all seeds predict together.
        fold: Fold of all of them, or ``None`` without cross-validation.
        fits: One or more.
    """

    seed: int | None
    fold: int | None
    fits: tuple[FitRecord, ...] = field(repr=False)


def teams(fits: Sequence[FitRecord], inference: InferenceParameters) -> tuple[Team, ...]:
    """Which fits predict together: those of each seed and fold, or of all seeds of a fold."""
    members: dict[tuple[int | None, int | None], list[FitRecord]] = {}
    for one in fits:
        members.setdefault((one.seed if inference.ensemble == "none" else None, one.fold), []).append(one)
    return tuple(Team(seed, fold, tuple(together)) for (seed, fold), together in members.items())


def predict_fits(
    models: TrainedModels,
    tensors: TensorStore,
    tested: Whom,
    geometry: ReadGeometry,
    inference: InferenceParameters,
    postprocessing: Postprocessing,
) -> Iterator[Prediction]:
    """Segment the test subjects of each fold, one scan in memory at a time.

    Args:
        models: Fits of one strategy.
        tensors: Preprocessed subjects.
        tested: The test subjects.
        geometry: The source's grid of a subject and phase.
        inference: How to predict.
        postprocessing: What was decided on validation subjects.

    Yields:
        A prediction for every phase that a subject has, labelled or not.

    Raises:
        InvalidModelError: Weights are missing, damaged, of another version or of another training.
        InvalidCohortError: A subject was not preprocessed.
    """
    for team in teams(models.fits, inference):
        router = Router(models, team.fits, inference, tested.routes, postprocessing.calibration.of(team.fold))
        boxes, structures = tested.rois(team.fold), postprocessing.structures(team.fold)
        for subject_id in tested.subjects(team.fold):
            subject, box = tensors.subject(subject_id), boxes.get(subject_id)
            segmenter, by = router.of(subject, box)
            for phase in subject.phases:
                grid = geometry(subject_id, phase)
                label = keep_largest(segmenter.segment(subject, phase, grid.shape[1:], box), structures)
                yield Prediction(subject_id, phase, team.seed, team.fold, label, grid, by)
        router.report()
