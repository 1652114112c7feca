"""Probabilities corrected by key: a temperature and an offset a class, fitted on validation subjects.

``softmax(log p / T + b)`` is ``softmax(z / T + b)`` of the logits ``z`` that ``p`` came from: they differ by the same
number for all classes, so that nothing is lost where only probabilities are at hand, as of several networks' mean.

A key is whatever subjects are told apart by; nothing here depends on what it means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import Field, FiniteFloat, model_validator

from faircmr.core import InvalidModelError, Parameters, generator
from faircmr.core.scans import LabelImage

FloatArray = npt.NDArray[np.float64]
LabelArray = npt.NDArray[np.int64]
Adjustment = tuple[float, tuple[float, ...], float, float]
"""Temperature, offset of each class, mean negative log-likelihood before and after."""
INVERSE_TEMPERATURES = (0.2, 5.0)
OFFSETS = (-5.0, 5.0)


def softmax(scores: FloatArray) -> FloatArray:
    """Probabilities of scores, shape (pixels, classes); minus infinity is 0, if a class of the pixel is finite."""
    exponentials: FloatArray = np.exp(scores - scores.max(axis=1, keepdims=True))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def mean_nll(log_probabilities: FloatArray, labels: LabelArray, weights: FloatArray | None = None) -> float:
    """Mean negative log-likelihood of labels.

    Args:
        log_probabilities: Finite, shape (pixels, classes).
        labels: Class of each pixel, shape (pixels,).
        weights: Of each pixel, shape (pixels,), of any positive sum; all the same without.

    Returns:
        Nats a pixel, at least 0.
    """
    return _NegativeLogLikelihood(log_probabilities, labels, weights)(_identity_parameters(log_probabilities.shape[1]))[
        0
    ]


def fit_adjustment(log_probabilities: FloatArray, labels: LabelArray, weights: FloatArray | None = None) -> Adjustment:
    """Temperature and offsets under which labels are most likely.

    The mean negative log-likelihood is convex in ``1 / T`` and the offsets, so that the way there does not matter.
    A class without a label has offset 0: the likelihood would only ever take it away.

    Args:
        log_probabilities: Finite, shape (pixels, classes), at least one pixel; the first class is background.
        labels: As for :func:`mean_nll`.
        weights: As for :func:`mean_nll`.

    Returns:
        Temperature in 0.2..5, offsets in -5..5 with 0 for background, and the mean negative log-likelihood before
        and after, which is never higher; temperature 1 and offsets 0 where nothing lowers it.

    Source:
        Alexandari, Kundaje and Shrikumar 2020, bias-corrected temperature scaling; after Guo et al. 2017.
    """
    # imported here because a run that calibrates nothing needs no SciPy
    from scipy.optimize import minimize

    classes = log_probabilities.shape[1]
    shown = np.bincount(labels, minlength=classes) > 0
    bounds = [INVERSE_TEMPERATURES, *(OFFSETS if one else (0.0, 0.0) for one in shown[1:])]
    objective, start = _NegativeLogLikelihood(log_probabilities, labels, weights), _identity_parameters(classes)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    before, after = objective(start)[0], float(found.fun)
    if not after < before:
        return 1.0, (0.0,) * classes, before, before
    return 1.0 / float(found.x[0]), (0.0, *map(float, found.x[1:])), before, after


def _identity_parameters(classes: int) -> FloatArray:
    return np.array([1.0] + [0.0] * (classes - 1))


class _NegativeLogLikelihood:
    """Mean negative log-likelihood and its gradient at (1 / temperature, offsets without background)."""

    def __init__(self, log_probabilities: FloatArray, labels: LabelArray, weights: FloatArray | None) -> None:
        given = np.ones(len(labels)) if weights is None else weights
        self.log_probabilities, self.shares = log_probabilities, given / given.sum()
        # what the labels add is linear in the parameters: two sums, taken once
        self.label_shares = np.bincount(labels, weights=self.shares, minlength=log_probabilities.shape[1])
        self.label_score = float(self.shares @ log_probabilities[np.arange(len(labels)), labels])

    def __call__(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        offsets = np.concatenate([[0.0], parameters[1:]])
        scores = parameters[0] * self.log_probabilities + offsets
        highest = scores.max(axis=1, keepdims=True)
        # in place from here on: there are as many rows as validation subjects have pixels
        expected = np.exp(np.subtract(scores, highest, out=scores), out=scores)
        total = expected.sum(axis=1, keepdims=True)
        expected /= total
        log_total = float(self.shares @ (np.log(total) + highest)[:, 0])
        nll = log_total - float(parameters[0]) * self.label_score - float(self.label_shares @ offsets)
        expected *= self.shares[:, np.newaxis]
        slope = float(np.vdot(expected, self.log_probabilities)) - self.label_score
        # rounding may leave a certain and true prediction a hair below 0
        return max(0.0, nll), np.concatenate([[slope], (expected.sum(axis=0) - self.label_shares)[1:]])


Real = TypeVar("Real", bound=np.floating[Any])
PixelsOfSubject = tuple[str, FloatArray, LabelArray]
"""Key of a subject, log-probabilities (pixels, classes) and labels (pixels,) of all its scans together."""
Nll = Annotated[FiniteFloat, Field(ge=0.0)]
CERTAIN_BACKGROUND = 0.999
"""From this probability of background on, a pixel is neither fitted nor changed."""
SMALLEST_PROBABILITY = 1e-7
"""Least probability in a fit: one pixel that was held for impossible must not outweigh a thousand others."""
MAX_PIXELS = 10_000
"""Of one scan in a fit; with four classes 0.3 MB."""
PIXEL_SEED = 0
"""Of the choice of pixels where there are more."""
NO_BETTER = "no adjustment fits better"


class KeyAdjustment(Parameters):
    """What is done to probabilities of subjects of one key.

    Attributes:
        key: The key.
        temperature: Divides log-probabilities; more than 1 makes them less certain.
        offsets: Added to them, one a class; 0 for the first one, background.
        subjects: Labelled validation subjects that it was fitted on.
        nll_before: Mean negative log-likelihood of their pixels as predicted, each subject weighing the same.
        nll_after: The same after adjustment.
        note: Why nothing is changed; empty where something is.
    """

    key: str
    temperature: Annotated[FiniteFloat, Field(gt=0.0)]
    offsets: Annotated[tuple[FiniteFloat, ...], Field(min_length=2)]
    subjects: Annotated[int, Field(ge=0)]
    nll_before: Nll
    nll_after: Nll
    note: str = ""

    @property
    def is_identity(self) -> bool:
        """Whether probabilities stay as they are."""
        return self.temperature == 1.0 and not any(self.offsets)

    @model_validator(mode="after")
    def _background_is_fixed(self) -> Self:
        if self.offsets[0] != 0.0:
            raise ValueError(f"an offset of {self.offsets[0]} for background: it must be 0")
        return self


class FoldCalibration(Parameters):
    """Adjustments fitted on the validation subjects of one fold, for its test subjects.

    Attributes:
        fold: The fold, or ``None`` without cross-validation.
        adjustments: One a key that has labelled validation subjects.
    """

    fold: int | None = None
    adjustments: tuple[KeyAdjustment, ...] = ()

    @property
    def summary(self) -> str:
        """One line for the log."""
        left = [f"{one.key} ({one.note})" for one in self.adjustments if one.is_identity]
        fitted = f"{len(self.adjustments) - len(left)} of {len(self.adjustments)} keys adjusted"
        return f"{fitted}; left as they are: {', '.join(left)}" if left else fitted


class Calibration(Parameters):
    """What is done to probabilities of one strategy.

    Attributes:
        folds: What was fitted; empty where nothing was asked for.
    """

    folds: tuple[FoldCalibration, ...] = ()

    def of(self, fold: int | None) -> FoldCalibration:
        """Adjustments of the test subjects of a fold; none where nothing was fitted."""
        return next((part for part in self.folds if part.fold == fold), FoldCalibration(fold=fold))


def informative_pixels(
    probabilities: npt.NDArray[np.floating[Any]], label: LabelImage, most: int = MAX_PIXELS
) -> tuple[FloatArray, LabelArray]:
    """Pixels of one scan that a calibration is fitted on: those where background is not certain.

    What is drawn there has no say in the choice. Were a pixel of certain background taken because a structure is
    drawn in it, those like it in which none is would be missing, and good probabilities would look overconfident.

    Args:
        probabilities: As from ``Segmenter.predict``, shape (classes, slices, rows, columns), in 0..1.
        label: On the same grid, shape (slices, rows, columns).
        most: If there are more, so many of them, the same ones at every call.

    Returns:
        Log-probabilities, shape (pixels, classes), at least ``log(FLOOR)``, and labels, shape (pixels,).
    """
    places = np.flatnonzero(_uncertain(probabilities))
    if len(places) > most:
        places = np.sort(generator(PIXEL_SEED, "calibration", len(places)).choice(places, most, replace=False))
    picked = probabilities.reshape(len(probabilities), -1)[:, places].astype(np.float64)
    return np.log(np.maximum(picked.T, SMALLEST_PROBABILITY)), label.reshape(-1)[places].astype(np.int64)


def fit_key_adjustments(pixels_by_subject: Iterable[PixelsOfSubject], min_subjects: int) -> tuple[KeyAdjustment, ...]:
    """Fit the adjustment of each key on its own subjects.

    Each subject weighs the same, so that a large heart has no more say than a small one.

    Args:
        pixels_by_subject: One entry a labelled validation subject: its key, and the pixels of all its scans (see
            :func:`informative_pixels`). A subject without pixels says nothing and is not counted.
        min_subjects: A key with fewer subjects is left as it is, at least 1.

    Returns:
        By key in the order of the alphabet.
    """
    by_key: dict[str, list[tuple[FloatArray, LabelArray]]] = defaultdict(list)
    for key, log_probabilities, labels in pixels_by_subject:
        if len(labels):
            by_key[key].append((log_probabilities, labels))
    return tuple(_fit_key(key, subjects, min_subjects) for key, subjects in sorted(by_key.items()))


def adjust_probabilities(probabilities: npt.NDArray[Real], adjustment: KeyAdjustment) -> npt.NDArray[Real]:
    """Probabilities ``softmax(log p / temperature + offsets)`` wherever background is not certain.

    Nothing was fitted where it is, so nothing is changed there: what lies outside of a heart region stays background.

    Args:
        probabilities: Shape (classes, ...), in 0..1, sum to 1 over classes; left as they are.
        adjustment: Of the subject's key.

    Returns:
        The same shape and type, sum to 1 over classes; a class of probability 0 keeps it. The array itself where
        the adjustment changes nothing.

    Raises:
        InvalidModelError: The adjustment is one of another number of classes.
    """
    if len(probabilities) != len(adjustment.offsets):
        permitted = f"one for each of {len(probabilities)} classes"
        raise InvalidModelError(f"calibration of {adjustment.key}", f"{len(adjustment.offsets)} offsets", permitted)
    if adjustment.is_identity:
        return probabilities
    changed, uncertain = probabilities.copy(), _uncertain(probabilities)
    with np.errstate(divide="ignore"):  # the logarithm of 0 is minus infinity, and its exponential 0 again
        log_probabilities = np.log(probabilities[:, uncertain].T.astype(np.float64))
    scores = log_probabilities / adjustment.temperature + np.array(adjustment.offsets)
    changed[:, uncertain] = softmax(scores).T
    return changed


def _uncertain(probabilities: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.bool_]:
    return np.asarray(probabilities[0] < CERTAIN_BACKGROUND)


def _fit_key(key: str, subjects: Sequence[tuple[FloatArray, LabelArray]], min_subjects: int) -> KeyAdjustment:
    log_probabilities = np.concatenate([one for one, _ in subjects])
    labels = np.concatenate([one for _, one in subjects])
    weights = np.concatenate([np.full(len(one), 1.0 / len(one)) for _, one in subjects])
    temperature, offsets = 1.0, (0.0,) * log_probabilities.shape[1]
    if len(subjects) < min_subjects:
        before = after = mean_nll(log_probabilities, labels, weights)
        note = f"{len(subjects)} labelled validation subjects, fewer than {min_subjects}"
    else:
        temperature, offsets, before, after = fit_adjustment(log_probabilities, labels, weights)
        note = "" if after < before else NO_BETTER
    return KeyAdjustment(
        key=key,
        temperature=temperature,
        offsets=offsets,
        subjects=len(subjects),
        nll_before=before,
        nll_after=after,
        note=note,
    )
