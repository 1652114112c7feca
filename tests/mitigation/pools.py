"""Tables of subjects to draw cohorts from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pandas as pd
from hypothesis import strategies as st

# as many as train and validate in Puyol-Antón et al. 2021 (4,723 + 590), of whom the smallest group has 87
PAPER = {"White": 4250, "Mixed": 170, "Asian": 400, "Black": 240, "Chinese": 87, "Others": 166}


def pool_of(sizes: Mapping[str, int], sexes: str = "FM") -> pd.DataFrame:
    """So many subjects of each group, of each sex in turn."""
    return pool_of_people((group, sexes[place % len(sexes)]) for group, size in sizes.items() for place in range(size))


def pool_of_people(people: Iterable[tuple[str, str]]) -> pd.DataFrame:
    rows = [(f"sub-{number:04d}", group, sex) for number, (group, sex) in enumerate(people, start=1)]
    return pd.DataFrame(rows, columns=["subject_id", "protected_group", "sex"])


def with_one_more(pool: pd.DataFrame, group: str, sex: str = "F", subject_id: str = "sub-9999") -> pd.DataFrame:
    return pd.concat([pool, pd.DataFrame([(subject_id, group, sex)], columns=pool.columns)], ignore_index=True)


def counts(pool: pd.DataFrame, subject_ids: Iterable[str], *columns: str) -> dict[object, int]:
    """How many of the subjects there are of each value of a column, or of each pair of values."""
    chosen = pool[pool["subject_id"].isin(list(subject_ids))]
    values = zip(*(chosen[column] for column in columns), strict=True)
    return dict(Counter(value[0] if len(columns) == 1 else value for value in values))


group_sizes = st.dictionaries(st.sampled_from("ABCDEF"), st.integers(1, 30), min_size=1)
pools = st.lists(st.tuples(st.sampled_from("ABCD"), st.sampled_from("FM")), min_size=1, max_size=60).map(pool_of_people)
# A is large enough to fill what any share leaves over
with_a_majority = st.dictionaries(st.sampled_from("BCD"), st.integers(8, 30), min_size=1).map(
    lambda sizes: pool_of({"A": 120, **sizes})
)
