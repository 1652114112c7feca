"""Codes of sex and ethnic background against UK Biobank's data-codings."""

import pandas as pd
import pytest

from faircmr.sources.ukbb.tables import ETHNIC_BACKGROUNDS, NO_ANSWERS, RACES, SEXES, UNCODED, meanings

# the six groups in the order of the paper's Table 1, with the codes of data-coding 1001 below each
GROUPS = {
    "White": ["1", "1001", "1002", "1003"],
    "Mixed": ["2", "2001", "2002", "2003", "2004"],
    "Asian": ["3", "3001", "3002", "3003", "3004"],
    "Black": ["4", "4001", "4002", "4003"],
    "Chinese": ["5"],
    "Others": ["6"],
}


def test_every_answer_belongs_to_one_of_the_papers_groups_and_every_refusal_to_none():
    folded = {code: RACES.get(meaning) for code, meaning in ETHNIC_BACKGROUNDS.items()}

    assert folded == {code: group for group, codes in GROUPS.items() for code in codes} | {"-1": None, "-3": None}
    assert set(NO_ANSWERS) == {ETHNIC_BACKGROUNDS["-1"], ETHNIC_BACKGROUNDS["-3"]}


def test_no_meaning_stands_for_two_codes():
    folded = [meaning.casefold() for meaning in ETHNIC_BACKGROUNDS.values()]

    assert len(set(folded)) == len(folded) == 22


@pytest.mark.parametrize("coding", [SEXES, ETHNIC_BACKGROUNDS])
def test_code_decimal_and_meaning_are_the_same_answer(coding):
    expected = list(coding.values())

    assert meanings(pd.Series(list(coding), dtype="str"), coding).tolist() == expected
    assert meanings(pd.Series([f"{code}.0" for code in coding], dtype="str"), coding).tolist() == expected
    assert meanings(pd.Series([name.upper() for name in expected], dtype="str"), coding).tolist() == expected


@pytest.mark.parametrize("cell", ["7", "01", "1001.5", "Asian", "White British", "F", "-", "\u0661"])
def test_guesses_nothing(cell):
    assert meanings(pd.Series([cell], dtype="str"), ETHNIC_BACKGROUNDS).tolist() == [UNCODED]


def test_missing_stays_missing():
    assert meanings(pd.Series([None, "1"], dtype="str"), SEXES).isna().tolist() == [True, False]
    assert meanings(pd.Series([None], dtype="str"), SEXES).isna().all()
