"""Groups whose scores have no spread, and groups of one: every table is made, and no library warns."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from itertools import combinations_with_replacement, product

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from faircmr.core.scans import Phase, Structure
from faircmr.core.study import AttributeParameters, summarise
from faircmr.fairness.audit import Audit, AuditParameters, audit, audit_strategies
from faircmr.fairness.inference import Groups, hedges_g, probability_of_superiority
from faircmr.fairness.metrics import clinical_agreement, reclassification
from faircmr.fairness.tables import asterisks_of, scheffe_of, table1, table1_seed_sd, table2, table2_by_seed
from faircmr.reporting import audit_report
from faircmr.reporting.report import surface_errors

SIZE = 9
KINDS: Mapping[str, npt.NDArray[np.float64]] = {
    "all 0": np.zeros(SIZE),
    "all 1": np.ones(SIZE),
    "constant": np.full(SIZE, 0.9),
    "one subject": np.array([0.8]),
    "two equal": np.array([0.85, 0.85]),
    "one failure": np.append(np.full(SIZE - 1, 0.9), 0.0),
    "spread": np.linspace(0.7, 0.95, SIZE),
}
PAIRS = list(combinations_with_replacement(KINDS, 2))
ATTRIBUTES = AttributeParameters(protected_attribute="race", audit_attributes=("race", "sex"), covariates=("age",))
PARAMETERS = AuditParameters(draws=560, min_group_size=2)


def people(sizes: list[int]) -> pd.DataFrame:
    race = np.repeat([f"group {number}" for number in range(len(sizes))], sizes)
    return pd.DataFrame(
        {
            "subject_id": [f"sub-{number:04d}" for number in range(len(race))],
            "protected_group": race,
            "sex": np.resize(["F", "M"], len(race)),
            "age": np.linspace(45.0, 80.0, len(race)),
        }
    )


def scores_of(subjects: pd.DataFrame, dice: npt.NDArray[np.float64], strategy: str) -> pd.DataFrame:
    """Scores of both phases and all structures; a subject that was missed has no distance and no volume."""
    rows = []
    for (place, subject), phase, structure, seed in product(enumerate(subjects["subject_id"]), Phase, Structure, (0,)):
        drawn = (150.0 if phase is Phase.ED else 60.0) + place
        key = (strategy, seed, pd.NA, "cohort:1 splits:2", subject, str(phase), structure.name)
        found = {"dsc": dice[place], "volume": drawn * dice[place], "reference_volume": drawn}
        found |= {"hd95": np.nan if dice[place] == 0 else 9 * (1 - dice[place]), "missed": float(dice[place] == 0)}
        found["assd"] = found["hd95"]
        rows += [(*key, metric, value) for metric, value in found.items()]
    names = ["strategy", "seed", "fold", "study_key", "subject_id", "phase", "structure", "metric", "value"]
    return pd.DataFrame(rows, columns=names).astype({"seed": "Int64", "fold": "Int64"})


def evaluated(dice: list[npt.NDArray[np.float64]]) -> Audit:
    """Everything that evaluation makes of a baseline with these scores and of one that treats all alike."""
    subjects = people([len(one) for one in dice])
    values = np.concatenate(dice)
    scores = {
        "baseline": scores_of(subjects, values, "baseline"),
        "even": scores_of(subjects, np.full(len(values), 0.9), "even"),
    }
    summarise(subjects)
    for table in scores.values():
        table1(table, subjects, ("sex",))
    table2(scores, subjects)
    table2_by_seed(scores, subjects)
    table1_seed_sd(scores, subjects, ("sex",))
    asterisks_of(scores, subjects, ("sex",))
    scheffe_of(scores, subjects)
    clinical_agreement(scores, subjects)
    reclassification(scores, subjects)
    surface_errors(scores, subjects)
    return audit_strategies(scores, subjects, ATTRIBUTES, PARAMETERS)


@pytest.mark.slow
@pytest.mark.parametrize("pair", PAIRS, ids=[" and ".join(pair) for pair in PAIRS])
def test_an_audit_of_any_two_such_groups_next_to_another_does_not_warn(pair: tuple[str, str]):
    dice = [KINDS["spread"], *(KINDS[kind] for kind in pair)]
    subjects = people([len(one) for one in dice])
    ids = subjects["subject_id"]
    first = pd.DataFrame({"subject_id": ids, "model": "baseline", "dsc": np.concatenate(dice)})
    scores = pd.concat([first, first.assign(model="even", dsc=0.9)])
    asked = {"attributes": ("protected_group", "sex"), "covariates": ("age",), "mediators": ("heart",)}

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = audit(scores, subjects.assign(heart=90.0 + subjects.index), PARAMETERS.model_copy(update=asked))

    own = found.groups[found.groups["attribute"] == "protected_group"]
    assert set(own["group"]) == {"group 0", "group 1", "group 2"}
    assert own["mean"].notna().all()


@pytest.mark.parametrize(
    "kinds",
    [("all 0", "all 0"), ("all 1", "all 1"), ("all 0", "all 1"), ("constant", "one failure"), tuple(KINDS)],
    ids=" and ".join,
)
def test_all_tables_and_the_page_are_made_without_a_warning(kinds: tuple[str, ...]):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = evaluated([KINDS[kind] for kind in kinds])
        page = audit_report(found, PARAMETERS, "Title")

    assert len(found.disparity) >= 1
    assert f"group {len(kinds) - 1}" in page


@pytest.mark.parametrize("effect", [hedges_g, probability_of_superiority])
@pytest.mark.parametrize("pair", PAIRS, ids=[" and ".join(pair) for pair in PAIRS])
def test_effect_sizes_are_nan_or_within_their_interval(pair: tuple[str, str], effect):
    values = np.concatenate([KINDS[kind] for kind in pair])
    groups = Groups.of(np.repeat(["a", "b"], [len(KINDS[kind]) for kind in pair]).tolist())

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = effect(values, groups)

    known = ~np.isnan(found.low)
    assert (found.low[known] <= found.estimates[known]).all()
    assert (found.estimates[known] <= found.high[known]).all()
