"""Evaluation's node: the tables of all strategies that have been scored, and what training seeds do to them."""

from __future__ import annotations

import pandas as pd

from faircmr.core.study import SCHEMAS, AttributeParameters
from faircmr.pipelines.evaluation import compare_strategies
from tests.fairness.published import GROUPS, TABLE_2, scores_of, subjects_of

SUBJECTS = subjects_of({group: group for group in GROUPS}, sex=["female", "male"] * 3)
ATTRIBUTES = AttributeParameters(protected_attribute="race", audit_attributes=("race", "sex"))


def published(strategy: str, seed: int) -> pd.DataFrame:
    cells = {group: (value,) * 6 for group, value in zip(GROUPS, TABLE_2[strategy][0], strict=True)}
    return scores_of(cells, strategy, seed)


def test_gives_table_2_its_seeds_and_their_spread_in_table_1():
    twice = pd.concat([published("baseline", 0), published("baseline", 1)])

    table2, by_seed, spread = compare_strategies(
        SUBJECTS,
        ATTRIBUTES,
        baseline=twice,
        stratified=published("stratified", 0),
        meta_learning=SCHEMAS["scores"].empty(),
    )

    assert table2["strategy"].tolist() == ["baseline", "stratified"]
    assert table2["seeds"].tolist() == [2, 1]
    assert list(zip(by_seed["strategy"], by_seed["seed"], strict=True)) == [
        ("baseline", 0),
        ("baseline", 1),
        ("stratified", 0),
    ]
    assert set(spread["strategy"]) == {"baseline"}
    # the protected attribute is reported as the protected group, and once
    assert list(spread["attribute"].unique()) == ["total", "sex", "protected_group"]
