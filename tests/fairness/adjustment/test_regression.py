"""Adjusted differences against statsmodels and pingouin, and against what was put into the scores."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from faircmr.core import InvalidParameterError, InvalidScoresError
from faircmr.fairness.adjustment import Adjusted, Covariates, Draws, adjusted_models
from faircmr.fairness.adjustment.linear_models import COLLINEAR, CONSTANT, IS_THE_GROUP, LeastSquares
from faircmr.fairness.adjustment.regression import adjusted_differences
from faircmr.fairness.inference import SUBJECTS_AT_ONCE
from tests.fairness.adjustment.cohorts import SIZES, cohort, noise

SUBJECTS = cohort()
CONFOUNDED = Covariates(numeric=("age", "bmi"), categorical=("sex", "centre"))
FEW = Draws(199, seed=1)


def adjusted(subjects: pd.DataFrame, scores: pd.Series, covariates: Covariates, draws: Draws = FEW) -> Adjusted:
    return adjusted_differences(scores, subjects["group"], subjects, covariates, draws)


def differences(result: Adjusted, adjustment: str) -> pd.DataFrame:
    return result.differences[result.differences["adjustment"] == adjustment].set_index("group")


def test_unadjusted_is_the_mean_of_a_group_less_that_of_everybody_else():
    scores = noise(SUBJECTS)
    found = differences(adjusted(SUBJECTS, scores, Covariates()), "none")

    for group in SIZES:
        own = SUBJECTS["group"] == group
        assert found.loc[group, "difference"] == pytest.approx(scores[own].mean() - scores[~own].mean())
        assert found.loc[group, "n"] == SIZES[group]


def test_agrees_with_least_squares_and_hc3_of_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    matrix, values = rng.normal(size=(60, 5)), rng.normal(size=60)
    contrasts = rng.normal(size=(3, 5))
    reference = sm.OLS(values, matrix).fit(cov_type="HC3", use_t=True)

    found = LeastSquares.fit(matrix, values).coefficients

    tested = reference.t_test(contrasts)
    assert found.values == pytest.approx(reference.params)
    assert found.estimates(contrasts) == pytest.approx(tested.effect)
    assert found.errors(contrasts) == pytest.approx(tested.sd.ravel())
    assert found.wald(contrasts) == pytest.approx(float(reference.f_test(contrasts).fvalue))


def test_refitted_scores_have_the_coefficients_and_covariances_of_statsmodels():
    import statsmodels.api as sm

    rng = np.random.default_rng(0)
    subjects = 2 * SUBJECTS_AT_ONCE + 7
    matrix, values = rng.normal(size=(subjects, 4)), rng.normal(size=(3, subjects)) * rng.gamma(1, size=subjects)

    found = LeastSquares.fit(matrix, rng.normal(size=subjects)).refit(values)

    for own, coefficients, covariance in zip(values, *found, strict=True):
        reference = sm.OLS(own, matrix).fit(cov_type="HC3")
        assert coefficients == pytest.approx(reference.params)
        assert covariance == pytest.approx(reference.cov_params(), rel=1e-9, abs=1e-12)


def test_ancova_agrees_with_statsmodels_and_pingouin():
    import pingouin
    import statsmodels.formula.api as smf
    from statsmodels.stats.anova import anova_lm

    scores = noise(SUBJECTS) + 0.001 * (SUBJECTS["age"] - 60)
    table = SUBJECTS.assign(score=scores)

    found = adjusted(SUBJECTS, scores, CONFOUNDED).ancova
    full = found[found["adjustment"] == "confounders"].set_index("term")
    fitted = smf.ols("score ~ C(group) + age + bmi + C(sex) + C(centre)", table).fit()
    columns = {"squares": "sum_sq", "df": "df", "F": "F", "p_equal_spread": "PR(>F)"}
    terms = {"group": "C(group)", "sex": "C(sex)", "centre": "C(centre)", "residual": "Residual"}
    reference = anova_lm(fitted, typ=2).loc[[terms.get(term, term) for term in full.index]]
    np.testing.assert_allclose(full[list(columns)], reference[list(columns.values())])

    numeric = adjusted(SUBJECTS, scores, Covariates(numeric=("age", "bmi"))).ancova
    numeric = numeric[numeric["adjustment"] == "confounders"].set_index("term")
    expected = pingouin.ancova(data=table, dv="score", between="group", covar=["age", "bmi"]).set_index("Source")
    for term in ("group", "age", "bmi"):
        assert numeric.loc[term, "partial_eta_squared"] == pytest.approx(expected.loc[term, "np2"], abs=1e-6)


def test_a_difference_that_is_age_goes_when_age_is_held_equal():
    older = SUBJECTS.assign(age=SUBJECTS["age"] + 10 * (SUBJECTS["group"] == "Black"))
    scores = noise(older, sd=0.005, seed=1) - 0.004 * (older["age"] - 60)

    result = adjusted(older, scores, Covariates(numeric=("age",)))
    before, after = (differences(result, one).loc["Black"] for one in ("none", "confounders"))

    assert before["difference"] == pytest.approx(-0.04, abs=0.015)
    assert before["high"] < 0
    assert after["low"] < 0 < after["high"]
    assert abs(after["difference"]) < 0.006


def test_a_difference_that_is_none_of_the_covariates_stays():
    scores = noise(SUBJECTS, sd=0.01, seed=1) - 0.05 * (SUBJECTS["group"] == "Black")

    after = differences(adjusted(SUBJECTS, scores, CONFOUNDED), "confounders").loc["Black"]

    assert after["low"] < -0.05 < after["high"] < 0
    assert after["p"] == 2 / 200


def test_size_of_a_structure_stands_apart_because_the_group_may_act_through_it():
    smaller = SUBJECTS.assign(lv_volume=SUBJECTS["lv_volume"] - 60 * (SUBJECTS["group"] == "Asian"))
    scores = noise(smaller, sd=0.005) + 0.001 * (smaller["lv_volume"] - 150)
    covariates = Covariates(numeric=("age",), mediators=("lv_volume",))

    result = adjusted(smaller, scores, covariates)
    without, within = (
        differences(result, one).loc["Asian", "difference"] for one in ("confounders", "confounders and mediators")
    )

    assert without == pytest.approx(-0.06, abs=0.015)
    assert within == pytest.approx(0.0, abs=0.006)


def test_the_same_seed_gives_the_same_result_and_another_one_another():
    scores = noise(SUBJECTS)
    first, again, other = (adjusted(SUBJECTS, scores, CONFOUNDED, Draws(199, seed)).differences for seed in (1, 1, 2))

    pd.testing.assert_frame_equal(first, again)
    assert not first["low"].equals(other["low"])


def test_covariates_that_cannot_be_adjusted_for_are_dropped_with_the_reason():
    subjects = SUBJECTS.assign(
        scanner="1.5 T",
        tesla=1.5,
        race=SUBJECTS["group"],
        months=12 * SUBJECTS["age"],
        is_asian=SUBJECTS["group"] == "Asian",
    )
    covariates = Covariates(numeric=("age", "months", "tesla"), categorical=("scanner", "race", "is_asian", "sex"))

    result = adjusted(subjects, noise(subjects), covariates)

    dropped = result.exclusions.set_index("name")["reason"].to_dict()
    assert dropped == {
        "months": COLLINEAR,
        "tesla": CONSTANT,
        "scanner": CONSTANT,
        "race": IS_THE_GROUP,
        "is_asian": IS_THE_GROUP,
    }
    assert result.ancova["term"].tolist() == ["group", "residual", "group", "age", "sex", "residual"]


def test_the_only_subject_of_a_centre_counts_as_if_it_were_left_out():
    alone = SUBJECTS.assign(centre=["alone", *SUBJECTS["centre"].astype(str)[1:]])
    scores = noise(alone)
    covariates = Covariates(categorical=("centre",))

    model, reduced = (
        LeastSquares.fit(pd.get_dummies(table["centre"]).to_numpy(dtype=float), scores[table.index].to_numpy())
        for table in (alone, alone.iloc[1:])
    )

    assert model.coefficients.errors(np.eye(4))[:3] == pytest.approx(reduced.coefficients.errors(np.eye(3)))
    assert adjusted(alone, scores, covariates).differences.notna().all(axis=None)


def test_warns_where_a_group_has_hardly_anybody_like_it_among_the_rest():
    older = SUBJECTS.assign(age=SUBJECTS["age"] + 40 * (SUBJECTS["group"] == "Black"))

    result = adjusted(older, noise(older), Covariates(numeric=("age",), categorical=("sex",)))

    assert result.warnings == ("Black: 0% have their like in age among the rest; adjustment extrapolates",)
    overlap = result.overlap.set_index(["group", "covariate"])["overlap"]
    assert overlap[("Asian", "sex")] == 1.0
    assert overlap[("Asian", "age")] > 0.8
    assert adjusted(SUBJECTS, noise(SUBJECTS), CONFOUNDED).warnings == ()


def test_perfect_scores_differ_by_nothing_and_have_no_error():
    perfect = pd.Series(1.0, index=SUBJECTS.index)

    found = differences(adjusted(SUBJECTS, perfect, CONFOUNDED), "confounders")

    assert found["difference"].tolist() == pytest.approx([0.0] * 3, abs=1e-12)
    assert found[["low", "high", "p"]].isna().all(axis=None)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.floats(0.1, 1.0), st.floats(-0.2, 0.05))
def test_scaling_scores_scales_differences_and_moving_them_changes_nothing(seed: int, factor: float, shift: float):
    scores = noise(SUBJECTS, seed=seed)
    plain, moved = (
        adjusted(SUBJECTS, one, CONFOUNDED).differences for one in (scores, 0.5 + factor * (scores - 0.5) + shift)
    )

    columns = ["difference", "low", "high"]
    np.testing.assert_allclose(moved[columns], factor * plain[columns], atol=1e-10)
    assert moved["p"].tolist() == pytest.approx(plain["p"].tolist())


def test_equal_groups_of_nine_with_skewed_scores_are_not_called_different():
    """At 5 %: 2 of 60 tables; Student's quantiles with the same robust errors call 12."""
    sizes = {"White": 150, "Chinese": 9}
    subjects = cohort(sizes)
    rng = np.random.default_rng(5)
    rejected = 0
    for _ in range(60):
        scores = pd.Series(0.95 - 0.02 * rng.gamma(0.25, size=len(subjects)), index=subjects.index).clip(0, 1)
        found = differences(adjusted(subjects, scores, Covariates()), "none")
        rejected += int(found.loc["Chinese", "p"] <= 0.05)

    assert rejected <= 8


def test_refuses_more_coefficients_than_subjects():
    few = cohort({"White": 6, "Asian": 5})
    rng = np.random.default_rng(0)
    measured = few.assign(**{f"marker_{number}": rng.normal(size=11) for number in range(9)})

    with pytest.raises(InvalidScoresError, match=r"subjects for \d+ coefficients; .*adjust for fewer covariates"):
        adjusted(measured, noise(few), Covariates(numeric=tuple(measured.columns[-9:])))


def test_refuses_groups_of_one():
    with pytest.raises(InvalidParameterError, match="min_group_size: 1; at least 2"):
        adjusted_differences(noise(SUBJECTS), SUBJECTS["group"], SUBJECTS, CONFOUNDED, FEW, min_group_size=1)


def test_models_that_share_their_shuffles_have_what_each_has_alone():
    mediated = CONFOUNDED.model_copy(update={"mediators": ("lv_volume",)})
    scores = [noise(SUBJECTS, seed=seed) for seed in (1, 2)]

    together = adjusted_models(scores, SUBJECTS["group"], SUBJECTS, mediated, FEW)

    for found, of_model in zip(together, scores, strict=True):
        alone = adjusted(SUBJECTS, of_model, mediated)
        pd.testing.assert_frame_equal(found.differences, alone.differences, check_exact=True)
        pd.testing.assert_frame_equal(found.ancova, alone.ancova, check_exact=True)
        pd.testing.assert_frame_equal(found.overlap, alone.overlap)
    assert not together[0].differences.equals(together[1].differences)


def test_a_score_of_any_model_that_is_no_dice_is_refused():
    scores = [noise(SUBJECTS), 100 * noise(SUBJECTS)]

    with pytest.raises(InvalidScoresError, match="divide percentages"):
        adjusted_models(scores, SUBJECTS["group"], SUBJECTS, CONFOUNDED, FEW)
