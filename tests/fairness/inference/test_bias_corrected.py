"""The corrected SD, against a library and against the truth."""

import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from faircmr.fairness.inference import Groups, bias_corrected_sd, group_estimates
from faircmr.fairness.inference.resampling import Estimates

MEANS = np.array([0.93, 0.84, 0.88, 0.85, 0.87, 0.85])


def test_is_that_of_dersimonian_and_laird_where_all_standard_errors_are_equal():
    errors = np.full(6, 0.02)

    found = bias_corrected_sd(Estimates(MEANS, errors))

    assert found**2 == pytest.approx(combine_effects(MEANS, errors**2, method_re="chi2").tau2)


def test_is_the_plain_one_without_sampling_noise_and_0_where_noise_explains_all():
    assert bias_corrected_sd(Estimates(MEANS, np.zeros(6))) == pytest.approx(MEANS.std(ddof=1))
    assert bias_corrected_sd(Estimates(MEANS, np.full(6, 0.04))) == 0.0
    assert np.isnan(bias_corrected_sd(Estimates(MEANS, np.array([0.01] * 5 + [np.nan]))))


def test_its_square_is_right_on_average_where_the_plain_one_is_too_large():
    sizes = [40, 6, 9, 20]
    truth = np.array([2.0, 0.0, 1.0, 4.0])
    groups = Groups.of(list(np.repeat([*"abcd"], sizes)))
    tables = np.random.default_rng(1).normal(truth[groups.codes], 1.0, size=(20_000, sum(sizes)))

    means = group_estimates(tables, groups)

    # Monte-Carlo error 0.007
    assert (bias_corrected_sd(means) ** 2).mean() == pytest.approx(truth.var(ddof=1), abs=0.025)
    noise = np.mean(1 / np.array(sizes))
    assert means.values.var(axis=-1, ddof=1).mean() == pytest.approx(truth.var(ddof=1) + noise, abs=0.025)
