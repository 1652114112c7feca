"""Classical tests against pingouin, statsmodels and scikit-posthocs, and their one form."""

import re
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from faircmr.core import InvalidScoresError
from faircmr.fairness.inference import Groups
from faircmr.fairness.inference.classical import dunn, games_howell, kruskal_wallis, welch_anova, welch_t

GROUPS = Groups(("a", "b", "c"), np.repeat([0, 1, 2], [12, 7, 5]))
ONE = Groups(("a", "b", "one"), np.repeat([0, 1, 2], [12, 11, 1]))
VALUES = np.random.default_rng(0).gamma(2.0, size=(2, 24)) * np.repeat([1.0, 1.5, 3.0], [12, 7, 5])
TABLE = pd.DataFrame({"score": VALUES[1], "group": np.array(GROUPS.names)[GROUPS.codes]})
ALL_TESTS = [welch_t, welch_anova, kruskal_wallis, games_howell, dunn]
PAIRS = (("a", "b"), ("a", "c"), ("b", "c"))


@pytest.fixture
def pingouin():
    """Without its rounding."""
    import pingouin

    before = dict(pingouin.options)
    pingouin.options["round"] = None
    yield pingouin
    pingouin.options.update(before)


def test_welch_t_is_of_a_group_against_the_rest(pingouin):
    found = welch_t(VALUES, GROUPS)
    expected = pingouin.ttest(VALUES[1, :12], VALUES[1, 12:], correction=True)

    assert found.comparisons == (("a", "rest"), ("b", "rest"), ("c", "rest"))
    assert found.statistics[1, 0] == pytest.approx(expected["T"].iloc[0])
    assert found.p_values[1, 0] == pytest.approx(expected["p_val"].iloc[0])


def test_welch_anova_is_pingouin_s_and_statsmodels(pingouin):
    from statsmodels.stats.oneway import anova_oneway

    found = welch_anova(VALUES, GROUPS)
    expected = pingouin.welch_anova(data=TABLE, dv="score", between="group").iloc[0]

    assert found.statistics[1] == pytest.approx([expected["F"]])
    assert found.p_values[1] == pytest.approx([expected["p_unc"]])
    assert found.p_values[1] == pytest.approx([anova_oneway(TABLE["score"], TABLE["group"]).pvalue])


def test_games_howell_is_pingouin_s(pingouin):
    found = games_howell(VALUES, GROUPS)
    expected = pingouin.pairwise_gameshowell(data=TABLE, dv="score", between="group")

    assert found.comparisons == tuple(zip(expected["A"], expected["B"], strict=True))
    assert found.statistics[1] == pytest.approx(expected["diff"].to_numpy())
    assert found.p_values[1] == pytest.approx(expected["pval"].to_numpy(), abs=1e-6)
    assert found.family_wise


def test_kruskal_wallis_is_pingouin_s(pingouin):
    found = kruskal_wallis(VALUES, GROUPS)
    expected = pingouin.kruskal(data=TABLE, dv="score", between="group").iloc[0]

    assert found.statistics[1] == pytest.approx([expected["H"]])
    assert found.p_values[1] == pytest.approx([expected["p_unc"]])


def test_of_two_groups_dunn_is_kruskal_wallis():
    # with two groups, z^2 is H, and both are referred to the same distribution
    groups = Groups(("a", "b"), np.repeat([0, 1], [12, 12]))

    found = dunn(VALUES, groups)

    assert found.p_values == pytest.approx(kruskal_wallis(VALUES, groups).p_values)
    assert not found.family_wise


def test_dunn_is_of_all_pairs_in_the_order_of_the_groups():
    from scikit_posthocs import posthoc_dunn

    expected = posthoc_dunn(TABLE, val_col="score", group_col="group")
    found = dunn(VALUES, GROUPS)

    assert found.comparisons == PAIRS
    assert found.p_values[1] == pytest.approx([expected.loc[pair] for pair in PAIRS])


@pytest.mark.parametrize("test", ALL_TESTS)
def test_strategies_do_not_touch_each_other(test):
    together, alone = test(VALUES, GROUPS), test(VALUES[1], GROUPS)

    assert together.p_values[1] == pytest.approx(alone.p_values)
    assert together.p_values.shape == (2, len(together.comparisons))


@pytest.mark.parametrize("test", ALL_TESTS)
def test_are_told_in_one_form(test):
    found = test(VALUES, GROUPS)

    table = found.table(["baseline", "balanced"])

    columns = ["strategy", "test", "group", "against", "statistic", "p_value", "family_wise"]
    assert table.columns.tolist() == columns
    second = table[table["strategy"] == "balanced"]
    assert second["p_value"].tolist() == found.p_values[1].tolist()
    assert tuple(zip(second["group"], second["against"], strict=True)) == found.comparisons
    assert set(table["test"]) == {test.__name__}


@pytest.mark.parametrize("test", [welch_t, welch_anova, kruskal_wallis, games_howell, dunn])
def test_equal_scores_have_no_p_value_and_no_warning(test):
    found = test(np.full(24, 0.9), GROUPS)

    assert np.isnan(found.p_values).all()


def test_a_group_of_one_is_left_out_where_its_spread_is_needed():
    values = VALUES[0]

    assert np.isnan(welch_t(values, ONE).p_values).tolist() == [False, False, True]
    assert np.isnan(games_howell(values, ONE).p_values).tolist() == [False, True, True]
    expected = ttest_ind(values[:12], values[12:23], equal_var=False).pvalue
    assert welch_anova(values, ONE).p_values == pytest.approx([expected])
    assert games_howell(values, ONE).p_values[0] == pytest.approx(expected)
    assert np.isfinite(kruskal_wallis(values, ONE).p_values).all()
    assert np.isfinite(dunn(values, ONE).p_values).all()


@pytest.mark.parametrize("test", [welch_anova, games_howell])
def test_one_group_of_two_alone_is_compared_with_nothing(test):
    assert np.isnan(test(VALUES[0, :3], Groups(("a", "one"), np.array([0, 0, 1]))).p_values).all()


@pytest.mark.parametrize("test", ALL_TESTS)
def test_refuses_scores_that_are_not_numbers(test):
    with pytest.raises(InvalidScoresError, match="scores: 1 not finite"):
        test(np.where(np.arange(24) == 3, np.nan, VALUES[0]), GROUPS)


def test_the_documentation_s_example_runs_and_names_every_test(tmp_path: Path):
    page = (Path(__file__).parents[3] / "docs" / "audit.md").read_text().partition("## Classical tests")[2]
    (block,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    example = tmp_path / "example.py"
    example.write_text(block.replace("welch_t([", "table = welch_t(["))

    found = runpy.run_path(str(example), {"scores": VALUES[0], "race": TABLE["group"].tolist()})

    pd.testing.assert_frame_equal(found["table"], welch_t(VALUES[:1], GROUPS).table(["our model"]))
    assert all(f".{test.__name__}`" in page for test in ALL_TESTS)
