"""What differs between groups is found, what does not is not, and what cannot be tested says so."""

import numpy as np
import pytest

from faircmr.fairness.cohort_checks import compare_measures, varying
from tests.fairness.cohort_checks.cohorts import AUDIT, CohortOnPaper


def compared(cohort):
    table = compare_measures(cohort.subjects, cohort.scans, cohort.quality, AUDIT)
    return table.set_index(["measure", "group"])


def test_describes_subjects_by_the_mean_of_their_scans():
    cohort = CohortOnPaper()
    cohort.quality.loc[cohort.quality["phase"] == "ED", "noise"] = 0.2
    cohort.quality.loc[cohort.quality["phase"] == "ES", "noise"] = 0.4

    row = compared(cohort).loc[("noise", "C")]

    assert row[["kind", "unit", "n"]].tolist() == ["image", "share of range", 4]
    assert row[["mean", "sd", "minimum", "median", "maximum"]].tolist() == pytest.approx([0.3, 0.0, 0.3, 0.3, 0.3])


def test_agrees_with_pandas_on_ages():
    cohort = CohortOnPaper()
    ages = cohort.subjects.groupby("protected_group")["age"]

    table = compared(cohort).loc["age"]

    assert table["mean"].to_dict() == pytest.approx(ages.mean().to_dict())
    assert table["sd"].to_dict() == pytest.approx(ages.std(ddof=1).to_dict())


def test_finds_a_group_that_was_scanned_with_another_spacing():
    cohort = CohortOnPaper()
    of_b = cohort.scans["subject_id"].isin(cohort.subjects.loc[cohort.subjects["protected_group"] == "B", "subject_id"])
    cohort.scans.loc[of_b, "spacing_row"] = 1.4

    rows = compared(cohort).loc["spacing_row"]

    assert (rows.loc[["A", "B"], "p_holm"] < 0.05).all()
    assert rows.loc["B", "hedges_g"] < -1000.0  # neither side varies


def test_finds_noisier_images_and_leaves_the_other_measures_alone():
    cohort = CohortOnPaper()
    of_a = cohort.quality["subject_id"] <= "sub-0020"
    cohort.quality.loc[of_a, "noise"] += 0.02

    table = compared(cohort)

    found = table.index[table["p_holm"] <= 0.05]
    assert {measure for measure, _ in found} == {"noise"}
    assert table.loc[("noise", "A"), "hedges_g"] > 1.0


def test_does_not_test_what_is_too_small_or_the_same_for_everybody():
    table = compared(CohortOnPaper())

    assert table.xs("C", level="group")["p"].isna().all()
    assert table.loc["rows", "p"].isna().all()
    assert table.loc["noise", "p"].notna().tolist() == [True, True, False]


def test_a_subject_of_whom_a_measure_is_not_known_is_left_out_of_it_alone():
    cohort = CohortOnPaper()
    cohort.quality.loc[:1, "contrast"] = np.nan

    table = compared(cohort)

    assert table.loc[("contrast", "A"), "n"] == 19
    assert table.loc[("noise", "A"), "n"] == 20
    assert table.loc["contrast", "p"].notna().tolist() == [True, True, False]


def test_p_values_can_reach_the_level_after_holm_whatever_the_number_of_questions():
    cohort = CohortOnPaper()
    cohort.quality[["contrast", "noise", "sharpness", "labelled_slices"]] += np.where(
        cohort.quality["subject_id"] <= "sub-0020", 1.0, 0.0
    )[:, np.newaxis]

    table = compared(cohort)

    assert (table.loc[["contrast", "noise", "sharpness", "labelled_slices"], "p_holm"].dropna() <= 0.05).all()


def test_keeps_those_measures_that_vary():
    table = compare_measures(*(vars(CohortOnPaper())[name] for name in ("subjects", "scans", "quality")), AUDIT)

    assert set(varying(table)["measure"]) == {"age", "contrast", "noise", "sharpness", "labelled_slices"}
