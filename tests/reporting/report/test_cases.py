"""Whom the examples are of, and what they show."""

from __future__ import annotations

import io
from base64 import b64decode
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from faircmr.core.scans import Phase, Prediction, PredictionKey
from faircmr.reporting.report import draw_cases, extreme_cases
from faircmr.reporting.report.cases import COLUMNS
from tests.reporting.hearts import cohort, heart

PEOPLE = {"sub-0001": "A", "sub-0002": "A", "sub-0003": "A", "sub-0004": "B"}
SUBJECTS = pd.DataFrame({"subject_id": list(PEOPLE), "protected_group": list(PEOPLE.values())})


def scores(values: Mapping[tuple[str, str, int | None], float], strategy: str = "baseline") -> pd.DataFrame:
    rows = [
        (strategy, seed, pd.NA, "key", subject, *(*cell.split(), "LVBP")[:2], "dsc", value)
        for (subject, cell, seed), value in values.items()
    ]
    columns = ["strategy", "seed", "fold", "study_key", "subject_id", "phase", "structure", "metric", "value"]
    return pd.DataFrame(rows, columns=columns).astype({"seed": "Int64", "fold": "Int64"})


def at_ed(values: Mapping[str, float], seed: int | None = 0) -> dict[tuple[str, str, int | None], float]:
    return {(subject, "ED", seed): value for subject, value in values.items()}


DICE = {"sub-0001": 0.9, "sub-0002": 0.5, "sub-0003": 0.7, "sub-0004": 0.8}


def chosen(cases: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(cases[["group", "which", "subject_id"]].itertuples(index=False, name=None))


def test_names_the_best_and_the_worst_of_each_group_and_a_single_subject_once():
    cases = extreme_cases({"baseline": scores(at_ed(DICE))}, SUBJECTS, 1)

    assert cases.columns.tolist() == COLUMNS
    assert chosen(cases) == [("A", "best", "sub-0001"), ("A", "worst", "sub-0002"), ("B", "worst", "sub-0004")]
    assert cases["dsc"].tolist() == [0.9, 0.5, 0.8]


def test_judges_by_the_first_seed():
    later = {("sub-0002", "ED", 1): 1.0}

    cases = extreme_cases({"baseline": scores({**at_ed(DICE), **later})}, SUBJECTS, 1)

    assert chosen(cases)[1] == ("A", "worst", "sub-0002")
    assert set(cases["seed"]) == {0}


@pytest.mark.parametrize("cell", ["ED LVM", "ED RVBP", "ES LVBP", "ES LVM", "ES RVBP"])
def test_shows_the_structure_that_failed_whatever_the_phase_and_however_good_the_others_are(cell: str):
    # its mean of two structures, 0.785, is higher than the 0.7 of sub-0003
    failed = {("sub-0001", cell, 0): 0.58, ("sub-0001", "ED LVBP", 0): 0.99}

    cases = extreme_cases({"baseline": scores({**at_ed({**DICE, "sub-0002": 0.8}), **failed})}, SUBJECTS, 1)

    worst = cases[(cases["group"] == "A") & (cases["which"] == "worst")].iloc[0]
    assert (worst["subject_id"], f"{worst['phase']} {worst['structure']}", worst["dsc"]) == ("sub-0001", cell, 0.58)


def test_a_best_case_has_no_structure_that_failed():
    failed = {("sub-0001", "ES RVBP", 0): 0.1}

    cases = extreme_cases({"baseline": scores({**at_ed(DICE), **failed})}, SUBJECTS, 1)

    assert chosen(cases)[:2] == [("A", "best", "sub-0003"), ("A", "worst", "sub-0001")]


def test_takes_end_systole_where_nothing_else_was_scored_and_all_seeds_where_they_predicted_together():
    table = scores({(subject, "ES", None): value for subject, value in DICE.items()})

    cases = extreme_cases({"baseline": table}, SUBJECTS, 1)

    assert set(cases["phase"]) == {"ES"}
    assert cases["seed"].isna().all()


def test_several_examples_come_best_first_and_worst_first():
    cases = extreme_cases({"baseline": scores(at_ed(DICE))}, SUBJECTS, 2)

    assert chosen(cases)[:3] == [("A", "best", "sub-0001"), ("A", "worst", "sub-0002"), ("A", "worst", "sub-0003")]
    assert cases["place"].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(("examples", "found"), [(0, scores(at_ed(DICE))), (1, scores({}))])
def test_shows_nobody_where_none_is_asked_for_or_nothing_was_scored(examples: int, found: pd.DataFrame):
    assert extreme_cases({"baseline": found}, SUBJECTS, examples).empty


def test_draws_one_picture_a_strategy_with_a_column_a_group_and_no_id():
    cases = extreme_cases({"baseline": scores(at_ed(DICE))}, SUBJECTS, 1)
    scan = heart()
    predictions = {
        PredictionKey(0, None, subject, Phase.ED): Prediction(
            subject, Phase.ED, 0, None, np.roll(scan.label, 2, axis=2), scan.geometry
        )
        for subject in PEOPLE
    }
    people = cohort(dict.fromkeys(PEOPLE, (Phase.ED,)))

    (one,) = draw_cases(cases, people, {"baseline": predictions, "other": {}}).pictures

    picture = np.asarray(Image.open(io.BytesIO(b64decode(one.jpeg))))
    assert picture.shape[2] == 3
    assert (picture.std(axis=2) > 40).any(), "contours are coloured"
    assert one.caption.endswith("A best ED LVBP 90.0 %, worst ED LVBP 50.0 %; B worst ED LVBP 80.0 %.")
    assert one == draw_cases(cases, people, {"baseline": predictions}).pictures[0]


def test_draws_nothing_of_nobody():
    assert draw_cases(pd.DataFrame(columns=COLUMNS), cohort({}), {}).pictures == ()
