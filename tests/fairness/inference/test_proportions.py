"""Intervals of proportions against published ones, and where units of a cluster are alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from faircmr.fairness.inference import clustered_proportion, wilson

# Newcombe 1998, Table I, method 3: hits, units -> 95 % interval as printed
NEWCOMBE = {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718)}
clusters = st.lists(
    st.integers(1, 12).flatmap(lambda units: st.tuples(st.integers(0, units), st.just(units))), min_size=1, max_size=12
).map(lambda pairs: tuple(np.array(pairs).T))


@pytest.mark.parametrize(("counts", "printed"), NEWCOMBE.items(), ids=str)
def test_reproduces_the_published_intervals(counts, printed):
    hits, n = counts

    assert wilson(hits / n, n) == pytest.approx(printed, abs=5e-5)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_is_scipy_s_interval_where_units_are_independent(counts):
    hits, n = counts
    expected = binomtest(hits, n).proportion_ci(method="wilson")

    found = clustered_proportion(np.arange(n) < hits, np.ones(n))

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (found.value, found.n) == (hits / n, n)


@given(clusters)
def test_an_interval_holds_its_share_and_is_never_narrower_than_that_of_independent_units(pair):
    hits, units = pair

    found = clustered_proportion(hits, units)

    assert 0.0 <= found.low <= found.value <= found.high <= 1.0
    independent = wilson(found.value, found.n)
    assert found.high - found.low >= independent[1] - independent[0] - 1e-12


@given(clusters)
def test_the_order_of_clusters_does_not_matter_nor_do_those_without_units(pair):
    hits, units = pair

    found = clustered_proportion([*hits[::-1], 0], [*units[::-1], 0])

    assert found == pytest.approx(clustered_proportion(hits, units))


def test_units_that_are_all_alike_count_about_as_one_a_cluster():
    # variance 20/19 * 100 * 0.24 * 20 / 200^2, over 0.24 / 199 of independent units: 10 * 199 / 190
    found = clustered_proportion(np.repeat([0, 10], [8, 12]), np.full(20, 10))

    assert (found.low, found.high) == pytest.approx(wilson(0.6, 200 / (10 * 199 / 190)))


@pytest.mark.parametrize("hits", [0, 10])
def test_a_share_of_none_or_all_has_the_width_of_one_unit_a_cluster(hits):
    found = clustered_proportion([hits] * 20, [10] * 20)

    assert (found.low, found.high) == pytest.approx(wilson(hits / 10, 20))


def test_one_cluster_tells_as_much_as_one_unit():
    found = clustered_proportion([5], [10])

    assert (found.low, found.high) == pytest.approx(wilson(0.5, 1))


def test_nothing_has_no_share():
    found = clustered_proportion([], [])

    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.n == 0


def test_95_of_100_intervals_hold_the_true_share_where_units_of_a_cluster_are_much_alike():
    rng = np.random.default_rng(0)
    truth, clusters_of_one, units = 0.75, 40, rng.integers(6, 14, 40)
    # beta-binomial with an intraclass correlation of 1 / (1.5 + 0.5 + 1) = 1/3
    draws = [rng.binomial(units, rng.beta(1.5, 0.5, clusters_of_one)) for _ in range(1000)]

    found = [clustered_proportion(hits, units) for hits in draws]

    assert np.mean([one.low <= truth <= one.high for one in found]) == pytest.approx(0.95, abs=0.02)
    independent = [wilson(one.value, one.n) for one in found]
    assert np.mean([low <= truth <= high for low, high in independent]) < 0.75
