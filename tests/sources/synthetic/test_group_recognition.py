"""Can a small classifier tell group A from the others by the image? At strength 1 it must, at strength 0 it cannot."""

import numpy as np
import pytest

from faircmr.sources.synthetic import SyntheticParameters
from faircmr.sources.synthetic.anatomy import group_shift
from faircmr.sources.synthetic.subject import synthesise

COHORT_SEED = 0
PERMUTATIONS = 2000
RIDGE = 10.0

pytestmark = pytest.mark.slow


def features(strength):
    """Histogram of normalised intensities and a coarse mid-ventricular slice of 150 people of A and 150 of B to F."""
    parameters = SyntheticParameters(cohort_seed=COHORT_SEED)
    people = [(group, number) for group in "A" * 5 + "BCDEF" for number in range(30)]
    ids = [f"{group}{number + 30 * (index // 30):04d}" for index, (group, number) in enumerate(people)]
    rows = []
    for (group, _), source_id in zip(people, ids, strict=True):
        images = synthesise(parameters, source_id, group_shift(COHORT_SEED, group, strength)).images
        images = (images - images.mean()) / images.std()
        histogram, _ = np.histogram(images[..., 12:52, 12:52], bins=64, range=(-1.5, 4.0), density=True)
        rows.append(np.concatenate([histogram, images[0, 4].reshape(16, 4, 16, 4).mean(axis=(1, 3)).ravel()]))
    return np.array(rows), np.array([group != "A" for group, _ in people])


def ranked(scores):
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(1, len(scores) + 1)
    return ranks


def auc(ranks, positive):
    """Area under the ROC curve by the Mann-Whitney statistic."""
    count = positive.sum()
    return (ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(ranks) - count))


def auc_of_a_ridge_classifier(strength):
    """Test AUC, and the interval that holds 95 % of the AUCs of permuted labels."""
    rows, positive = features(strength)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(rows))
    train, test = order[::2], order[1::2]
    scaled = (rows - rows[train].mean(axis=0)) / (rows[train].std(axis=0) + 1e-6)
    gram = scaled[train] @ scaled[train].T + RIDGE * scaled.shape[1] * np.eye(len(train))
    weights = scaled[train].T @ np.linalg.solve(gram, positive[train] - positive[train].mean())
    ranks = ranked(scaled[test] @ weights)
    permuted = [auc(ranks, rng.permutation(positive[test])) for _ in range(PERMUTATIONS)]
    return auc(ranks, positive[test]), np.percentile(permuted, [2.5, 97.5])


def test_groups_are_told_apart_at_strength_one():
    found, (_, upper) = auc_of_a_ridge_classifier(1.0)

    assert found > max(upper, 0.9)


def test_groups_differ_in_name_only_at_strength_zero():
    found, (lower, upper) = auc_of_a_ridge_classifier(0.0)

    assert lower <= found <= upper
