"""What the classifiers of a strategy say about its test subjects, as a table."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pandas as pd

from faircmr.core.omissions import log_omissions
from faircmr.core.splits import TEST
from faircmr.mitigation.posterior import FitClassifier, by_phase, load_fit_classifier
from faircmr.mitigation.strategy_omissions import unclassified
from faircmr.segmentation.models import FitRecord, TrainedModels
from faircmr.segmentation.parameters import InferenceParameters
from faircmr.segmentation.roi import Box
from faircmr.segmentation.roi_table import rois_of
from faircmr.segmentation.tensors import TensorStore

logger = logging.getLogger(__name__)


def classify_subjects(
    models: TrainedModels, tensors: TensorStore, cohort: pd.DataFrame, subjects: pd.DataFrame, how: InferenceParameters
) -> pd.DataFrame:
    """What every classifier of a strategy says about its test subjects.

    Args:
        models: Of a strategy with classifiers.
        tensors: Preprocessed subjects.
        cohort: Of prediction: ``subject_id``, ``split``, the edges of the heart's region, and perhaps ``fold``.
        subjects: ``subject_id`` and ``protected_group``: what the classifiers are to find out.
        how: How to predict.

    Returns:
        One row a seed, fold and slice: ``seed``, ``fold``, ``subject_id``, ``protected_group``, ``phase``,
        ``slice_index`` and ``log_probability_<group>`` for each group that the classifier knows. Subjects of other
        groups are left out; the log counts them.

    Raises:
        InvalidModelError: A fit was trained without a classifier, or what it left is missing or damaged.
        InvalidCohortError: A subject was not preprocessed.
    """
    tested = cohort[cohort["split"] == TEST].merge(
        subjects[["subject_id", "protected_group"]], on="subject_id", validate="many_to_one"
    )
    parts = [part for fit in models.common for part in _said_by(models, fit, tensors, tested, how)]
    return pd.concat(parts, ignore_index=True)


def _said_by(
    models: TrainedModels, fit: FitRecord, tensors: TensorStore, tested: pd.DataFrame, how: InferenceParameters
) -> Iterator[pd.DataFrame]:
    classifier, boxes = load_fit_classifier(models, fit, how), rois_of(tested, fit.fold)
    own = tested if fit.fold is None else tested[tested["fold"] == fit.fold]
    known = own[own["protected_group"].isin(classifier.groups)]
    log_omissions(logger, unclassified(len(own) - len(known), len(own)))
    for subject_id, group in zip(known["subject_id"], known["protected_group"], strict=True):
        keys = {"seed": fit.seed, "fold": fit.fold, "subject_id": subject_id, "protected_group": group}
        yield from _rows(classifier, tensors, keys, boxes)


def _rows(
    classifier: FitClassifier, tensors: TensorStore, keys: dict[str, object], boxes: dict[str, Box]
) -> Iterator[pd.DataFrame]:
    subject_id = str(keys["subject_id"])
    for phase, said in by_phase(classifier, tensors.subject(subject_id), boxes.get(subject_id)):
        rows = pd.DataFrame(said, columns=[f"log_probability_{name}" for name in classifier.groups])
        place = pd.DataFrame({**keys, "phase": str(phase), "slice_index": range(len(rows))})
        yield pd.concat([place.astype({"fold": "Int64"}), rows], axis="columns")
