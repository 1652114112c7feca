"""Clinical errors of every strategy and training seed, by protected group."""

import numpy as np
import pandas as pd
import pytest

from faircmr.core import InvalidCohortError, InvalidScoresError, StudyMismatchError
from faircmr.core.study import SCORE_TYPES
from faircmr.fairness.metrics import clinical_agreement, reclassification
from faircmr.fairness.metrics.agreement import Agreement, limits_of_agreement
from faircmr.fairness.metrics.scoring import collect_scores
from faircmr.fairness.tables import CELLS
from tests.fairness.published import scores_of, subjects_of

GROUPS = dict(zip([f"sub-{number:04}" for number in range(6)], ["Black"] * 2 + ["White"] * 4, strict=True))
SUBJECTS = subjects_of(GROUPS)
# ED LVBP, ED LVM, ED RVBP, ES LVBP, ES LVM, ES RVBP in mL; LVEF 60 %, RVEF 50 %
DRAWN = (150.0, 100.0, 160.0, 60.0, 110.0, 80.0)
ES_LVBP = CELLS.index("ES LVBP")


def scores(strategy: str, found: dict[str, float], seed: int | None = 0) -> pd.DataFrame:
    """Volumes of all subjects as they were drawn, but those of the left ventricle at ES that are given."""
    rows = [
        (strategy, seed, None, "cohort:1 splits:2 training:3", subject_id, *cell.split(), metric, value)
        for subject_id in GROUPS
        for place, (cell, drawn) in enumerate(zip(CELLS, DRAWN, strict=True))
        for metric, value in (
            ("reference_volume", drawn),
            ("volume", found.get(subject_id, drawn) if place == ES_LVBP else drawn),
        )
    ]
    return pd.DataFrame(rows, columns=list(SCORE_TYPES)).astype(SCORE_TYPES)


# an ES volume of 82.5 mL makes 45 %, one of 105 makes 30 %
WORSE = {"sub-0000": 82.5, "sub-0001": 105.0, "sub-0002": 62.0}
SCORES = {"zero": scores("zero", WORSE), "even": scores("even", {})}


def test_what_makes_no_measure_has_tables_with_heads_and_no_rows():
    even = SCORES["even"]
    # a wall at ES alone is neither a volume that has a name, nor a mass
    wall = {"wall": even[(even["structure"] == "LVM") & (even["phase"] == "ES")]}

    for tabulate in (clinical_agreement, reclassification):
        table = tabulate(wall, SUBJECTS)

        assert table.empty
        assert list(table.columns) == list(tabulate(SCORES, SUBJECTS).columns)


class TestAgreement:
    def test_one_row_a_strategy_seed_measure_and_group(self):
        table = clinical_agreement(SCORES, SUBJECTS)

        counts = ["undefined", "problems"]
        assert table.columns.tolist() == ["strategy", "seed", "measure", "unit", "group", *Agreement._fields, *counts]
        assert table["strategy"].unique().tolist() == ["zero", "even"]
        assert table.groupby("strategy").size().tolist() == [9 * 3] * 2
        assert table["seed"].tolist() == [0] * 54

    def test_is_that_of_the_errors_of_each_group(self):
        table = clinical_agreement(SCORES, SUBJECTS).set_index(["strategy", "measure", "group"])

        errors = {"Black": [-15.0, -30.0], "White": [100 * -2 / 150, 0, 0, 0]}
        for group, expected in (errors | {"all": [*errors["Black"], *errors["White"]]}).items():
            row = table.loc[("zero", "LVEF", group), list(Agreement._fields)]
            np.testing.assert_allclose(row.astype(float), limits_of_agreement(expected))
        assert table.loc["even", ["bias", "sd"]].eq(0.0).all(axis=None)

    def test_whom_a_model_failed_is_counted(self):
        # nothing found at ES ejects all, and has no size; it is told as a problem
        failed = {"zero": scores("zero", {"sub-0000": 0.0})}

        rows = clinical_agreement(failed, SUBJECTS).query("measure == 'LVEF'").set_index("group")

        assert rows["problems"].to_dict() == {"Black": 1, "White": 0, "all": 1}


class TestReclassification:
    def test_has_both_ventricles_of_every_strategy(self):
        table = reclassification(SCORES, SUBJECTS)

        assert table.columns.tolist()[:3] == ["strategy", "seed", "measure"]
        assert table.groupby(["measure", "strategy"], sort=False).size().to_dict() == {
            (measure, strategy): 3 * 4 for measure in ("LVEF", "RVEF") for strategy in ("zero", "even")
        }

    def test_counts_those_whom_a_strategy_puts_into_another_class(self):
        table = reclassification(SCORES, SUBJECTS)
        table = table.set_index(["measure", "strategy", "group", "outcome"]).sort_index()

        counts = table["count"]
        assert counts["LVEF", "zero", "Black"].to_dict() == {
            "unchanged": 0,
            "upward": 0,
            "downward": 2,
            "undefined": 0,
        }
        assert counts["LVEF", "zero", "White", "unchanged"] == 4
        assert counts["LVEF", "zero", "all", "downward"] == 2
        assert counts["RVEF", "zero", "all", "unchanged"] == 6
        assert (counts["LVEF", "even", "all", "unchanged"], table.loc[("LVEF", "even", "all"), "n"].max()) == (6, 6)
        assert table.loc[("LVEF", "zero", "Black", "downward"), "share"] == 1.0


@pytest.mark.parametrize("tabulate", [clinical_agreement, reclassification])
class TestBoth:
    def test_have_each_seed_apart_and_a_missing_one_where_all_predicted_together(self, tabulate):
        # subjects are in other groups of errors in each training
        by_seed = [scores("zero", WORSE, 3), scores("zero", {}, 1), scores("zero", {"sub-0005": 105.0}, None)]

        table = tabulate({"zero": pd.concat(by_seed)}, SUBJECTS)

        assert table["seed"].dtype == "Int64"
        assert [None if pd.isna(seed) else int(seed) for seed in table["seed"].unique()] == [1, 3, None]
        for seed, alone in zip((3, 1), by_seed, strict=False):
            rows = table[table["seed"].eq(seed).fillna(False)].reset_index(drop=True)
            pd.testing.assert_frame_equal(rows, tabulate({"zero": alone}, SUBJECTS))

    def test_leave_out_a_strategy_that_did_not_run(self, tabulate):
        table = tabulate({"unrun": collect_scores([]), **SCORES}, SUBJECTS)

        pd.testing.assert_frame_equal(table, tabulate(SCORES, SUBJECTS))

    def test_do_not_depend_on_the_order_of_rows(self, tabulate):
        shuffled = {name: table.sample(frac=1.0, random_state=2) for name, table in SCORES.items()}

        pd.testing.assert_frame_equal(tabulate(shuffled, SUBJECTS.iloc[::-1]), tabulate(SCORES, SUBJECTS))

    def test_name_no_subject(self, tabulate):
        assert not tabulate(SCORES, SUBJECTS).isin([*GROUPS]).any(axis=None)

    @pytest.mark.parametrize(
        ("table", "subjects", "error", "said"),
        [
            ({"zero": collect_scores([])}, SUBJECTS, InvalidScoresError, "no strategy has scores"),
            ({"zero": scores_of(dict.fromkeys(GROUPS, (90.0,) * 6))}, SUBJECTS, InvalidScoresError, "metric volume"),
            (SCORES, SUBJECTS.iloc[1:], InvalidCohortError, "1 not in the subject index"),
            (
                SCORES | {"even": SCORES["even"].query("subject_id != 'sub-0003'")},
                SUBJECTS,
                StudyMismatchError,
                "zero and even: 1 subjects scored in one and not in the other",
            ),
        ],
        ids=["nothing ran", "Dice alone", "unknown subject", "other subjects"],
    )
    def test_refuse_what_has_no_volumes_or_cannot_be_compared(self, tabulate, table, subjects, error, said):
        with pytest.raises(error, match=said) as raised:
            tabulate(table, subjects)

        assert "sub-" not in str(raised.value)


@pytest.mark.parametrize(
    ("structures", "measures", "classes"),
    [
        (("LVBP",), ["LVEDV", "LVESV", "LVSV", "LVEF"], ["LVEF"]),
        (("LVM",), ["LV mass"], []),
        (("RVBP",), ["RVEDV", "RVESV", "RVSV", "RVEF"], ["RVEF"]),
    ],
    ids=" ".join,
)
def test_of_structures_that_the_study_does_not_have_nothing_is_measured(structures, measures, classes):
    fewer = {name: table[table["structure"].isin(structures)] for name, table in SCORES.items()}

    agreement, reclassified = clinical_agreement(fewer, SUBJECTS), reclassification(fewer, SUBJECTS)

    assert agreement["measure"].unique().tolist() == measures
    assert reclassified["measure"].unique().tolist() == classes
    assert list(reclassified.columns) == list(reclassification(SCORES, SUBJECTS).columns)
