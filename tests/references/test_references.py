"""What is computed here and by the libraries used is what base R says of the same tables; see ``README.md``."""

import shutil
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from faircmr.fairness.inference import Groups, wilson
from faircmr.fairness.tables import asterisks, disparity_sd, literal_t_test, scheffe_matrix, skewed_error_ratio
from tests.references.compare import OUTPUTS, differences
from tests.references.tables import given, said

SCORES = given("scores")
DSC, OTHER = SCORES["dsc"].to_numpy(), SCORES["dsc_other"].to_numpy()
GROUPS = Groups.of(SCORES["group"].tolist())
BY_GROUP = [DSC[GROUPS.codes == code] for code in range(len(GROUPS.names))]
REST = [DSC[GROUPS.codes != code] for code in range(len(GROUPS.names))]
PAIRS = list(combinations(GROUPS.names, 2))


class TestFaircmr:
    @pytest.mark.parametrize("attribute", ["group", "centre"])
    def test_the_paper_s_t_test_also_of_a_group_of_one(self, attribute):
        expected = said("group_vs_all", attribute=attribute)
        groups = Groups.of(SCORES[attribute].tolist())

        t, p = literal_t_test(DSC, groups)
        table = asterisks(DSC, groups)

        assert (expected["n"].min() == 1) == (attribute == "centre")
        assert t == pytest.approx(expected["t"].to_numpy(), rel=1e-10)
        assert p == pytest.approx(expected["p"].to_numpy(), rel=1e-10)
        assert table["group"].tolist() == expected["group"].tolist()
        assert table["mean"].tolist() == pytest.approx(expected["mean"].tolist(), rel=1e-12)
        assert table["significant"].tolist() == (expected["p"] < 0.01).tolist()

    def test_scheffe_s_matrix(self):
        expected = said("scheffe")

        matrix = scheffe_matrix(DSC, GROUPS)

        for row in expected.itertuples():
            assert matrix.loc[row.a, row.b] == matrix.loc[row.b, row.a] == pytest.approx(row.p, rel=1e-9)

    def test_disparity_over_groups(self):
        expected = said("disparity").iloc[0]
        means = GROUPS.means(DSC) / 100

        assert 100 * disparity_sd(means) == pytest.approx(expected["sd"], rel=1e-10)
        assert skewed_error_ratio(means) == pytest.approx(expected["ser"], rel=1e-10)

    def test_wilson_s_interval(self):
        expected = said("proportions")

        found = [wilson(row.hits / row.n, row.n) for row in expected.itertuples()]

        assert np.array(found) == pytest.approx(expected[["wilson_low", "wilson_high"]].to_numpy(), abs=1e-12)


class TestLibraries:
    """What SciPy, statsmodels, pingouin and scikit-posthocs say of the same, where this project leans on them."""

    @pytest.mark.parametrize(("test", "equal"), [("student", True), ("welch", False)])
    def test_a_group_against_the_rest(self, test, equal):
        expected = said("group_vs_rest", test=test)

        found = [stats.ttest_ind(x, y, equal_var=equal) for x, y in zip(BY_GROUP, REST, strict=True)]

        intervals = [result.confidence_interval() for result in found]
        assert [result.statistic for result in found] == pytest.approx(expected["t"].tolist())
        assert [result.pvalue for result in found] == pytest.approx(expected["p"].tolist())
        assert np.array(intervals) == pytest.approx(expected[["low", "high"]].to_numpy())

    def test_paired_differences(self):
        expected = said("paired")

        found = [stats.ttest_rel(OTHER[GROUPS.codes == code], DSC[GROUPS.codes == code]) for code in range(6)]

        assert [result.pvalue for result in found] == pytest.approx(expected["p"].tolist())

    def test_equivalence(self):
        from statsmodels.stats.weightstats import ttost_ind, ttost_paired

        for margin in (1, 2):
            expected = said("tost", margin=margin)["p"].tolist()
            found = [ttost_ind(x, y, -margin, margin, usevar="unequal")[0] for x, y in zip(BY_GROUP, REST, strict=True)]
            assert found == pytest.approx(expected, rel=1e-8)
        paired = [ttost_paired(OTHER[of], DSC[of], -1, 1)[0] for of in GROUPS.membership.astype(bool).T]
        assert paired == pytest.approx(said("tost_paired")["p"].tolist(), rel=1e-8)

    def test_all_groups_at_once(self):
        from pingouin import welch_anova

        expected = said("omnibus").set_index("test")["p"]
        ties = [SCORES["dsc_rounded"].to_numpy()[GROUPS.codes == code] for code in range(6)]

        found = {
            "anova": stats.f_oneway(*BY_GROUP).pvalue,
            "welch": welch_anova(SCORES, dv="dsc", between="group")["p_unc"].item(),
            "kruskal": stats.kruskal(*BY_GROUP).pvalue,
            "kruskal_with_ties": stats.kruskal(*ties).pvalue,
            "bartlett": stats.bartlett(*BY_GROUP).pvalue,
            "brown_forsythe": stats.levene(*BY_GROUP, center="median").pvalue,
        }

        assert found == pytest.approx(expected.to_dict(), rel=1e-8)

    def test_every_pair(self):
        from pingouin import pairwise_gameshowell
        from scikit_posthocs import posthoc_dunn

        games_howell = pairwise_gameshowell(SCORES, dv="dsc", between="group")
        dunn = posthoc_dunn(SCORES, val_col="dsc_rounded", group_col="group")
        tukey = stats.tukey_hsd(*BY_GROUP).pvalue

        assert games_howell["pval"].to_numpy() == pytest.approx(said("games_howell")["p"].to_numpy(), rel=1e-5)
        expected_dunn = said("dunn", values="dsc_rounded")["p"].tolist()
        assert [dunn.loc[pair] for pair in PAIRS] == pytest.approx(expected_dunn, rel=1e-9)
        assert tukey[np.triu_indices(6, 1)] == pytest.approx(said("tukey")["p"].to_numpy(), abs=1e-9)

    @pytest.mark.parametrize(
        ("column", "method"),
        [("holm", "holm"), ("bonferroni", "bonferroni"), ("BH", "fdr_bh"), ("hochberg", "simes-hochberg")],
    )
    def test_adjusted_p_values(self, column, method):
        from statsmodels.stats.multitest import multipletests

        expected = said("pairwise_welch")

        assert multipletests(expected["p"], method=method)[1] == pytest.approx(expected[column].to_numpy())

    def test_confounders(self):
        from statsmodels.formula.api import ols
        from statsmodels.stats.anova import anova_lm

        model = ols("dsc ~ C(group) + age + C(sex)", SCORES).fit()
        coefficients = said("coefficients").set_index("term")

        marginal = said("anova_type_2").set_index("term")
        found = anova_lm(model, typ=2)
        assert found.loc[["C(group)", "age", "C(sex)"], "PR(>F)"].to_numpy() == pytest.approx(
            marginal.loc[["group", "age", "sex"], "p"].to_numpy()
        )
        assert model.params["C(group)[T.E]"] == pytest.approx(coefficients.loc["groupE", "estimate"])
        assert model.bse["C(group)[T.E]"] == pytest.approx(coefficients.loc["groupE", "se"])

    def test_power(self):
        from statsmodels.stats.power import TTestIndPower, TTestPower

        equal, unequal = said("power_equal_sizes"), said("power_group_vs_rest", test="student")

        effect = (equal["delta"] / equal["sd"]).to_numpy()
        two_sample = TTestIndPower().power(effect, equal["n"].to_numpy(), 0.05)
        paired = TTestPower().power(effect, equal["n"].to_numpy(), 0.05)
        rest = TTestIndPower().power(
            (unequal["gap"] / unequal["sd"]).to_numpy(), unequal["n"].to_numpy(), 0.05, unequal["rest"] / unequal["n"]
        )

        assert two_sample == pytest.approx(equal["power_two_sample"].to_numpy(), abs=1e-8)
        assert paired == pytest.approx(equal["power_paired"].to_numpy(), abs=1e-8)
        assert np.asarray(rest) == pytest.approx(unequal["power"].to_numpy(), abs=1e-8)


class TestComparingWithAFreshRun:
    def test_session_information_is_kept_and_is_not_compared(self, tmp_path):
        shutil.copytree(OUTPUTS, tmp_path / "fresh")
        (tmp_path / "fresh" / "sessionInfo.txt").write_text("R of the future")

        assert "R version" in (OUTPUTS / "sessionInfo.txt").read_text()
        assert differences(OUTPUTS, tmp_path / "fresh") == []

    def test_finds_a_number_that_moved_and_a_table_that_is_missing(self, tmp_path):
        fresh = tmp_path / "fresh"
        shutil.copytree(OUTPUTS, fresh)
        moved = pd.read_csv(fresh / "paired.csv")
        moved.loc[3, "p"] *= 1 + 1e-6
        moved.to_csv(fresh / "paired.csv", index=False)
        (fresh / "tukey.csv").unlink()

        found = differences(OUTPUTS, fresh)

        assert [line.split(":")[0] for line in found] == ["paired.csv", "tukey.csv"]
        assert 'name="p"' in found[0]
        assert found[1] == "tukey.csv: not written"
