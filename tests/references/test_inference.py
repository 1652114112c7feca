"""Inference over groups of subjects against base R; see ``README.md``."""

import pytest

from faircmr.fairness.adjustment import Adjusted, Covariates, Draws, adjusted_differences
from faircmr.fairness.inference import Groups, classical, hedges_g, holm, power_against_rest, smallest_detectable_gap
from faircmr.fairness.inference import classical as classical_pairs
from faircmr.fairness.metrics import limits_of_agreement
from tests.references.tables import given, said

SCORES = given("scores")
DSC = SCORES["dsc"].to_numpy()
GROUPS = Groups.of(SCORES["group"].tolist())
SIZES, SDS = (472, 18, 41, 24, 9, 26), (2, 3, 2.5, 3.5, 4, 3)


class TestClassicalTests:
    def test_welch_s_t_of_a_group_against_the_rest(self):
        expected = said("group_vs_rest", test="welch")

        found = classical.welch_t(DSC, GROUPS)

        assert found.statistics == pytest.approx(expected["t"].to_numpy(), rel=1e-9)
        assert found.p_values == pytest.approx(expected["p"].to_numpy(), rel=1e-9)

    @pytest.mark.parametrize(
        ("test", "column", "expected"),
        [
            (classical.welch_anova, "dsc", "welch"),
            (classical.kruskal_wallis, "dsc", "kruskal"),
            (classical.kruskal_wallis, "dsc_rounded", "kruskal_with_ties"),
        ],
    )
    def test_all_groups_at_once(self, test, column, expected):
        row = said("omnibus", test=expected).iloc[0]

        found = test(SCORES[column].to_numpy(), GROUPS)

        assert found.statistics == pytest.approx(row["statistic"], rel=1e-9)
        assert found.p_values == pytest.approx(row["p"], rel=1e-9)

    def test_games_and_howell_s(self):
        expected = said("games_howell")

        found = classical_pairs.games_howell(DSC, GROUPS)

        assert found.comparisons == tuple(zip(expected["a"], expected["b"], strict=True))
        assert found.statistics == pytest.approx(expected["difference"].to_numpy(), rel=1e-9)
        # the studentised range is integrated numerically by both
        assert found.p_values == pytest.approx(expected["p"].to_numpy(), rel=1e-5)

    @pytest.mark.parametrize("column", ["dsc", "dsc_rounded"])
    def test_dunn_s(self, column):
        expected = said("dunn", values=column)

        found = classical_pairs.dunn(SCORES[column].to_numpy(), GROUPS)

        assert found.p_values == pytest.approx(expected["p"].to_numpy(), rel=1e-9)
        assert holm(found.p_values) == pytest.approx(expected["holm"].to_numpy(), rel=1e-9)


def test_holm_s_correction():
    expected = said("pairwise_welch")

    assert holm(expected["p"].to_numpy()) == pytest.approx(expected["holm"].to_numpy(), rel=1e-12)


def test_hedges_g():
    expected = said("effect_sizes")

    assert hedges_g(DSC, GROUPS).estimates == pytest.approx(expected["hedges_g_approximate"].to_numpy(), rel=1e-10)


def test_power_and_the_smallest_detectable_gap():
    expected = said("power_group_vs_rest", test="welch")

    assert power_against_rest(1.0, SIZES, SDS) == pytest.approx(expected["power"].to_numpy(), abs=1e-8)
    assert smallest_detectable_gap(SIZES, SDS) == pytest.approx(expected["detectable_80"].to_numpy(), rel=1e-8)


def test_limits_of_agreement():
    volumes = given("volumes")
    expected = said("bland_altman").set_index("quantity")

    found = limits_of_agreement(volumes["model"] - volumes["reference"])._asdict()

    for name in ("bias", "lower_limit", "upper_limit"):
        interval = ("low", "high") if name == "bias" else ("exact_low", "exact_high")
        row = expected.loc[name, ["value", *interval]].to_numpy(dtype=float)
        assert (found[name], found[f"{name}_low"], found[f"{name}_high"]) == pytest.approx(row, rel=1e-8)


@pytest.fixture(scope="module")
def adjusted() -> Adjusted:
    subjects = SCORES.set_index("subject")
    covariates = Covariates(numeric=("age",), categorical=("sex",))
    return adjusted_differences(subjects["dsc"] / 100, subjects["group"], subjects, covariates, Draws(99, seed=0))


class TestAdjustmentForCovariates:
    @pytest.mark.parametrize(("adjustment", "in_r"), [("none", "none"), ("confounders", "age and sex")])
    def test_differences_of_a_group_from_the_rest(self, adjusted, adjustment, in_r):
        found = adjusted.differences.query("adjustment == @adjustment")
        expected = said("adjusted_vs_rest", adjustment=in_r)

        assert found["group"].tolist() == expected["group"].tolist()
        assert 100 * found["difference"].to_numpy() == pytest.approx(expected["difference"].to_numpy(), rel=1e-9)

    def test_analysis_of_covariance(self, adjusted):
        table = adjusted.ancova
        found = table[table["adjustment"] == "confounders"].set_index("term").loc[["group", "age", "sex"]]
        expected = said("anova_type_2").set_index("term").loc[["group", "age", "sex"]]

        assert found["df"].tolist() == expected["df"].tolist()
        assert 1e4 * found["squares"].to_numpy() == pytest.approx(expected["sum_sq"].to_numpy(), rel=1e-8)
        assert found["F"].to_numpy() == pytest.approx(expected["f"].to_numpy(), rel=1e-8)
        assert found["p_equal_spread"].to_numpy() == pytest.approx(expected["p"].to_numpy(), rel=1e-8)
