"""The demographics figure says what its table says, for whatever the cohort knows of people."""

import re

import numpy as np
import pandas as pd
import pytest

from faircmr.core.study import summarise
from faircmr.reporting import demographics_figure

SUBJECTS = pd.DataFrame(
    {
        "subject_id": [f"sub-{number:04d}" for number in range(8)],
        "protected_group": ["A"] * 6 + ["B", "C"],
        "sex": ["F", "F", "M", "M", "M", None, "F", None],
        "age": [60.0, 62.0, 64.0, np.nan, 58.0, 61.0, 55.0, 70.0],
    }
)


def words(svg: str) -> list[str]:
    """Texts of a figure: letters are drawn as paths, and each text is repeated in a comment."""
    return re.findall(r"<!-- (.*?) -->", svg)


def test_names_every_group_with_its_share_and_number():
    said = words(demographics_figure(summarise(SUBJECTS)))

    for expected in ("A", "B", "C", "Total", "75.0 %  (n = 6)", "12.5 %  (n = 1)", "n = 8"):
        assert expected in said


def test_shows_sexes_of_those_recorded_and_counts_the_others():
    said = words(demographics_figure(summarise(SUBJECTS)))

    for expected in ("F 40", "M 60", "F 100", "F 50", "M 50", "not recorded: 2", "not recorded: 1"):
        assert expected in said


@pytest.mark.parametrize(
    ("known", "titles"),
    [
        ([], ["Share of the study (%)"]),
        (["sex"], ["Share of the study (%)", "Sex (% of those recorded)"]),
        (["age"], ["Share of the study (%)", "Age (years, mean and SD)"]),
    ],
    ids=["neither sex nor age", "sex", "age"],
)
def test_leaves_out_what_the_cohort_does_not_know(known, titles):
    said = words(demographics_figure(summarise(SUBJECTS[["subject_id", "protected_group", *known]])))

    assert [text for text in said if "(%)" in text or "recorded)" in text or "years" in text] == titles


def test_draws_the_table_alike_before_and_after_it_was_a_csv_file(tmp_path):
    table = summarise(SUBJECTS)
    table.to_csv(tmp_path / "demographics.csv", index=False)

    assert demographics_figure(pd.read_csv(tmp_path / "demographics.csv")) == demographics_figure(table)


def test_groups_may_be_named_by_numbers():
    numbered = SUBJECTS.assign(protected_group=["1"] * 6 + ["2", "3"])

    assert {"1", "2", "3", "Total"} <= set(words(demographics_figure(summarise(numbered))))
