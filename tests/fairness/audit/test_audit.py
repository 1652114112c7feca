"""Scores and demographics go in as people have them; tables come out, or one error that says what to do."""

import re
from dataclasses import astuple

import numpy as np
import pandas as pd
import pytest

from faircmr.core import FaircmrError, InvalidCohortError, InvalidParameterError, InvalidScoresError, Omission
from faircmr.fairness.audit import AuditColumns, AuditParameters, audit, audit_models
from faircmr.fairness.audit.tables import MEAN_OF_GROUPS
from faircmr.fairness.inference import NEW_TRAININGS, THESE_MODELS, Verdict
from tests.fairness.audit.tables import ID, PARAMETERS, as_long, people, scored

PEOPLE = people()
DEMOGRAPHICS = PEOPLE.reset_index()
SCORES = {"z base": scored(PEOPLE, 1, Black=0.05), "a ours": scored(PEOPLE, 2), "m theirs": scored(PEOPLE, 3)}
LONG = as_long(SCORES)
BOTH = AuditParameters(attributes=("race", "sex"), draws=1_000, min_group_size=6)


def tables(found):
    return astuple(found)[:3]


def test_answers_by_every_attribute_and_pair_for_every_model():
    found = audit(LONG, DEMOGRAPHICS, BOTH)

    assert found.disparity[["attribute", "model"]].to_numpy().tolist() == [
        [attribute, model] for attribute in ("race", "sex", "race x sex") for model in SCORES
    ]
    assert found.groups["group"].unique().tolist()[:6] == ["Asian", "Black", "White", "f", "m", "Asian x f"]
    assert set(found.changes["model"]) == {"a ours", "m theirs"}
    assert set(found.changes["attribute"]) == {"race", "sex", "race x sex"}
    assert found.notes == ()


def test_one_attribute_is_told_the_same_beside_others():
    alone, beside = (audit(LONG, DEMOGRAPHICS, asked) for asked in (PARAMETERS, BOTH))

    for of_race, of_both in zip(tables(alone), tables(beside), strict=True):
        pd.testing.assert_frame_equal(of_race, of_both[of_both["attribute"] == "race"])


def test_models_stay_in_the_order_of_the_scores_even_if_they_cannot_share_draws():
    scores = {**SCORES, "a ours": scored(PEOPLE, 2, trainings=2), "small": scored(PEOPLE, 4).iloc[5:]}

    found = audit(as_long(scores), DEMOGRAPHICS, PARAMETERS)

    assert found.groups["model"].unique().tolist() == list(scores)
    assert found.disparity["model"].tolist() == list(scores)
    assert found.changes["model"].unique().tolist() == list(scores)[1:]


def test_the_order_of_rows_changes_nothing_but_the_order_of_models():
    order = np.random.default_rng(3).permutation(len(LONG))
    shuffled = LONG.iloc[order]
    asked = BOTH.model_copy(update={"baseline": "z base"})

    found = audit(LONG, DEMOGRAPHICS, asked)
    again = audit(shuffled, DEMOGRAPHICS.sample(frac=1.0, random_state=1), asked)

    for one, other in zip(tables(found), tables(again), strict=True):
        key = [name for name in ("attribute", "model", "group") if name in one]
        pd.testing.assert_frame_equal(one.set_index(key).sort_index(), other.set_index(key).sort_index())


def test_same_seed_same_audit_and_another_seed_another():
    one, again, other = (audit(LONG, DEMOGRAPHICS, PARAMETERS.model_copy(update={"seed": seed})) for seed in (1, 1, 2))

    for first, second in zip(tables(one), tables(again), strict=True):
        pd.testing.assert_frame_equal(first, second)
    assert not one.groups["low"].equals(other.groups["low"])
    np.testing.assert_array_equal(one.groups["mean"], other.groups["mean"])


def test_a_wide_table_says_the_same():
    wide = LONG.assign(**{"ED LVM": LONG["value"] - 0.01, "ES LVM": LONG["value"] + 0.01}).drop(columns="value")

    for long, other in zip(
        tables(audit(LONG, DEMOGRAPHICS, PARAMETERS)), tables(audit(wide, DEMOGRAPHICS, PARAMETERS)), strict=True
    ):
        pd.testing.assert_frame_equal(long, other)


def test_names_of_columns_and_numbers_as_ids_are_anybody_s():
    mine = LONG.rename(columns={"subject_id": "eid", "model": "network"}).astype({"eid": int})
    demographics = DEMOGRAPHICS.rename(columns={"subject_id": "eid"})

    found = audit(mine, demographics, PARAMETERS, AuditColumns(subject="eid", model="network"))

    pd.testing.assert_frame_equal(found.groups, audit(LONG, DEMOGRAPHICS, PARAMETERS).groups)


def test_phases_and_structures_are_averaged_over_the_subject_before_anything_else():
    repeated = pd.concat([LONG.assign(phase="ED", structure=name) for name in ("LVM", "RVBP")], ignore_index=True)
    repeated["value"] += np.where(repeated["structure"] == "LVM", 0.01, -0.01)

    found = audit(repeated, DEMOGRAPHICS, PARAMETERS)

    pd.testing.assert_frame_equal(found.disparity, audit(LONG, DEMOGRAPHICS, PARAMETERS).disparity)


@pytest.mark.parametrize(("trainings", "scope"), [(2, THESE_MODELS), (3, NEW_TRAININGS)])
def test_the_scope_follows_the_number_of_trainings(trainings, scope):
    found = audit(as_long({"ours": scored(PEOPLE, trainings=trainings)}), DEMOGRAPHICS, PARAMETERS)

    assert set(found.disparity["scope"]) == {scope}


def test_one_model_has_no_changes():
    found = audit(as_long({"ours": scored(PEOPLE)}), DEMOGRAPHICS, BOTH)

    assert found.changes.empty
    assert "change" in found.changes


@pytest.mark.parametrize("seed", range(5))
def test_a_planted_gap_is_found_and_where_there_is_none_none_is(seed):
    scores = {"base": scored(PEOPLE, seed, Black=0.04), "even": scored(PEOPLE, seed + 100)}

    groups = audit(as_long(scores), DEMOGRAPHICS, PARAMETERS).groups.set_index(["model", "group"])

    assert groups.loc[("base", "Black"), "verdict"] == Verdict.DIFFERENT
    assert not groups.loc["even", "verdict"].str.startswith(Verdict.DIFFERENT).any()


def test_subjects_without_demographics_are_counted_and_not_named():
    found = audit(LONG, DEMOGRAPHICS.iloc[4:], PARAMETERS)

    assert found.omissions == (Omission("scored subjects", 4, 82, "not in the demographics"),)
    assert set(found.disparity["n"]) == {78}
    pd.testing.assert_frame_equal(
        found.groups, audit(LONG[LONG["subject_id"] > PEOPLE.index[3]], DEMOGRAPHICS, PARAMETERS).groups
    )


def test_people_without_scores_change_nothing():
    more = pd.concat([DEMOGRAPHICS, DEMOGRAPHICS.assign(subject_id="x" + DEMOGRAPHICS["subject_id"], race="Other")])

    found = audit(LONG, more, PARAMETERS)

    pd.testing.assert_frame_equal(found.groups, audit(LONG, DEMOGRAPHICS, PARAMETERS).groups)
    assert found.omissions == (
        Omission("subjects of the demographics", 82, 164, "missing in the scores", outcome="not scored"),
    )


def test_subjects_without_a_score_are_counted_by_group():
    # whoever was not predicted may be of one group
    unscored = set(PEOPLE.index[:6])

    found = audit(LONG[~LONG["subject_id"].isin(unscored)], DEMOGRAPHICS, BOTH)

    race = DEMOGRAPHICS.set_index("subject_id")["race"]
    rows = found.unscored[found.unscored["attribute"] == "race"].set_index("group")
    assert set(found.unscored["attribute"]) == {"race", "sex"}
    assert rows["subjects"].to_dict() == race.value_counts().to_dict()
    assert rows["unscored"].sum() == 6
    for group, row in rows.iterrows():
        assert row["unscored"] == (race[sorted(unscored)] == group).sum()
        assert row["percent"] == pytest.approx(100 * row["unscored"] / row["subjects"])


def test_groups_without_a_scored_subject_and_unrecorded_ones_are_counted_together_and_last():
    more = DEMOGRAPHICS.iloc[:3].assign(subject_id=["x", "y", "z"], race=["Other", "Third", None])

    found = audit(LONG, pd.concat([DEMOGRAPHICS, more]), PARAMETERS)

    assert found.unscored[["group", "unscored"]].to_numpy().tolist()[-2:] == [
        ["(groups without a scored subject)", 2],
        ["(not recorded)", 1],
    ]


def test_an_attribute_that_some_lack_is_of_those_who_have_it():
    sexes = DEMOGRAPHICS["sex"].where(DEMOGRAPHICS.index >= 7, None)

    found = audit(LONG, DEMOGRAPHICS.assign(sex=sexes), BOTH)

    assert found.disparity.groupby("attribute", sort=False)["n"].first().to_dict() == {
        "race": 82,
        "sex": 75,
        "race x sex": 75,
    }
    assert found.omissions == (
        Omission("scored subjects", 7, 82, "sex is not recorded", outcome="left out of the comparison by sex"),
    )


@pytest.mark.parametrize("kind", ["covariates", "mediators"])
def test_subjects_without_a_covariate_are_counted(kind: str):
    ages = pd.Series(range(82), index=DEMOGRAPHICS.index, dtype="float64").where(DEMOGRAPHICS.index >= 5)

    found = audit(LONG, DEMOGRAPHICS.assign(age=ages), PARAMETERS.model_copy(update={kind: ("age",)}))

    outcome = "left out of adjusted differences and pairs"
    assert found.omissions == (Omission("scored subjects", 5, 82, "age is not recorded", outcome=outcome),)


def test_models_that_scored_different_subjects_are_named():
    fewer = LONG[(LONG["model"] == "z base") | (LONG["subject_id"] > PEOPLE.index[9])]
    sexes = DEMOGRAPHICS["sex"].where(DEMOGRAPHICS.index >= 12, None)

    found = audit(fewer, DEMOGRAPHICS.assign(sex=sexes), BOTH)

    assert [(one.what, one.count, one.total) for one in found.omissions] == [
        ("subjects scored by z base", 12, 82),
        ("subjects scored by a ours, m theirs", 2, 72),
    ]


def test_a_subject_missing_in_one_model_is_told_by_every_paired_test():
    missing = LONG.drop(LONG[(LONG["model"] == "a ours") & (LONG["subject_id"] == PEOPLE.index[0])].index)

    found = audit(missing, DEMOGRAPHICS, PARAMETERS)

    assert found.changes.groupby("model")["not_paired"].unique().map(list).to_dict() == {"a ours": [1], "m theirs": [0]}
    assert found.groups.groupby("model")["n"].sum().to_dict() == {"a ours": 81, "m theirs": 82, "z base": 82}
    (note,) = found.notes
    assert note.startswith("a ours: changes since z base are of the 81 subjects whom both scored; 1 were scored by one")


def test_the_baseline_by_default_is_the_first_model_for_every_attribute():
    # by sex, subjects of the baseline are of one group
    scores = {"base": scored(PEOPLE, 1).iloc[::2], "ours": scored(PEOPLE, 2), "theirs": scored(PEOPLE, 3)}

    changes = audit(as_long(scores), DEMOGRAPHICS, BOTH).changes

    assert set(changes["model"]) == {"ours", "theirs"}
    assert changes.query("attribute == 'sex'")[["group", "n"]].to_numpy().tolist() == [["f", 41], ["f", 41]]
    assert changes.query("attribute == 'sex'")["p"].isna().all()


def test_a_group_of_one_is_described_and_not_judged():
    demographics = DEMOGRAPHICS.assign(race=DEMOGRAPHICS["race"].where(DEMOGRAPHICS.index > 0, "Other"))

    found = audit(LONG, demographics, PARAMETERS)

    one = found.groups.query("group == 'Other' and model == 'a ours'")
    assert one[["n", "verdict"]].to_numpy().tolist() == [[1, Verdict.INSUFFICIENT_EVIDENCE]]
    assert one["mean"].tolist() == pytest.approx([100 * SCORES["a ours"]["0"].iloc[0]])
    assert one["p"].isna().all()
    assert set(found.disparity["n"]) == {81}
    assert "Other (1)" in found.notes[0]


def test_where_no_two_groups_are_large_enough_they_are_described_and_nothing_is_said():
    found = audit(LONG, DEMOGRAPHICS, PARAMETERS.model_copy(update={"min_group_size": 21}))
    usual = audit(LONG, DEMOGRAPHICS, PARAMETERS)

    pd.testing.assert_frame_equal(
        found.groups[["model", "attribute", "group", "n"]], usual.groups[["model", "attribute", "group", "n"]]
    )
    np.testing.assert_allclose(found.groups["mean"], usual.groups["mean"])
    assert set(found.groups["verdict"]) == {Verdict.INSUFFICIENT_EVIDENCE}
    assert found.groups[["low", "high", "p", "p_holm", "difference"]].isna().all(axis=None)
    for empty, full in ((found.disparity, usual.disparity), (found.changes, usual.changes)):
        assert empty.empty
        assert set(empty.columns) == set(full.columns)
    assert any("fewer than two groups are large enough" in note for note in found.notes)


def test_a_model_whose_groups_are_too_small_is_described_beside_those_that_are_judged():
    small = scored(PEOPLE, 4).iloc[15:35]
    scores = {"small": small, **SCORES}

    found = audit(as_long(scores), DEMOGRAPHICS, PARAMETERS.model_copy(update={"baseline": "z base"}))

    described = found.groups.query("model == 'small'")
    assert described[["group", "n"]].to_numpy().tolist() == [["Asian", 5], ["Black", 12], ["White", 3]]
    assert described["p"].isna().all()
    assert found.disparity["model"].tolist() == list(SCORES)
    pd.testing.assert_frame_equal(
        found.groups.query("model != 'small'").reset_index(drop=True),
        audit(LONG, DEMOGRAPHICS, PARAMETERS).groups,
        check_dtype=False,  # whether a group may be the worst is not known of the small ones
    )


def test_says_which_model_is_the_baseline():
    found = audit(LONG, DEMOGRAPHICS, PARAMETERS)
    named = audit(LONG, DEMOGRAPHICS, PARAMETERS.model_copy(update={"baseline": "a ours"}))

    assert (found.baseline, named.baseline) == ("z base", "a ours")
    assert set(named.changes["model"]) == {"z base", "m theirs"}


def test_few_draws_for_the_family_are_told():
    found = audit(LONG, DEMOGRAPHICS, PARAMETERS.model_copy(update={"draws": 200}))

    assert "set audit.draws to 360 at least" in found.notes[-1]
    assert not found.groups["verdict"].str.startswith(Verdict.DIFFERENT).any()


def test_the_mean_of_groups_is_the_change_of_the_average_over_groups():
    found = audit(LONG, DEMOGRAPHICS, BOTH)
    averages = found.disparity.set_index(["attribute", "model"])["Avg"]

    changes = found.changes[found.changes["group"] == MEAN_OF_GROUPS].set_index(["attribute", "model"])["change"]

    for (attribute, model), change in changes.items():
        assert change == pytest.approx(averages[attribute, model] - averages[attribute, "z base"])


def cell(value, where=5):
    table = LONG.astype({"value": object})
    table.loc[where, "value"] = value
    return table


@pytest.mark.parametrize(
    ("scores", "demographics", "asked", "error", "said"),
    [
        (pd.concat([LONG, LONG.head(2)]), DEMOGRAPHICS, {}, InvalidScoresError, "2 of 248 rows repeated; one row a"),
        (
            cell(93.5),
            DEMOGRAPHICS,
            {},
            InvalidScoresError,
            r"up to 93\.5; scores in 0\.\.1 and .*divide percentages by 100",
        ),
        (
            LONG.assign(value=100 * LONG["value"]),
            DEMOGRAPHICS,
            {},
            InvalidScoresError,
            r"scores in 0\.\.1 and nothing else; divide percentages by 100",
        ),
        (
            cell(-0.2),
            DEMOGRAPHICS,
            {},
            InvalidScoresError,
            r"1 of 246 rows outside 0\.\.1, as far as -0\.2; scores in 0\.\.1",
        ),
        (cell(np.nan), DEMOGRAPHICS, {}, InvalidScoresError, "1 of 246 rows without a number; a score in every row"),
        (cell("n/a"), DEMOGRAPHICS, {}, InvalidScoresError, "1 of 246 rows without a number"),
        (LONG.drop(columns="subject_id"), DEMOGRAPHICS, {}, InvalidScoresError, "no column subject_id.*audit_columns"),
        (LONG.assign(metric="hd95"), DEMOGRAPHICS, {}, InvalidScoresError, "no rows of metric dsc; one of hd95"),
        (LONG, DEMOGRAPHICS.assign(race="White"), {}, InvalidScoresError, "all scored .* one group by race"),
        (LONG, DEMOGRAPHICS.assign(race=None), {}, InvalidScoresError, "audit: no scored subject has race"),
        (LONG, DEMOGRAPHICS.assign(race="N/A"), {}, InvalidScoresError, "audit: no scored subject has race"),
        (
            LONG,
            DEMOGRAPHICS.assign(subject_id="0" + DEMOGRAPHICS["subject_id"]),
            {},
            InvalidCohortError,
            "82 of 82 scored subjects are in it with more or fewer zeros in front of their ids",
        ),
        (
            LONG.assign(subject_id=LONG["subject_id"].where(LONG["model"] != "a ours", "x" + LONG["subject_id"])),
            DEMOGRAPHICS,
            {},
            InvalidCohortError,
            "scores of a ours: none of 82 scored subjects is in the demographics.*compare both ids",
        ),
        (LONG, pd.concat([DEMOGRAPHICS] * 2), {}, InvalidCohortError, "82 subjects repeated; one row a subject"),
        (LONG, DEMOGRAPHICS.drop(columns="subject_id"), {}, InvalidCohortError, "demographics: no column subject_id"),
        (LONG, DEMOGRAPHICS, {"attributes": ("rcae",)}, InvalidParameterError, "rcae; one of race, sex"),
        (LONG, DEMOGRAPHICS, {"attributes": ()}, InvalidParameterError, r"audit\.attributes: none; some of race, sex"),
        (LONG, DEMOGRAPHICS, {"baseline": "ours"}, InvalidParameterError, "ours; one of z base, a ours, m theirs"),
        (LONG, DEMOGRAPHICS, {"draws": 100}, InvalidParameterError, r"audit\.draws: 100; at least 120 .*raise it"),
        (
            LONG,
            DEMOGRAPHICS.assign(race=DEMOGRAPHICS.index),
            {},
            InvalidParameterError,
            "race with 82 values; at most 30 values; report bands of it",
        ),
    ],
)
def test_bad_input_ends_in_one_error_that_says_what_to_do_and_names_nobody(scores, demographics, asked, error, said):
    with pytest.raises(FaircmrError, match=said) as raised:
        audit(scores, demographics, PARAMETERS.model_copy(update=asked))
    assert type(raised.value) is error
    assert not re.search(ID, str(raised.value))


def test_neither_tables_nor_notes_name_a_subject():
    missing = LONG.drop(LONG.index[:3])
    found = audit(missing, DEMOGRAPHICS.iloc[:-2], BOTH.model_copy(update={"min_group_size": 8}))

    assert len(found.notes) >= 3
    assert not re.search(rf"\b{ID}\b", " ".join(found.notes))
    for table in tables(found):
        assert not table.isin([*PEOPLE.index]).any(axis=None)


def test_models_in_order_already_are_audited_the_same():
    direct = audit_models(SCORES, PEOPLE, PARAMETERS, ["said before"])

    pd.testing.assert_frame_equal(direct.groups, audit(LONG, DEMOGRAPHICS, PARAMETERS).groups)
    assert direct.notes == ("said before",)


def test_groups_that_are_all_too_small_are_described_and_nothing_is_said_of_them():
    found = audit(LONG, DEMOGRAPHICS, PARAMETERS.model_copy(update={"min_group_size": 60}))

    assert found.disparity.empty
    assert found.changes.empty
    assert set(found.groups["verdict"]) == {"insufficient evidence"}
    assert found.groups["mean"].notna().all()
    assert found.groups["p"].isna().all()
    assert any("fewer than two groups are large enough" in note for note in found.notes)


class TestAdjusted:
    AGED = DEMOGRAPHICS.assign(age=np.random.default_rng(5).normal(60, 8, len(DEMOGRAPHICS)))
    ASKED = BOTH.model_copy(update={"covariates": ("age",)})

    def test_is_of_every_attribute_alone_and_of_every_model(self):
        adjusted = audit(LONG, self.AGED, self.ASKED).adjusted

        assert adjusted[["attribute", "model"]].drop_duplicates().to_numpy().tolist() == [
            [attribute, model] for attribute in ("race", "sex") for model in SCORES
        ]
        assert set(adjusted["adjustment"]) == {"none", "confounders"}

    def test_without_adjustment_it_is_the_difference_of_the_groups(self):
        found = audit(LONG, self.AGED, self.ASKED)
        key = ["model", "attribute", "group"]

        none = found.adjusted.query("adjustment == 'none'").set_index(key)
        groups = found.groups.set_index(key).loc[none.index]

        np.testing.assert_allclose(none["difference"], groups["difference"])
        np.testing.assert_array_equal(none["n"], groups["n"])

    def test_changes_nothing_beside_it(self):
        with_it, without = (audit(LONG, self.AGED, asked) for asked in (self.ASKED, BOTH))

        for one, other in zip(tables(with_it), tables(without), strict=True):
            pd.testing.assert_frame_equal(one, other)

    def test_has_no_rows_and_its_columns_where_nothing_is_held_equal(self):
        asked, unasked = (audit(LONG, self.AGED, each).adjusted for each in (self.ASKED, BOTH))

        assert unasked.empty
        assert list(unasked.columns) == list(asked.columns)

    def test_notes_who_was_left_out_after_everything_else(self):
        found = audit(LONG, self.AGED.assign(age=self.AGED["age"].where(self.AGED.index > 1)).iloc[:-1], self.ASKED)

        assert str(found.omissions[0]) == "1 of 82 scored subjects are left out: not in the demographics"
        assert [note.partition(": ")[0] for note in found.notes] == [
            f"{', '.join(SCORES)} by {attribute}, adjusted" for attribute in ("race", "sex")
        ]
        assert found.adjusted.query("attribute == 'sex' and adjustment == 'none'")["n"].sum() == 3 * 79
        assert not re.search(rf"\b{ID}\b", " ".join(found.notes))

    def test_a_covariate_that_is_not_there_ends_the_audit(self):
        with pytest.raises(InvalidParameterError, match="covariates: age; one of race, sex"):
            audit(LONG, DEMOGRAPHICS, self.ASKED)
