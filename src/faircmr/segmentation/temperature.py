"""Temperature and offsets of the most likely softmax.

``softmax(log p / T + b)`` is ``softmax(z / T + b)`` of the logits ``z`` that ``p`` came from: they differ by the same
number for all classes, so that nothing is lost where only probabilities are at hand, as of several networks' mean.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

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
    return _Objective(log_probabilities, labels, weights)(_identity(log_probabilities.shape[1]))[0]


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
    objective, start = _Objective(log_probabilities, labels, weights), _identity(classes)
    found = minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"ftol": 1e-13})
    before, after = objective(start)[0], float(found.fun)
    if not after < before:
        return 1.0, (0.0,) * classes, before, before
    return 1.0 / float(found.x[0]), (0.0, *map(float, found.x[1:])), before, after


def _identity(classes: int) -> FloatArray:
    return np.array([1.0] + [0.0] * (classes - 1))


class _Objective:
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
