"""Scans that nobody has labelled: every frame segmented by all networks of a strategy together."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.cine import LOOK_UP, Frame, UnlabelledScans
from faircmr.core.cine_prediction import (
    FrameLabel,
    PendingSubject,
    PredictParameters,
    SegmentedSubject,
    SubjectRecord,
)
from faircmr.core.errors import InvalidScanError
from faircmr.core.scan import LabelImage
from faircmr.core.volumes import FrameVolumes, structure_volumes, with_phases
from faircmr.segmentation.ensembles import Ensemble
from faircmr.segmentation.postprocessing import keep_largest
from faircmr.segmentation.preprocessing import preprocess
from faircmr.segmentation.roi import Box
from faircmr.segmentation.tensors import SubjectTensors, image_name

FindHeart = Callable[[SubjectTensors], Box | None]
"""Heart region of a subject, or ``None`` where the full image is used."""

ANY_PHASE = Phase.ED
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
            arrays = preprocess(frame.scan, self.ensemble.plans, ANY_PHASE)
            image = arrays[image_name(ANY_PHASE)]
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
        return SegmentedSubject(SubjectRecord(subject_id=subject_id, problem=error.reason(LOOK_UP)))
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
