"""Predictions of the fits of a strategy, on the grids of the sources."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from faircmr.core.anatomy import Phase
from faircmr.core.prediction import Prediction
from faircmr.core.scan import Geometry, Scan
from faircmr.segmentation.ensembles import Ensemble, load_ensemble
from faircmr.segmentation.models import FitRecord, TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.postprocessing import LabelPair, Postprocessing, decide, keep_largest
from faircmr.segmentation.roi import Box
from faircmr.segmentation.tensors import SubjectTensors, TensorStore

ReadScan = Callable[[str, Phase], Scan]
ReadGeometry = Callable[[str, Phase], Geometry]
SubjectsOf = Callable[[int | None], Sequence[str]]
"""Study keys by fold."""
RoisOf = Callable[[int | None], Mapping[str, Box]]
"""Heart regions that the localiser of a fold found, by study key; the full image where there is none."""
logger = logging.getLogger(__name__)


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
    """Which fits predict together: each on its own, or the seeds of a fold."""
    if inference.ensemble == "none":
        return tuple(Team(one.seed, one.fold, (one,)) for one in fits)
    folds = dict.fromkeys(one.fold for one in fits)
    return tuple(Team(None, fold, tuple(one for one in fits if one.fold == fold)) for fold in folds)


def predict_fits(
    models: TrainedModels,
    tensors: TensorStore,
    tested: SubjectsOf,
    geometry: ReadGeometry,
    inference: InferenceParameters,
    rois: RoisOf,
    postprocessing: Postprocessing,
) -> Iterator[Prediction]:
    """Segment the test subjects of each fold, one scan in memory at a time.

    Args:
        models: Fits of one strategy.
        tensors: Preprocessed subjects.
        tested: Study keys of the subjects that the fits of a fold are to predict.
        geometry: The source's grid of a subject and phase.
        inference: How to predict.
        rois: Where to look.
        postprocessing: What was decided on validation subjects.

    Yields:
        A prediction for every phase that a subject has, labelled or not.

    Raises:
        InvalidModelError: Weights are missing, damaged, of another version or of another training.
        InvalidCohortError: A subject was not preprocessed.
    """
    for team in teams(models.fits, inference):
        ensemble = load_ensemble(models, team.fits, inference)
        boxes, structures = rois(team.fold), postprocessing.structures(team.fold)
        for subject_id in tested(team.fold):
            subject = tensors.subject(subject_id)
            for phase in subject.phases:
                grid = geometry(subject_id, phase)
                label = ensemble.segment(subject, phase, grid.shape[1:], boxes.get(subject_id))
                yield Prediction(subject_id, phase, team.seed, team.fold, keep_largest(label, structures), grid)


def choose_postprocessing(
    models: TrainedModels,
    tensors: TensorStore,
    validated: SubjectsOf,
    read: ReadScan,
    inference: InferenceParameters,
    rois: RoisOf,
) -> Postprocessing:
    """Decide by validation scans what is done to predictions.

    Each fold decides for itself: its validation subjects are test subjects of another one.

    Args:
        models: Fits of one strategy.
        tensors: Preprocessed subjects.
        validated: Study keys of the validation subjects of a fold.
        read: Scan of a subject and phase; its label is compared on the source's grid.
        inference: How to predict.
        rois: Where to look.

    Returns:
        The decision of each fold, on all its models together; nothing where none was asked for.

    Raises:
        InvalidModelError: As for :func:`predict_fits`.
        InvalidCohortError: As for :func:`predict_fits`.
        InvalidScanError: A validation scan cannot be read.
    """
    if inference.postprocessing == "none":
        return Postprocessing(method=inference.postprocessing)
    members = teams(models.fits, inference)
    decisions = []
    for fold in dict.fromkeys(team.fold for team in members):
        subjects = [tensors.subject(subject_id) for subject_id in validated(fold)]
        ensembles = (load_ensemble(models, team.fits, inference) for team in members if team.fold == fold)
        pairs = (pair for ensemble in ensembles for pair in _validation_pairs(ensemble, subjects, read, rois(fold)))
        unlabelled = sum(len(subject.phases) - len(subject.labelled_phases) for subject in subjects)
        decisions.append(decide(fold, pairs, unlabelled))
        logger.info("post-processing%s: %s", "" if fold is None else f" of fold {fold}", decisions[-1].summary)
    return Postprocessing(method=inference.postprocessing, folds=tuple(decisions))


def _validation_pairs(
    ensemble: Ensemble, subjects: Sequence[SubjectTensors], read: ReadScan, boxes: Mapping[str, Box]
) -> Iterator[LabelPair]:
    """Predicted and drawn label of every labelled scan."""
    for subject in subjects:
        for phase in subject.labelled_phases:
            scan = read(subject.subject_id, phase)
            if scan.label is not None:
                box = boxes.get(subject.subject_id)
                yield ensemble.segment(subject, phase, scan.geometry.shape[1:], box), scan.label
