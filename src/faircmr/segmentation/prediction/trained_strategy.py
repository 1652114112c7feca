"""Predictions of a trained strategy, for scans of its study and for unlabelled scans."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from faircmr.core import InvalidModelError, InvalidScanError
from faircmr.core.scans import (
    LOOK_UP_CINE,
    Frame,
    FrameLabel,
    FrameVolumes,
    Geometry,
    LabelImage,
    PendingSubject,
    Phase,
    Prediction,
    PredictParameters,
    SegmentedSubject,
    Structure,
    SubjectRecord,
    UnlabelledScans,
    structure_volumes,
    with_phases,
)
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import SubjectTensors, TensorStore, image_name, preprocess
from faircmr.segmentation.localiser import (
    Box,
    HeartFinder,
    LocaliserParameters,
    enclosing_box,
    load_heart_finder,
    localiser_inference,
)
from faircmr.segmentation.network import Plans
from faircmr.segmentation.prediction.ensembles import Ensemble, Router, Routes, load_ensemble
from faircmr.segmentation.prediction.postprocessing import Postprocessing, keep_largest
from faircmr.segmentation.training import WEIGHTS_NAME, FitRecord, TrainedModels

ReadGeometry = Callable[[str, Phase], Geometry]
SubjectsOfFold = Callable[[int | None], Sequence[str]]
"""Study keys by fold."""
RoisOfFold = Callable[[int | None], Mapping[str, Box]]
"""Heart regions that the localiser of a fold found, by study key; the full image where there is none."""


@dataclass(frozen=True)
class PredictionTargets:
    """Subjects to predict.

    Attributes:
        subjects: Study keys of those that the fits of a fold are to predict.
        rois: Where to look.
        routes: Which fits segment whom.
    """

    subjects: SubjectsOfFold
    rois: RoisOfFold
    routes: Routes = field(default_factory=Routes)


@dataclass(frozen=True)
class EnsembleMembers:
    """Fits that predict together.

    Attributes:
        seed: Training seed; ``None`` where the fits of all seeds predict together.
        fold: Fold of all of them, or ``None`` without cross-validation.
        fits: One or more.
    """

    seed: int | None
    fold: int | None
    fits: tuple[FitRecord, ...] = field(repr=False)


def group_ensembles(fits: Sequence[FitRecord], inference: InferenceParameters) -> tuple[EnsembleMembers, ...]:
    """Which fits predict together: those of each seed and fold, or of all seeds of a fold."""
    members: dict[tuple[int | None, int | None], list[FitRecord]] = {}
    for one in fits:
        members.setdefault((one.seed if inference.ensemble == "none" else None, one.fold), []).append(one)
    return tuple(EnsembleMembers(seed, fold, tuple(together)) for (seed, fold), together in members.items())


def predict_fits(
    models: TrainedModels,
    tensors: TensorStore,
    tested: PredictionTargets,
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
    for team in group_ensembles(models.fits, inference):
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


FindHeart = Callable[[SubjectTensors], Box | None]
"""Heart region of a subject, or ``None`` where the full image is used."""

PLACEHOLDER_PHASE = Phase.ED
"""Names the tensors of a frame whose phase nobody knows yet."""
logger = logging.getLogger(__name__)


def segment_unlabelled(
    scans: UnlabelledScans, load: Callable[[], FrameSegmenter], strategy: str, predict: PredictParameters
) -> Iterator[PendingSubject]:
    """Every subject of a folder, segmented when it is asked for.

    Args:
        scans: The folder.
        load: Reads the networks; called once, when the first subject is segmented.
        strategy: Fingerprint of the networks and of how they are used.
        predict: What to keep.

    Yields:
        A subject whose fingerprint is known already need not be segmented, and then no network is read.
    """
    load_once = cache(load)
    for subject_id, fingerprint in scans.fingerprints.items():
        yield PendingSubject(
            subject_id,
            _digest([fingerprint, strategy, predict.model_dump_json()]),
            partial(_segment, scans, subject_id, load_once, predict),
        )


class FrameSegmenter:
    """Networks of a strategy, ready to segment the frames of one subject after the other.

    Args:
        ensemble: The networks.
        find_heart: Where they are to look.
        structures: Of which the largest component alone is kept.
    """

    def __init__(self, ensemble: Ensemble, find_heart: FindHeart, structures: frozenset[Structure]) -> None:
        self.ensemble, self.find_heart, self.structures = ensemble, find_heart, structures

    def segment(self, subject_id: str, frames: Iterable[Frame]) -> Iterator[tuple[Frame, LabelImage]]:
        """Label of each frame of one subject on the source's own grid.

        Args:
            subject_id: Study key.
            frames: Read one at a time, and preprocessed as in training.

        Raises:
            InvalidScanError: A frame cannot be used.
        """
        # the heart is looked for once a cine, so that no frame is seen in another region
        boxes: dict[tuple[int, ...], Box | None] = {}
        for frame in frames:
            arrays = preprocess(frame.scan, self.ensemble.plans, PLACEHOLDER_PHASE)
            image = arrays[image_name(PLACEHOLDER_PHASE)]
            if image.shape not in boxes:
                boxes[image.shape] = self.find_heart(SubjectTensors(subject_id, "", arrays))
            label = self.ensemble.label(image, frame.scan.geometry.shape[1:], boxes[image.shape])
            yield frame, keep_largest(label, self.structures)


def _segment(
    scans: UnlabelledScans, subject_id: str, load: Callable[[], FrameSegmenter], predict: PredictParameters
) -> SegmentedSubject:
    frames: list[FrameVolumes] = []
    labels: list[FrameLabel] = []
    try:
        segmenter = load()
        for frame, label in segmenter.segment(subject_id, scans.frames(subject_id)):
            frames.append(_volumes(frame, label, segmenter.ensemble.plans.structures))
            labels.append(FrameLabel(label, frame.scan.geometry))
    except InvalidScanError as error:
        # what else lies in the folder is none the worse for it
        return SegmentedSubject(SubjectRecord(subject_id=subject_id, problem=error.reason(LOOK_UP_CINE)))
    named = with_phases(frames)
    everything = predict.keep == "all_frames" or len(named) == 1
    saved = tuple(place for place, one in enumerate(named) if everything or one.phase is not None)
    logger.info("%s: %d of %d frames kept", subject_id, len(saved), len(named))
    record = SubjectRecord(subject_id=subject_id, frames=named, saved=saved)
    return SegmentedSubject(record, tuple(labels[place] for place in saved))


def _volumes(frame: Frame, label: LabelImage, structures: Sequence[Structure]) -> FrameVolumes:
    volumes = structure_volumes(label, frame.scan.geometry.spacing, structures)
    return FrameVolumes(
        frame=frame.index,
        phase=frame.phase,
        lvbp_ml=volumes.get(Structure.LVBP),
        lvm_ml=volumes.get(Structure.LVM),
        rvbp_ml=volumes.get(Structure.RVBP),
    )


def _digest(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class TrainedStrategy:
    """Fits of a strategy and how they are used; no network is read before it is needed.

    Attributes:
        model: All fits; seeds and folds of those that serve everybody segment together.
        localiser_models: One a fold; none where the strategy's input is the full image.
        localiser: Margin and limits of the heart's region.
        postprocessing: What was decided on validation subjects.
        inference: How to predict.
    """

    model: TrainedModels
    localiser_models: TrainedModels
    localiser: LocaliserParameters
    postprocessing: Postprocessing
    inference: InferenceParameters

    def load(self) -> FrameSegmenter:
        """Read the networks.

        Raises:
            InvalidModelError: Weights are missing, damaged or of another version, or plans differ.
        """
        # nobody knows the group of somebody whom nobody labelled
        ensemble = load_ensemble(self.model, self.model.common, self.inference)
        return FrameSegmenter(ensemble, self._localisers(ensemble.plans), self.postprocessing.structures_of_all())

    def fingerprint(self) -> str:
        """Digest of the weights of all networks, and of how they are used.

        Raises:
            InvalidModelError: Weights are missing.
        """
        models = (self.model, self.localiser_models)
        weights = [_file_digest(each.folder / fit.name / WEIGHTS_NAME) for each in models for fit in each.fits]
        settings = [one.model_dump_json() for one in (self.localiser, self.postprocessing, self.inference)]
        return hashlib.sha256("\n".join([*weights, *settings]).encode()).hexdigest()[:32]

    def _localisers(self, plans: Plans) -> Localisers:
        models, how = self.localiser_models, localiser_inference(self.inference)
        return Localisers(tuple(load_heart_finder(models, one, plans, self.localiser, how) for one in models.fits))


@dataclass(frozen=True)
class Localisers:
    """The localisers of all folds, asked together.

    Attributes:
        finders: None where the networks see full images.
    """

    finders: tuple[HeartFinder, ...]

    def __call__(self, subject: SubjectTensors) -> Box | None:
        """Smallest region that holds what each of them found; ``None`` for the full image."""
        found = [finder.locate(subject) for finder in self.finders]
        boxes = [one.box for one in found if one.box is not None]
        if found and not boxes:
            logger.warning("%s: heart not located (%s), full image used", subject.subject_id, found[0].reason)
        return enclosing_box(boxes) if boxes else None


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise InvalidModelError(path.name, "missing", "whole weights", "run the strategy's pipeline again") from None
