"""Which networks segment whom: those that serve everybody, or those that serve the subject's own key."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from faircmr.core.errors import InvalidModelError
from faircmr.core.omissions import log_omissions
from faircmr.segmentation.calibration import FoldCalibration
from faircmr.segmentation.ensembles import load_ensemble
from faircmr.segmentation.inference import Segmenter
from faircmr.segmentation.models import FitRecord, TrainedModels, without_own_model
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.roi import Box
from faircmr.segmentation.segmenters import Blend, Calibrated
from faircmr.segmentation.tensors import SubjectTensors

Weigh = Callable[[Sequence[FitRecord], SubjectTensors, Box | None], Mapping[str, float]]
"""Weight of each key for a subject, by fits that serve everybody; the weights add up to 1."""
SHARED, WEIGHED = "shared", "weighed"
"""By whom a subject was segmented whose key has no network of its own."""
NO_CALIBRATION = FoldCalibration()
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Routes:
    """How a subject finds its networks.

    Attributes:
        keys: Opaque key of each subject; a subject without one is unknown.
        weigh: Where a subject's key has no network of its own, mix those of all keys by these weights; without it,
            the networks that serve everybody segment it.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    weigh: Weigh | None = None


class Router:
    """The networks of one seed and fold, or of all seeds of a fold together, ready to be asked by subject.

    Args:
        models: Of a strategy.
        fits: Those of the seed and fold.
        inference: How to predict.
        routes: Who is segmented by whom.
        calibration: What is done to their probabilities, by key.

    Raises:
        InvalidModelError: No fit predicts.
    """

    def __init__(
        self,
        models: TrainedModels,
        fits: Sequence[FitRecord],
        inference: InferenceParameters,
        routes: Routes,
        calibration: FoldCalibration = NO_CALIBRATION,
    ) -> None:
        self.models, self.inference, self.routes = models, inference, routes
        self.adjustments = {one.key: one for one in calibration.adjustments if not one.is_identity}
        predicting = [fit for fit in fits if fit.predicts]
        self.common = tuple(fit for fit in predicting if fit.serves is None)
        self.own: dict[str, list[FitRecord]] = {}
        for fit in predicting:
            if fit.serves is not None:
                self.own.setdefault(fit.serves, []).append(fit)
        if not self.common:
            raise InvalidModelError("models", "no fit serves everybody", "at least one", "train the strategy again")
        self._loaded: dict[str, Segmenter] = {}
        self.served: Counter[str] = Counter()

    def of(self, subject: SubjectTensors, box: Box | None) -> tuple[Segmenter, str]:
        """Who segments a subject, and its name: a key, ``shared`` or ``weighed``; counted.

        Raises:
            InvalidModelError: Weights are missing, damaged, of another version or of another training.
        """
        key = self.routes.keys.get(subject.subject_id)
        name = key if key is not None and key in self.own else WEIGHED if self.own and self.routes.weigh else SHARED
        self.served[name] += 1
        segmenter = self._weighed(subject, box) if name == WEIGHED else self._named(name)
        adjustment = self.adjustments.get(key or "")
        return (segmenter if adjustment is None else Calibrated(segmenter, adjustment)), name

    def report(self) -> None:
        """Log how many subjects had no network of their own, where others had one."""
        unknown = self.served[SHARED] + self.served[WEIGHED]
        if self.own:
            weighed = self.routes.weigh is not None
            log_omissions(logger, without_own_model(unknown, self.served.total(), weighed=weighed))

    def _weighed(self, subject: SubjectTensors, box: Box | None) -> Segmenter:
        if self.routes.weigh is None:
            return self._named(SHARED)
        weights = self.routes.weigh(self.common, subject, box)
        return Blend([self._named(key) for key in self.own], [weights.get(key, 0.0) for key in self.own])

    def _named(self, name: str) -> Segmenter:
        if name not in self._loaded:
            fits = self.own.get(name, self.common)
            self._loaded[name] = load_ensemble(self.models, fits, self.inference)
        return self._loaded[name]
