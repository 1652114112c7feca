"""Predictions of a trained strategy for test scans of its study and for unlabelled scans."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from faircmr.core import InvalidModelError, InvalidScanError, text_digest
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
"""Function that returns the study keys of a fold."""
RoisOfFold = Callable[[int | None], Mapping[str, Box]]
"""Function that returns the heart regions from the localiser of a fold, by study key; without one, the full image."""


@dataclass(frozen=True)
class PredictionTargets:
    """Subjects to predict, their heart regions, and the fits that segment them.

    Attributes:
        subjects: Study keys of the subjects that the fits of a fold predict.
        rois: Heart regions of these subjects.
        routes: Which fits segment which subjects.
    """

    subjects: SubjectsOfFold
    rois: RoisOfFold
    routes: Routes = field(default_factory=Routes)


@dataclass(frozen=True)
class EnsembleMembers:
    """Fits whose probabilities are averaged.

    Attributes:
        seed: Training seed; ``None`` if the fits of all seeds predict together.
        fold: Fold of all of them, or ``None`` without cross-validation.
        fits: One or more.
    """

    seed: int | None
    fold: int | None
    fits: tuple[FitRecord, ...] = field(repr=False)


def group_ensembles(fits: Sequence[FitRecord], inference: InferenceParameters) -> tuple[EnsembleMembers, ...]:
    """Group fits into ensembles: the fits of each seed and fold, or of all seeds of a fold."""
    members: dict[tuple[int | None, int | None], list[FitRecord]] = {}
    for fit in fits:
        members.setdefault((fit.seed if inference.ensemble == "none" else None, fit.fold), []).append(fit)
    return tuple(EnsembleMembers(seed, fold, tuple(group)) for (seed, fold), group in members.items())


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
        postprocessing: Decisions made on validation subjects.

    Yields:
        A prediction for every phase of a subject, labelled or not.

    Raises:
        InvalidModelError: Weights are missing, damaged, of another version or of another training.
        InvalidCohortError: A subject was not preprocessed.
    """
    for members in group_ensembles(models.fits, inference):
        router = Router(models, members.fits, inference, tested.routes, postprocessing.calibration.of(members.fold))
        boxes, structures = tested.rois(members.fold), postprocessing.structures(members.fold)
        for subject_id in tested.subjects(members.fold):
            subject, box = tensors.subject(subject_id), boxes.get(subject_id)
            segmenter, segmented_by = router.of(subject, box)
            for phase in subject.phases:
                grid = geometry(subject_id, phase)
                label = keep_largest(segmenter.segment(subject, phase, grid.shape[1:], box), structures)
                yield Prediction(subject_id, phase, members.seed, members.fold, label, grid, segmented_by)
        router.report()


FindHeart = Callable[[SubjectTensors], Box | None]
"""Function that returns the heart region of a subject, or ``None`` for the full image."""

PLACEHOLDER_PHASE = Phase.ED
"""Used in the names of tensors of a frame whose phase is not known yet."""
logger = logging.getLogger(__name__)


def segment_unlabelled(
    scans: UnlabelledScans, load: Callable[[], FrameSegmenter], strategy: str, predict: PredictParameters
) -> Iterator[PendingSubject]:
    """Yield every subject of a folder; it is segmented on request.

    Args:
        scans: The folder.
        load: Loads the networks; called once, when the first subject is segmented.
        strategy: Fingerprint of the networks and of the inference settings.
        predict: Which frames to save.

    Yields:
        Subjects with a fingerprint each. The caller need not segment one whose fingerprint is already known; if no
        subject is segmented, no network is loaded.
    """
    load_once = cache(load)
    for subject_id, fingerprint in scans.fingerprints.items():
        yield PendingSubject(
            subject_id,
            _digest([fingerprint, strategy, predict.model_dump_json()]),
            partial(_segment, scans, subject_id, load_once, predict),
        )


class FrameSegmenter:
    """Segments the frames of subjects with the networks of a strategy.

    Args:
        ensemble: The networks.
        find_heart: Returns the heart region of a subject.
        structures: Structures of which only the largest component is kept.
    """

    def __init__(self, ensemble: Ensemble, find_heart: FindHeart, structures: frozenset[Structure]) -> None:
        self.ensemble, self.find_heart, self.structures = ensemble, find_heart, structures

    def segment(self, subject_id: str, frames: Iterable[Frame]) -> Iterator[tuple[Frame, LabelImage]]:
        """Label of each frame of one subject on the source's grid.

        Args:
            subject_id: Study key.
            frames: Read one at a time; preprocessed as in training.

        Raises:
            InvalidScanError: A frame cannot be used.
        """
        # the heart is located once for each cine, so that all its frames have the same region
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
        # other subjects of the folder can still be segmented
        return SegmentedSubject(SubjectRecord(subject_id=subject_id, problem=error.reason(LOOK_UP_CINE)))
    named = with_phases(frames)
    keep_all = predict.keep == "all_frames" or len(named) == 1
    saved = tuple(index for index, one in enumerate(named) if keep_all or one.phase is not None)
    logger.info("%s: %d of %d frames saved", subject_id, len(saved), len(named))
    record = SubjectRecord(subject_id=subject_id, frames=named, saved=saved)
    return SegmentedSubject(record, tuple(labels[index] for index in saved))


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
    return text_digest("\n".join(parts))


@dataclass(frozen=True)
class TrainedStrategy:
    """Fits of a strategy and their inference settings; networks are loaded only when needed.

    Attributes:
        model: All fits; those that serve all subjects form one ensemble over seeds and folds.
        localiser_models: One for each fold; none if the input of the strategy is the full image.
        localiser: Margin and limits of the heart region.
        postprocessing: Decisions made on validation subjects.
        inference: How to predict.
    """

    model: TrainedModels
    localiser_models: TrainedModels
    localiser: LocaliserParameters
    postprocessing: Postprocessing
    inference: InferenceParameters

    def load(self) -> FrameSegmenter:
        """Load the networks.

        Raises:
            InvalidModelError: Weights are missing, damaged or of another version, or plans differ.
        """
        # the protected group of an unlabelled subject is not known
        ensemble = load_ensemble(self.model, self.model.common, self.inference)
        return FrameSegmenter(ensemble, self._localisers(ensemble.plans), self.postprocessing.structures_of_all())

    def fingerprint(self) -> str:
        """Digest of the weights of all networks and of the inference settings.

        Raises:
            InvalidModelError: Weights are missing.
        """
        models = (self.model, self.localiser_models)
        weights = [_file_digest(each.folder / fit.name / WEIGHTS_NAME) for each in models for fit in each.fits]
        settings = [one.model_dump_json() for one in (self.localiser, self.postprocessing, self.inference)]
        return text_digest("\n".join([*weights, *settings]))

    def _localisers(self, plans: Plans) -> Localisers:
        models, inference = self.localiser_models, localiser_inference(self.inference)
        return Localisers(
            tuple(load_heart_finder(models, fit, plans, self.localiser, inference) for fit in models.fits)
        )


@dataclass(frozen=True)
class Localisers:
    """The localisers of all folds, used together.

    Attributes:
        finders: Empty if the networks see full images.
    """

    finders: tuple[HeartFinder, ...]

    def __call__(self, subject: SubjectTensors) -> Box | None:
        """Smallest region that contains the regions of all localisers; ``None`` for the full image."""
        locations = [finder.locate(subject) for finder in self.finders]
        boxes = [one.box for one in locations if one.box is not None]
        if locations and not boxes:
            logger.warning(
                "%s: heart not located (%s), the full image is segmented", subject.subject_id, locations[0].reason
            )
        return enclosing_box(boxes) if boxes else None


def _file_digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise InvalidModelError(path.name, "missing", "a weights file", "run the strategy's pipeline again") from None
