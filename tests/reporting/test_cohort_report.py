"""The page says what the tables say, loads nothing, and escapes what a source may call its groups."""

import re
from dataclasses import replace
from html import unescape
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from faircmr.core import Omission, omission_table
from faircmr.core.scans import FEATURES
from faircmr.core.study import CHECKING, DIVIDING, READING, RECORDING, DivisionProblem
from faircmr.fairness.cohort_checks import check_cohort
from faircmr.reporting import cohort_report
from faircmr.reporting.cohort_page import counts_figure, measures_figure, power_figure
from faircmr.reporting.terminal_tables import render_checks
from tests.fairness.cohort_checks.cohorts import CohortOnPaper


@pytest.fixture(scope="module")
def cohort():
    """A cohort with a group whose name is markup, a confounder, a copy, and values that are missing."""
    cohort = CohortOnPaper()
    for table, column in ((cohort.subjects, "protected_group"), (cohort.everybody, "race")):
        table[column] = table[column].replace("B", "<b>B & co")
    cohort.scans.loc[cohort.scans["subject_id"] <= "sub-0020", "spacing_row"] = 1.4
    cohort.descriptors.loc[38, list(FEATURES)] = cohort.descriptors.loc[0, list(FEATURES)].to_numpy()
    cohort.subjects.loc[:4, "age"] = np.nan
    cohort.quarantine = pd.DataFrame({"subject_id": ["x"], "phase": [None], "reason": ["no scans"]})
    # of another group that the source lists besides
    unusable = pd.DataFrame({"subject_id": ["x"], "race": ["A"]})
    cohort.everybody = pd.concat([cohort.everybody, unusable], ignore_index=True)
    cohort.omissions = omission_table(
        {
            READING: [Omission("archives", 3, 9, "no <i>contours</i>")],
            CHECKING: [Omission("subjects", 1, 45, "no scans")],
            RECORDING: [Omission("subjects", 5, 44, "not recorded", outcome="without age")],
        }
    )
    cohort.split_omissions = omission_table(
        {DIVIDING: [Omission("subjects", 2, 44, "no label", outcome="predicted, never trained on")]}
    )
    return cohort


@pytest.fixture(scope="module")
def tables(cohort):
    return cohort.tables()


@pytest.fixture(scope="module")
def page(cohort, tables):
    return cohort_report(tables, check_cohort(tables, cohort.splits))


def test_says_in_plain_words_what_a_test_of_this_size_can_find(page):
    # statsmodels' TTestIndPower().solve_power(nobs1=6, alpha=0.05, power=0.8) is 1.80 SD, and an SD is 2.5 points
    assert "A: with 6 test subjects a gap below 4.5 points will be missed in 20 % of studies or more" in page
    assert "C: 1 test subjects are too few for a verdict" in page


def test_lists_checks_with_the_worst_first(page):
    assert page.index("one image under two ids") < page.index("spacing and shape differ by group")
    assert "1 fail" in page
    assert '<strong class="alarm">fail</strong>' in page


def test_shows_pairs_missing_values_and_what_cannot_be_used(page):
    assert "sub-0020" in page
    assert "5 of 20" in page
    assert "no scans" in page


def test_says_what_was_left_out_how_much_and_why_before_anything_is_counted(page):
    section = seen(page[page.index("<h2>What was left out") : page.index("<h2>Who is where")])

    assert "3 of 9 archives left out no <i>contours</i>" in section
    assert "2 of 44 subjects predicted, never trained on no label" in section


def test_says_of_whom_is_lost_to_which_group_they_belong_and_tells_nothing_twice(page):
    section = seen(page[page.index("<h2>What was left out") : page.index("<h2>Who is where")])

    assert "1 of 45 subjects left out no scans A: 1 (4.8 %)" in section
    # missing attributes are told by group further down
    assert "without age" not in section


def seen(markup):
    """What a reader sees, in one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", markup)))


def test_escapes_names_and_loads_nothing(page):
    assert "<b>B" not in page
    assert "&lt;b&gt;B &amp; co" in page
    assert "<script" not in page
    assert re.findall(r'(?:src|href)="(?!data:|#)', page) == []
    assert page.count("<figure>") == 3


def test_the_same_tables_give_the_same_page(cohort, tables, page):
    assert cohort_report(tables, check_cohort(tables, cohort.splits)) == page


def test_a_cohort_without_pairs_and_without_gaps_says_so():
    cohort = CohortOnPaper()
    tables = cohort.tables()

    page = cohort_report(tables, check_cohort(tables, cohort.splits))

    assert "None was found." in page
    assert "No attribute and no label of those who take part is missing." in page
    assert "Nothing was left out: every scan, subject and structure" in page


def test_where_no_gap_can_be_found_none_is_drawn():
    cohort = CohortOnPaper()
    cohort.audit = cohort.audit.model_copy(update={"min_group_size": 15})
    tables = cohort.tables()

    page = cohort_report(tables, check_cohort(tables, cohort.splits))

    assert page.count("<figure>") == 2
    assert "B: 6 test subjects are too few for a verdict" in page


def test_a_cross_validation_shows_its_first_fold_and_says_so():
    cohort = CohortOnPaper()
    turned = cohort.splits.assign(
        split=cohort.splits["split"].map({"train": "train", "test": "validation"}).fillna("test")
    )
    cohort.splits = pd.concat([cohort.splits.assign(fold=3), turned.assign(fold=4)], ignore_index=True)
    tables = cohort.tables()

    page = cohort_report(tables, check_cohort(tables, cohort.splits))

    assert "Fold 3; the others are in the table." in page
    assert "by race, fold 4" in page


@pytest.mark.parametrize("drawn", ["counts", "measures", "power"])
def test_figures_are_svg(tables, drawn):
    power = tables.power[tables.power["attribute"] == "race"]
    drawings = {
        "counts": lambda: counts_figure(tables.everybody),
        "measures": lambda: measures_figure(tables.measures, 0.05),
        "power": lambda: power_figure(power, 3.0),
    }

    assert ET.fromstring(drawings[drawn]()).tag.endswith("svg")


def test_text_has_what_to_do_below_what_was_found():
    table = pd.DataFrame(
        {
            "check": ["missing values", "saturated voxels"],
            "status": ["warn", "pass"],
            "found": ["age of C (25 %)", "none"],
            "remedy": ["complete them", np.nan],
        }
    )

    lines = render_checks(table, "The cohort").splitlines()

    assert lines[0] == "The cohort"
    at = next(number for number, line in enumerate(lines) if line.strip().startswith("WARN"))
    assert lines[at].split() == ["WARN", "missing", "values", "age", "of", "C", "(25", "%)"]
    assert lines[at + 1].split() == ["->", "complete", "them"]
    assert lines[at + 2].split() == ["pass", "saturated", "voxels", "none"]
    assert "nan" not in "\n".join(lines)


def test_subjects_that_cannot_be_divided_are_described_all_the_same():
    cohort = CohortOnPaper()
    cohort.splits["split"] = "unused"
    cohort.problem = DivisionProblem(
        offender="protected group '<b>C'", found="4 subjects", permitted="at least 5", remedy="merge it"
    )
    tables = cohort.tables()

    page = cohort_report(tables, check_cohort(tables, cohort.splits))
    text = seen(page)

    assert "protected group '<b>C': 4 subjects; at least 5. What to do: merge it." in text
    assert "Cannot be computed: there are no test subjects" in text
    assert "too few for a verdict" not in text
    assert "is part of the study" not in text
    assert "What differs by group" in text
    assert "1 fail, 3 not checked" in text


def test_a_large_group_without_another_one_is_not_called_small():
    cohort = CohortOnPaper()
    tables = cohort.tables()
    alone = replace(tables, power=tables.power.assign(detectable=np.nan, detectable_holm=np.nan))

    text = seen(cohort_report(alone, check_cohort(alone, cohort.splits)))

    assert "A: 6 test subjects, and no other group is large enough to compare them with" in text
    assert "C: 1 test subjects are too few for a verdict" in text
