"""Each check passes on a cohort without fault, and speaks where one fault is planted."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core.scans import FEATURES
from faircmr.core.study import AttributeParameters, DivisionProblem
from faircmr.fairness.cohort_checks import Status, check_cohort
from tests.fairness.cohort_checks.cohorts import CohortOnPaper


def checked(cohort):
    return check_cohort(cohort.tables(), cohort.splits).set_index("check")


def faultless():
    cohort = CohortOnPaper()
    # two subjects of C show large gaps alone, and two are enough to train on
    allowed = {"largest_detectable_gap": 20.0, "training_subjects": 2}
    cohort.limits = cohort.limits.model_copy(update=allowed)
    cohort.audit = cohort.audit.model_copy(update={"min_group_size": 2})
    cohort.splits.loc[cohort.splits["subject_id"] == "sub-0043", "split"] = "test"
    return cohort


def test_a_cohort_without_fault_passes_everything():
    checks = checked(faultless())

    assert checks["status"].unique().tolist() == [Status.PASS]
    assert len(checks) == 18
    assert (checks["remedy"] == "").all()


def no_test_subjects(cohort):
    cohort.splits.loc[cohort.subjects["protected_group"] == "C", "split"] = "train"


def few_test_subjects(cohort):
    cohort.audit = cohort.audit.model_copy(update={"min_group_size": 3})


def no_training_subjects(cohort):
    cohort.splits.loc[cohort.subjects["protected_group"] == "C", "split"] = "test"


def few_training_subjects(cohort):
    cohort.limits = cohort.limits.model_copy(update={"training_subjects": 3})


def many_more_of_one_group(cohort):
    cohort.limits = cohort.limits.model_copy(update={"training_imbalance": 5.0})


def audited_group_untrained(cohort):
    women = cohort.subjects["sex"] == "F"
    cohort.splits.loc[women & (cohort.splits["split"] == "train"), "split"] = "unused"
    # of the sexes alone: the protected groups stay large enough
    cohort.limits = cohort.limits.model_copy(update={"training_subjects": 1})


def women_of_c_untrained(cohort):
    cohort.splits.loc[cohort.splits["subject_id"] == "sub-0041", "split"] = "unused"
    cohort.limits = cohort.limits.model_copy(update={"training_subjects": 1, "training_imbalance": 20.0})


def women_of_c_untested(cohort):
    cohort.splits.loc[cohort.splits["subject_id"] == "sub-0043", "split"] = "train"


def little_power(cohort):
    cohort.limits = cohort.limits.model_copy(update={"score_sd": 10.0})


def men_only(cohort):
    cohort.subjects.loc[cohort.subjects["protected_group"] == "C", "sex"] = "M"


def ages_unknown(cohort):
    cohort.subjects.loc[[20, 21], "age"] = np.nan


def quarantined(cohort):
    cohort.quarantine = pd.DataFrame({"subject_id": ["x1", "x2"], "phase": "ED", "reason": "wrong shape"})


def older(cohort):
    cohort.subjects.loc[cohort.subjects["protected_group"] == "A", "age"] += 20.0


def other_spacing(cohort):
    cohort.scans.loc[cohort.scans["subject_id"] <= "sub-0020", "spacing_slice"] = 8.0


def noisier(cohort):
    cohort.quality.loc[cohort.quality["subject_id"] <= "sub-0020", "noise"] += 0.05


def cut_off(cohort):
    cohort.quality.loc[:5, "at_border"] = 1.0


def open_ended(cohort):
    cohort.quality["at_apex"] = 1.0


def exchanged(share):
    def fault(cohort):
        cohort.quality.loc[: round(share * len(cohort.quality)), "labels_swapped"] = 1.0

    return fault


def saturated(cohort):
    cohort.quality["saturated"] = 0.1


def copied(cohort):
    cohort.descriptors.loc[2, list(FEATURES)] = cohort.descriptors.loc[0, list(FEATURES)].to_numpy()


def leaked(cohort):
    cohort.descriptors.loc[38, list(FEATURES)] = cohort.descriptors.loc[0, list(FEATURES)].to_numpy()


def twice(cohort):
    cohort.everybody["person"] = ["p", "p", *map(str, range(42))]


@pytest.fixture(scope="module")
def at_once():
    """Checks of a cohort with one fault for each of most checks: they do not get in each other's way."""
    cohort = faultless()
    faults = (little_power, men_only, ages_unknown, quarantined, older, other_spacing, noisier, cut_off, open_ended)
    for fault in (*faults, saturated, leaked, twice):
        fault(cohort)
    return checked(cohort)


@pytest.mark.parametrize(
    ("check", "status", "found"),
    [
        ("power to find a gap", "warn", "with 2 test subjects of C a gap below"),
        ("every sex in every group", "warn", "no subject is C F"),
        ("missing values", "warn", "age of B (10 %)"),
        ("subjects that cannot be used", "warn", "2 beside 44 that take part"),
        ("people differ by group", "warn", "age (most in "),
        ("spacing and shape differ by group", "warn", "spacing_slice (most in A: median 8 mm)"),
        ("image quality differs by group", "warn", "noise (most in A: median 0.352 share of range)"),
        ("heart within the image", "warn", "the label touches a side of the image in 6.82 % of scans"),
        ("slices beyond the heart", "warn", "in 0 % of scans at the base, 100 % at the apex"),
        ("saturated voxels", "warn", "10 % of an image's voxels"),
        ("one image under two ids", "fail", "1 pair of subjects, some across splits: sub-0001 and sub-0020"),
        ("one person under two keys", "warn", "1 pair of subjects, none across splits: sub-0001 and sub-0002"),
    ],
)
def test_says_what_is_wrong_and_what_to_do(at_once, check, status, found):
    assert at_once.loc[check, "status"] == status
    assert found in at_once.loc[check, "found"]
    assert at_once.loc[check, "remedy"]


def test_the_worst_comes_first(at_once):
    assert at_once["status"].tolist() == ["fail", *["warn"] * 11, *["pass"] * 6]


@pytest.mark.parametrize(
    ("fault", "check", "status", "found"),
    [
        (no_test_subjects, "test subjects of every group", "fail", "no test subject is of race C"),
        (few_test_subjects, "test subjects of every group", "warn", "fewer than 3, so no verdict, of race C (2)"),
        (no_training_subjects, "training subjects of every group", "fail", "none of race C"),
        (few_training_subjects, "training subjects of every group", "warn", "2 (C) to 12 (A) a group"),
        (many_more_of_one_group, "training subjects of every group", "warn", "2 (C) to 12 (A) a group"),
        (audited_group_untrained, "training subjects of every group", "warn", "none of sex F"),
        (women_of_c_untrained, "every sex in every group", "warn", "no training subject is C F"),
        (women_of_c_untested, "every sex in every group", "warn", "no test subject is C F"),
        (copied, "one image under two ids", "warn", "1 pair of subjects, none across splits: sub-0001 and sub-0002"),
        (exchanged(0.1), "values of the labels", "warn", "another structure than LVBP is enclosed"),
        (exchanged(0.9), "values of the labels", "fail", "another structure than LVBP is enclosed"),
    ],
)
def test_says_so_of_a_single_fault(fault, check, status, found):
    cohort = faultless()
    fault(cohort)

    row = checked(cohort).loc[check]

    assert row["status"] == status
    assert found in row["found"]
    assert row["remedy"]


def test_one_subject_in_two_parts_fails():
    cohort = faultless()
    tables = cohort.tables()
    again = pd.concat([cohort.splits, cohort.splits.iloc[:1].assign(split="test")])

    first = check_cohort(tables, again).iloc[0]

    assert first.tolist()[:3] == ["training, validation and test", "fail", "1 subjects are in two parts"]


def test_groups_that_are_too_small_to_be_compared_are_not_said_to_be_alike():
    cohort = faultless()
    cohort.audit = cohort.audit.model_copy(update={"min_group_size": 30})

    checks = checked(cohort)

    assert checks.loc[["people differ by group", "image quality differs by group"], "status"].tolist() == ["warn"] * 2
    assert checks.loc["spacing and shape differ by group", "found"] == "everything measured is the same for everybody"


def test_without_labels_nothing_is_said_of_where_the_heart_ends():
    cohort = faultless()
    cohort.quality[["labelled_slices", "contrast", "at_border", "at_base", "at_apex", "labels_swapped"]] = np.nan

    checks = checked(cohort)

    unknown = ["heart within the image", "slices beyond the heart", "values of the labels"]
    assert checks.loc[unknown, "found"].str.startswith("no scan").all()
    assert (checks.loc[unknown, "status"] == "not checked").all()
    assert checks.loc["image quality differs by group", "status"] == "pass"


def test_a_difference_that_is_significant_and_small_is_not_worth_a_word():
    cohort = faultless()
    cohort.limits = cohort.limits.model_copy(update={"standardised_difference": 50.0})
    older(cohort)

    assert checked(cohort).loc["people differ by group", "status"] == "pass"


def by_sex(cohort):
    """Sex is the protected attribute, as of M&Ms."""
    cohort.subjects = cohort.subjects.assign(protected_group=cohort.subjects["sex"])
    cohort.everybody = cohort.subjects.rename(columns={"protected_group": "race"})
    cohort.attributes = AttributeParameters(protected_attribute="sex", audit_attributes=("sex",), covariates=("age",))


def sex_unrecorded(cohort):
    cohort.subjects["sex"] = None


def without_sex(cohort):
    cohort.subjects = cohort.subjects.drop(columns="sex")
    cohort.attributes = AttributeParameters(protected_attribute="race", covariates=("age",))


def without_numbers(cohort):
    cohort.subjects = cohort.subjects.drop(columns="age")
    cohort.attributes = AttributeParameters(protected_attribute="race", audit_attributes=("sex",))


@pytest.mark.parametrize(
    ("change", "check", "found"),
    [
        (by_sex, "every sex in every group", "sex is the protected attribute"),
        (sex_unrecorded, "every sex in every group", "is not known"),
        (without_sex, "every sex in every group", "not among the attributes of the study"),
        (without_numbers, "people differ by group", "no attribute of subjects that is a number"),
    ],
)
def test_what_a_study_does_not_have_is_neither_passed_nor_warned_of(change, check, found):
    cohort = faultless()
    change(cohort)

    row = checked(cohort).loc[check]

    assert row["status"] == Status.UNCHECKED
    assert found in row["found"]
    assert row["remedy"] == ""


def test_subjects_whose_attribute_is_not_known_are_no_group_that_could_be_tested():
    cohort = faultless()
    cohort.subjects.loc[[0, 1], "sex"] = None

    tables = cohort.tables()

    assert "(not known)" not in set(tables.power["group"])
    assert "(not known)" in set(tables.counts["group"])
    assert not checked(cohort)["found"].str.contains("not known").any()


def undivided(cohort):
    cohort.splits["split"] = "unused"
    cohort.problem = DivisionProblem(offender="protected group 'C'", found="4 subjects", permitted="at least 5")


def test_subjects_that_cannot_be_divided_are_one_failure_and_no_row_of_warnings():
    cohort = faultless()
    undivided(cohort)
    copied(cohort)

    checks = checked(cohort)

    assert checks.index[0] == "training, validation and test"
    assert "protected group 'C': 4 subjects; at least 5" in checks["found"].iloc[0]
    assert checks["status"].value_counts().to_dict() == {"fail": 1, "warn": 1, "not checked": 3, "pass": 13}
    assert "1 pair of subjects, which are not divided" in checks.loc["one image under two ids", "found"]
