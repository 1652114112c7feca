"""Fits times costs, counted by hand."""

import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError
from faircmr.core.host import this_machine
from faircmr.estimation import PlannedFits, cost_table, merged_kinds
from faircmr.estimation.costs import StepCost
from faircmr.estimation.estimates import COLUMNS, estimate_fits
from tests.estimation.studies import SMALL_CLASSIFIER, planned

STUDY = {
    "baseline": planned(name="baseline"),
    "meta": planned({"objective": SMALL_CLASSIFIER}, name="meta"),
    "groups": planned({"stages": "protected_groups", "input": "roi"}, name="groups"),
    "regions": planned({"input": "roi"}, name="regions"),
}
SECONDS = {"segmentation": 1.0, "fair_meta_learning apart": 2.0, "fair_meta_learning joint": 4.0, "localiser": 0.5}


def costs(**missing: object) -> pd.DataFrame:
    table = []
    for kind in merged_kinds(STUDY.values()):
        label = kind.name.rpartition(" ")[0]
        measured = {
            "seconds": SECONDS[label],
            "validation_seconds": 10.0,
            "checkpoint_seconds": 3.0,
            "steps": 5,
            "memory_bytes": SECONDS[label] * 2**20,
            "weights": 100,
            "weights_bytes": 400,
            "checkpoints_bytes": 1600,
            "device": "cpu",
        }
        table.append(StepCost(kind=kind.name, threads=2, **({} if label in missing else measured)))
    return cost_table(table)


def estimate(finished: dict[str, str] | None = None, totals: object = None, table: pd.DataFrame | None = None):
    return estimate_fits(STUDY, costs() if table is None else table, finished or {}, totals or {})


def rows(table: pd.DataFrame, level: str) -> pd.DataFrame:
    return table[table["level"] == level].set_index("strategy")


def test_a_fit_takes_its_steps_its_validations_and_its_checkpoints():
    fit = rows(estimate(), "fit").loc["baseline"]

    assert fit["hours"] == pytest.approx((80 * 1.0 + 3 * 10.0 + 8 * 3.0) / 3600)
    assert (fit["steps"], fit["seconds_a_step"], fit["memory_mib"]) == (80, 1.0, 1.0)
    assert (fit["batch"], fit["patch"], fit["weights"], fit["measured_steps"]) == (4, "16 x 16", 100, 5)


def test_a_fit_of_two_kinds_of_steps_takes_both_and_the_memory_of_the_larger():
    fit = rows(estimate(), "fit").loc["meta"]

    assert fit["seconds_a_step"] == pytest.approx(3.0)
    assert fit["memory_mib"] == 4.0


def test_localisers_are_counted_once_however_many_strategies_need_them():
    table = estimate()

    assert rows(table, "fit").index.tolist() == ["baseline", "meta", "localiser", *["groups"] * 4, "regions"]
    assert rows(table, "study").loc["study", ["fits", "steps"]].tolist() == [8, 80 + 80 + 30 + 4 * 40 + 80]


def test_a_sum_adds_hours_and_shows_the_largest_fit():
    table = estimate(totals={"two": ["baseline", "meta"]})

    total, fits = rows(table, "total").loc["two"], rows(table, "fit")
    assert total["hours"] == pytest.approx(fits.loc[["baseline", "meta"], "hours"].sum())
    assert (total["memory_mib"], total["weights_bytes"], total["checkpoints_bytes"]) == (4.0, 800, 1600)
    assert rows(table, "strategy").index.tolist() == ["baseline", "meta", "localiser", "groups", "regions"]


def test_every_row_names_the_machine():
    table = estimate()

    assert list(table.columns) == list(COLUMNS)
    assert set(table["machine"]) == {this_machine()}
    assert (set(table["device"]), set(table["threads"])) == ({"cpu"}, {2})


def test_a_kind_that_could_not_be_measured_is_missing_wherever_it_counts():
    table = estimate(table=costs(localiser=None))

    assert rows(table, "fit").loc["localiser", ["hours", "memory_mib", "weights"]].isna().all()
    assert rows(table, "fit").loc["baseline", "hours"] > 0
    assert pd.isna(rows(table, "study").loc["study", "hours"])
    assert set(table["machine"]) == {this_machine()}


def test_an_unknown_strategy_in_a_sum_is_refused():
    with pytest.raises(InvalidParameterError, match=r"estimate\.totals\.paper: basline; .*did you mean baseline\?"):
        estimate(totals={"paper": ["basline"]})


def test_a_study_without_localisers_has_none():
    table = estimate_fits({"baseline": STUDY["baseline"]}, costs(), {}, {})

    assert isinstance(STUDY["baseline"], PlannedFits)
    assert set(table["strategy"]) == {"baseline", "study"}


IMPOSSIBLE = PlannedFits(fits=(), kinds=(), reason="rare.strategy.cohort.share: too small")


def test_a_strategy_that_cannot_be_trained_is_named_with_its_reason_and_the_others_are_estimated(caplog):
    table = estimate_fits({**STUDY, "rare": IMPOSSIBLE}, costs(), {}, {"both": ["baseline", "rare"]})

    row = rows(table, "strategy").loc["rare"]
    assert (row["fits"], row["finished"], row["reason"]) == (0, 0, IMPOSSIBLE.reason)
    assert rows(table, "study")["fits"].equals(rows(estimate(), "study")["fits"])
    assert list(table.columns) == list(COLUMNS)
    assert caplog.messages == [
        "rare is not estimated: it cannot be trained on this cohort: rare.strategy.cohort.share: too small"
    ]


def test_a_cohort_on_which_no_strategy_can_be_trained_ends_the_estimate():
    with pytest.raises(InvalidCohortError, match=r"none can be trained; rare\.strategy\.cohort"):
        estimate_fits({"rare": IMPOSSIBLE}, costs(), {}, {})
