"""Predictions of every fit of a strategy, on the grids of the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from faircmr.core.anatomy import Phase
from faircmr.core.prediction import Prediction
from faircmr.core.scan import Geometry
from faircmr.segmentation.inference import Predictor
from faircmr.segmentation.models import FitRecord, TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.tensors import TensorStore

ReadGeometry = Callable[[str, Phase], Geometry]


def predict_fits(
    models: TrainedModels,
    tensors: TensorStore,
    tested: Callable[[FitRecord], Sequence[str]],
    geometry: ReadGeometry,
    inference: InferenceParameters,
) -> Iterator[Prediction]:
    """Segment the test subjects of each fit, one scan in memory at a time.

    Args:
        models: Fits of one strategy; each predicts on its own.
        tensors: Preprocessed subjects.
        tested: Study keys of the subjects that a fit is to predict.
        geometry: The source's grid of a subject and phase.
        inference: How to predict.

    Yields:
        A prediction for every phase that a subject has, labelled or not.

    Raises:
        InvalidModelError: Weights are missing, damaged or of another version.
        InvalidCohortError: A subject was not preprocessed.
    """
    for record in models.fits:
        predictor = Predictor(models.folder / record.name, inference)
        for subject_id in tested(record):
            subject = tensors.subject(subject_id)
            for phase in subject.phases:
                grid = geometry(subject_id, phase)
                label = predictor.segment(subject, phase, grid.shape[1:])
                yield Prediction(subject_id, phase, record.seed, record.fold, label, grid)
