"""Calibration of probabilities by key: a temperature and an offset for each class, fitted on validation subjects.

``softmax(log p / T + b)`` equals ``softmax(z / T + b)`` of the logits ``z`` behind ``p``, because ``log p`` and ``z``
differ by the same constant for all classes. Calibration therefore also works on averaged probabilities of several
networks, which have no logits.

A key is an opaque label of a subject, such as its protected group; nothing here depends on its meaning.
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
    """Softmax of scores, shape (pixels, classes); scores may be minus infinity if one class of each pixel is finite."""
    exponentials: FloatArray = np.exp(scores - scores.max(axis=1, keepdims=True))
    exponentials /= exponentials.sum(axis=1, keepdims=True)
    return exponentials


def mean_nll(log_probabilities: FloatArray, labels: LabelArray, weights: FloatArray | None = None) -> float:
    """Mean negative log-likelihood of labels.

    Args:
        log_probabilities: Finite, shape (pixels, classes).
        labels: Class of each pixel, shape (pixels,).
        weights: Of each pixel, shape (pixels,), any positive sum; equal by default.

    Returns:
        Nats per pixel, at least 0.
    """
    return _NegativeLogLikelihood(log_probabilities, labels, weights)(_identity_parameters(log_probabilities.shape[1]))[
        0
    ]


def fit_adjustment(log_probabilities: FloatArray, labels: LabelArray, weights: FloatArray | None = None) -> Adjustment:
    """Fit the temperature and offsets that maximise the likelihood of the labels.

    The mean negative log-likelihood is convex in ``1 / T`` and the offsets, so the starting point does not matter.
    The offset of a class without labelled pixels is fixed at 0, because its optimum is at minus infinity.

    Args:
        log_probabilities: Finite, shape (pixels, classes), at least one pixel; the first class is background.
        labels: Same as for :func:`mean_nll`.
        weights: Same as for :func:`mean_nll`.

    Returns:
        Temperature in 0.2..5, offsets in -5..5 with 0 for background, and the mean negative log-likelihood before
        and after. It never rises: if it cannot be lowered, the temperature is 1 and the offsets are 0.

    Source:
        Alexandari, Kundaje and Shrikumar 2020, bias-corrected temperature scaling; after Guo et al. 2017.
    """
    # imported here because runs without calibration do not need SciPy
    from scipy.optimize import minimize

    classes = log_probabilities.shape[1]
    labelled = np.bincount(labels, minlength=classes) > 0
    bounds = [INVERSE_TEMPERATURES, *(OFFSETS if has_label else (0.0, 0.0) for has_label in labelled[1:])]
    objective, start = _NegativeLogLikelihood(log_probabilities, labels, weights), _identity_parameters(classes)
    optimum = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    before, after = objective(start)[0], float(optimum.fun)
    if not after < before:
        return 1.0, (0.0,) * classes, before, before
    return 1.0 / float(optimum.x[0]), (0.0, *map(float, optimum.x[1:])), before, after


def _identity_parameters(classes: int) -> FloatArray:
    return np.array([1.0] + [0.0] * (classes - 1))


class _NegativeLogLikelihood:
    """Mean negative log-likelihood and its gradient at (1 / temperature, offsets without background)."""

    def __init__(self, log_probabilities: FloatArray, labels: LabelArray, weights: FloatArray | None) -> None:
        weights = np.ones(len(labels)) if weights is None else weights
        self.log_probabilities, self.shares = log_probabilities, weights / weights.sum()
        # the term of the labels is linear in the parameters, so two sums are enough
        self.label_shares = np.bincount(labels, weights=self.shares, minlength=log_probabilities.shape[1])
        self.label_score = float(self.shares @ log_probabilities[np.arange(len(labels)), labels])

    def __call__(self, parameters: FloatArray) -> tuple[float, FloatArray]:
        offsets = np.concatenate([[0.0], parameters[1:]])
        scores = parameters[0] * self.log_probabilities + offsets
        highest = scores.max(axis=1, keepdims=True)
        # in place from here on, because there is one row for each pixel of all validation subjects
        expected = np.exp(np.subtract(scores, highest, out=scores), out=scores)
        total = expected.sum(axis=1, keepdims=True)
        expected /= total
        log_total = float(self.shares @ (np.log(total) + highest)[:, 0])
        nll = log_total - float(parameters[0]) * self.label_score - float(self.label_shares @ offsets)
        expected *= self.shares[:, np.newaxis]
        slope = float(np.vdot(expected, self.log_probabilities)) - self.label_score
        # rounding may give a value slightly below 0 for certain and correct predictions
        return max(0.0, nll), np.concatenate([[slope], (expected.sum(axis=0) - self.label_shares)[1:]])


Real = TypeVar("Real", bound=np.floating[Any])
PixelsOfSubject = tuple[str, FloatArray, LabelArray]
"""Key of a subject, and log-probabilities (pixels, classes) and labels (pixels,) of all its scans."""
Nll = Annotated[FiniteFloat, Field(ge=0.0)]
CERTAIN_BACKGROUND = 0.999
"""Pixels with at least this probability of background are neither fitted nor changed."""
SMALLEST_PROBABILITY = 1e-7
"""Lower bound of probabilities in a fit, so that one pixel with probability 0 does not outweigh a thousand others."""
MAX_PIXELS = 10_000
"""Most pixels of one scan in a fit; 0.3 MB with four classes."""
PIXEL_SEED = 0
"""Seed of the random choice of pixels in scans with more."""
NO_BETTER = "no adjustment fits better"


class KeyAdjustment(Parameters):
    """Adjustment of the probabilities of subjects with one key.

    Attributes:
        key: The key.
        temperature: Divides log-probabilities; more than 1 makes them less certain.
        offsets: Added to them, one for each class; 0 for the first, background.
        subjects: Number of labelled validation subjects that it was fitted on.
        nll_before: Mean negative log-likelihood of their pixels before adjustment; all subjects have equal weight.
        nll_after: The same after adjustment.
        note: Reason why nothing is changed; otherwise empty.
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
        """Whether probabilities remain unchanged."""
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
        adjustments: One for each key with labelled validation subjects.
    """

    fold: int | None = None
    adjustments: tuple[KeyAdjustment, ...] = ()

    @property
    def summary(self) -> str:
        """One line for the log."""
        unchanged = [f"{one.key} ({one.note})" for one in self.adjustments if one.is_identity]
        adjusted = f"{len(self.adjustments) - len(unchanged)} of {len(self.adjustments)} keys adjusted"
        return f"{adjusted}; unchanged: {', '.join(unchanged)}" if unchanged else adjusted


class Calibration(Parameters):
    """Adjustments of the probabilities of one strategy.

    Attributes:
        folds: Fitted adjustments; empty if no calibration was requested.
    """

    folds: tuple[FoldCalibration, ...] = ()

    def of(self, fold: int | None) -> FoldCalibration:
        """Adjustments for the test subjects of a fold; empty if none were fitted."""
        return next((one for one in self.folds if one.fold == fold), FoldCalibration(fold=fold))


def informative_pixels(
    probabilities: npt.NDArray[np.floating[Any]], label: LabelImage, most: int = MAX_PIXELS
) -> tuple[FloatArray, LabelArray]:
    """Select the pixels of one scan that a calibration is fitted on: those where background is not certain.

    The selection does not depend on the label. If pixels of certain background were added where the label shows a
    structure, the corresponding pixels without one would be missing, and good probabilities would look overconfident.

    Args:
        probabilities: Returned by ``Segmenter.predict``, shape (classes, slices, rows, columns), in 0..1.
        label: On the same grid, shape (slices, rows, columns).
        most: Number of pixels to draw if there are more; the same ones at every call.

    Returns:
        Log-probabilities, shape (pixels, classes), at least ``log(FLOOR)``, and labels, shape (pixels,).
    """
    pixels = np.flatnonzero(_uncertain(probabilities))
    if len(pixels) > most:
        pixels = np.sort(generator(PIXEL_SEED, "calibration", len(pixels)).choice(pixels, most, replace=False))
    selected = probabilities.reshape(len(probabilities), -1)[:, pixels].astype(np.float64)
    return np.log(np.maximum(selected.T, SMALLEST_PROBABILITY)), label.reshape(-1)[pixels].astype(np.int64)


def fit_key_adjustments(pixels_by_subject: Iterable[PixelsOfSubject], min_subjects: int) -> tuple[KeyAdjustment, ...]:
    """Fit the adjustment of each key on the subjects with this key.

    All subjects have equal weight, so that large hearts do not count more than small ones.

    Args:
        pixels_by_subject: One entry for each labelled validation subject: its key, and the pixels of all its scans (see
            :func:`informative_pixels`). Subjects without pixels are not counted.
        min_subjects: At least 1; a key with fewer subjects is not adjusted.

    Returns:
        One adjustment for each key, sorted by key.
    """
    by_key: dict[str, list[tuple[FloatArray, LabelArray]]] = defaultdict(list)
    for key, log_probabilities, labels in pixels_by_subject:
        if len(labels):
            by_key[key].append((log_probabilities, labels))
    return tuple(_fit_key(key, subjects, min_subjects) for key, subjects in sorted(by_key.items()))


def adjust_probabilities(probabilities: npt.NDArray[Real], adjustment: KeyAdjustment) -> npt.NDArray[Real]:
    """Apply ``softmax(log p / temperature + offsets)`` to pixels where background is not certain.

    Pixels of certain background were not fitted and are not changed; everything outside of a heart region stays
    background.

    Args:
        probabilities: Shape (classes, ...), in 0..1, sum to 1 over classes; not modified.
        adjustment: Of the subject's key.

    Returns:
        Same shape and type, sum to 1 over classes; probabilities of 0 stay 0. The input array itself if the
        adjustment changes nothing.

    Raises:
        InvalidModelError: The adjustment has another number of classes.
    """
    if len(probabilities) != len(adjustment.offsets):
        permitted = f"one for each of {len(probabilities)} classes"
        raise InvalidModelError(f"calibration of {adjustment.key}", f"{len(adjustment.offsets)} offsets", permitted)
    if adjustment.is_identity:
        return probabilities
    changed, uncertain = probabilities.copy(), _uncertain(probabilities)
    with np.errstate(divide="ignore"):  # log(0) is minus infinity, whose exponential is 0 again
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
