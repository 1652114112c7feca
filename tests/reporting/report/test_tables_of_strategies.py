"""Tables of all strategies in one, surfaces by group, provenance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from faircmr.core.study import SCHEMAS
from faircmr.reporting.report import confusions, one_below_another, provenance, surface_errors
from faircmr.reporting.report.tables import COLUMNS
from tests.reporting.report.simulated import AUDIT, GROUPS, scores, subjects


def test_puts_tables_one_below_another_and_leaves_out_what_is_empty():
    one = pd.DataFrame({"group": ["A", "B"], "Avg": [1.0, 2.0]})

    table = one_below_another({"a": one, "b": pd.DataFrame(), "c": one.iloc[:1]})

    assert table.to_numpy().tolist() == [["a", "A", 1.0], ["a", "B", 2.0], ["c", "A", 1.0]]
    assert one_below_another({"b": pd.DataFrame()}).columns.tolist() == ["strategy"]


def test_counts_whom_a_classifier_took_for_whom():
    sure, unsure = np.log([0.9, 0.1]), np.log([0.4, 0.6])
    table = pd.DataFrame(
        [("s1", "A", *sure), ("s2", "A", *unsure), ("s3", "B", *unsure)],
        columns=["subject_id", "protected_group", "log_probability_A", "log_probability_B"],
    ).assign(phase="ED", slice_index=0, seed=0, fold=None)

    counted = confusions({"even": table, "baseline": pd.DataFrame()}).set_index(["protected_group", "predicted_group"])

    assert set(counted["strategy"]) == {"even"}
    assert counted["subjects"].to_dict() == {("A", "A"): 1, ("A", "B"): 1, ("B", "A"): 0, ("B", "B"): 1}
    assert confusions({"baseline": pd.DataFrame()}).empty


def test_surfaces_are_averaged_over_seeds_and_phases_before_subjects():
    found = scores()["baseline"]
    chosen = found[(found["metric"] == "hd95") & (found["structure"] == "LVM")]
    people = subjects().set_index("subject_id")["race"]

    table = surface_errors(scores(), subjects()).query("strategy == 'baseline' and structure == 'LVM'")

    by_hand = chosen.groupby("subject_id")["value"].mean().groupby(people).agg(["mean", "median"])
    own = table[table["metric"] == "hd95"].set_index("group")
    assert own.index.tolist() == [*sorted(GROUPS), "all"]
    assert own["n"].tolist() == [*(GROUPS[group] for group in sorted(GROUPS)), sum(GROUPS.values())]
    for column in ("mean", "median"):
        assert own.loc[sorted(GROUPS), column].tolist() == pytest.approx(by_hand.loc[sorted(GROUPS), column].tolist())
    assert (own["low"] <= own["median"]).all()


def test_nothing_is_said_of_surfaces_that_nobody_scored():
    table = surface_errors({**scores(metrics=("dsc",)), "other": SCHEMAS["scores"].empty()}, subjects())

    assert table.empty
    assert table.columns.tolist() == COLUMNS


def test_provenance_has_versions_digests_seeds_and_every_parameter():
    table = provenance("cohort:12ab splits:34cd", {"audit": AUDIT}).set_index(["part", "name"])["value"]

    assert table["data", "cohort"] == "12ab"
    assert table["seeds", "audit.seed"] == "0"
    assert table["audit", "draws"] == "400"
    assert table["versions", "numpy"] == np.__version__
    assert set(AUDIT.model_dump()) == set(table["audit"].index)
