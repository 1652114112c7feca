"""All that a trained strategy needs to segment scans that it has never seen."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from faircmr.core.errors import InvalidModelError
from faircmr.segmentation.ensembles import load_ensemble
from faircmr.segmentation.localisation import LocaliserParameters, looking
from faircmr.segmentation.localiser import HeartFinder, load_finder
from faircmr.segmentation.models import WEIGHTS_NAME, TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.plans import Plans
from faircmr.segmentation.postprocessing import Postprocessing
from faircmr.segmentation.roi import Box, joined
from faircmr.segmentation.tensors import SubjectTensors
from faircmr.segmentation.unlabelled import FrameSegmenter

logger = logging.getLogger(__name__)


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
        weights = [_digest_of_file(each.folder / fit.name / WEIGHTS_NAME) for each in models for fit in each.fits]
        settings = [one.model_dump_json() for one in (self.localiser, self.postprocessing, self.inference)]
        return hashlib.sha256("\n".join([*weights, *settings]).encode()).hexdigest()[:32]

    def _localisers(self, plans: Plans) -> Localisers:
        models, how = self.localiser_models, looking(self.inference)
        return Localisers(tuple(load_finder(models, one, plans, self.localiser, how) for one in models.fits))


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
        return joined(boxes) if boxes else None


def _digest_of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise InvalidModelError(path.name, "missing", "whole weights", "run the strategy's pipeline again") from None
