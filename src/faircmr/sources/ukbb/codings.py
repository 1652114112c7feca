"""What codes of sex and ethnic background mean, and how the paper's six groups come from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import pandas as pd

SEXES: Mapping[str, str] = MappingProxyType({"0": "female", "1": "male"})
"""UK Biobank's data-coding 9."""

ETHNIC_BACKGROUNDS: Mapping[str, str] = MappingProxyType(
    {
        "1": "White",
        "1001": "British",
        "1002": "Irish",
        "1003": "Any other white background",
        "2": "Mixed",
        "2001": "White and Black Caribbean",
        "2002": "White and Black African",
        "2003": "White and Asian",
        "2004": "Any other mixed background",
        "3": "Asian or Asian British",
        "3001": "Indian",
        "3002": "Pakistani",
        "3003": "Bangladeshi",
        "3004": "Any other Asian background",
        "4": "Black or Black British",
        "4001": "Caribbean",
        "4002": "African",
        "4003": "Any other Black background",
        "5": "Chinese",
        "6": "Other ethnic group",
        "-1": "Do not know",
        "-3": "Prefer not to answer",
    }
)
"""UK Biobank's data-coding 1001."""

_BRANCHES = {"1": "White", "2": "Mixed", "3": "Asian", "4": "Black", "5": "Chinese", "6": "Others"}
RACES: Mapping[str, str] = MappingProxyType(
    {meaning: _BRANCHES[code[0]] for code, meaning in ETHNIC_BACKGROUNDS.items() if code[0] in _BRANCHES}
)
"""The paper's group of every answer of :data:`ETHNIC_BACKGROUNDS`.

Puyol-Antón et al. 2021 name six groups and do not say how they come from the field. Data-coding 1001 is a
tree with these six branches, and every code's first digit is its branch: so "Any other Asian background"
is Asian with Indian, Pakistani and Bangladeshi, Chinese stands apart, and a branch that was chosen without
a finer answer ("White") counts like its finer answers.
"""

NO_ANSWERS: Mapping[str, str] = MappingProxyType(
    {"Do not know": "do not know", "Prefer not to answer": "prefer not to answer"}
)
NOT_RECORDED = "not recorded"
UNCODED = "outside the coding"
"""Stands for every cell that holds neither a code nor a meaning."""

# a table that went through software which has no missing whole numbers
_AS_DECIMAL = re.compile(r"\.0+$")


def meanings(cells: pd.Series, coding: Mapping[str, str]) -> pd.Series:
    """Translate cells that hold codes, or meanings as the Research Analysis Platform exports them.

    Args:
        cells: Text; a code may be written as a decimal (``1001.0``), a meaning in any case.
        coding: Meaning of each code.

    Returns:
        Meanings as ``coding`` spells them; :data:`UNCODED` for what is neither code nor meaning, for it
        must not pass as missing. What was missing stays missing.
    """
    known = {**coding, **{meaning.casefold(): meaning for meaning in coding.values()}}
    # a few values stand in half a million cells
    found = {cell: known.get(_AS_DECIMAL.sub("", cell).casefold(), UNCODED) for cell in cells.dropna().unique()}
    return cells.map(found).astype("str")
