"""A table of scores gives one score a model, seed and subject, or says what is wrong with it and of nobody."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faircmr.core import InvalidScoresError
from faircmr.fairness.audit import AuditColumns
from faircmr.fairness.audit.score_table import ONE_MODEL, scores_by_model

COLUMNS = AuditColumns()
SECRET = "7234567"


def long_table(value: float = 0.5) -> pd.DataFrame:
    """Two models, two seeds, three subjects, two phases, two structures."""
    index = pd.MultiIndex.from_product(
        [["ours", "base"], [0, 1], [SECRET, "b", "c"], ["ED", "ES"], ["LVBP", "RVBP"]],
        names=["model", "seed", "subject_id", "phase", "structure"],
    )
    return pd.DataFrame({"value": value}, index=index).reset_index()


def test_a_long_table_is_averaged_over_phases_and_structures():
    table = long_table()
    table.loc[(table["phase"] == "ES") & (table["model"] == "base"), "value"] = 0.9

    found = scores_by_model(table, COLUMNS, "dsc")

    assert list(found) == ["ours", "base"], "in the order of the table"
    assert found["base"].index.tolist() == [SECRET, "b", "c"]
    assert list(found["base"].columns) == ["0", "1"]
    np.testing.assert_allclose(found["base"], 0.7)
    np.testing.assert_allclose(found["ours"], 0.5)


def test_a_wide_table_says_the_same_as_the_long_one():
    rng = np.random.default_rng(0)
    table = long_table()
    table["value"] = rng.uniform(size=len(table))
    wide = table.pivot(index=["model", "seed", "subject_id"], columns=["phase", "structure"], values="value")
    wide.columns = [f"dice {phase} {structure}" for phase, structure in wide.columns]

    long_scores, wide_scores = (scores_by_model(each, COLUMNS, "dsc") for each in (table, wide.reset_index()))

    for model, scores in long_scores.items():
        pd.testing.assert_frame_equal(scores, wide_scores[model])


def test_the_smallest_table_is_a_subject_and_a_score():
    found = scores_by_model(pd.DataFrame({"person": [7, 8], "dice": [0.8, 0.9]}), AuditColumns(subject="person"), "dsc")

    assert found[ONE_MODEL].index.tolist() == ["7", "8"]
    assert found[ONE_MODEL].to_numpy().ravel().tolist() == [0.8, 0.9]


def test_subject_and_phase_may_come_from_a_file_name():
    table = pd.DataFrame({"case": ["p1_ED.nii.gz", "p1_ES.nii.gz", "p2_ED.nii.gz"], "value": [0.5, 0.7, 0.9]})

    found = scores_by_model(table, COLUMNS, "dsc")[ONE_MODEL]

    assert found.index.tolist() == ["p1", "p2"]
    assert found.to_numpy().ravel() == pytest.approx([0.6, 0.9])


def test_an_empty_cell_of_a_wide_table_is_refused_for_it_may_be_what_a_model_missed():
    table = pd.DataFrame({"subject_id": ["a", "b"], "LV": [0.8, 0.9], "RV": [np.nan, 0.5]})

    with pytest.raises(InvalidScoresError, match=r"no score in 1 row of column RV.*; write 0 where a model"):
        scores_by_model(table, COLUMNS, "dsc")


def test_a_structure_that_is_not_there_has_no_row_in_a_long_table():
    table = pd.DataFrame({"subject_id": ["a", "b", "b"], "structure": ["LV", "LV", "RV"], "value": [0.8, 0.9, 0.5]})

    assert scores_by_model(table, COLUMNS, "dsc")[ONE_MODEL].to_numpy().ravel().tolist() == [0.8, 0.7]


def test_a_missing_seed_is_one_training():
    together = long_table().query("seed == 0").assign(seed=pd.array([pd.NA] * 24, dtype="Int64"))

    assert scores_by_model(together, COLUMNS, "dsc")["base"].shape == (3, 1)


def test_the_index_of_the_table_means_nothing():
    table = long_table()

    found = scores_by_model(table.set_axis([0] * len(table)), COLUMNS, "dsc")

    pd.testing.assert_frame_equal(found["base"], scores_by_model(table, COLUMNS, "dsc")["base"])


def test_only_rows_of_the_metric_are_used():
    table = long_table().assign(metric="dsc")
    both = pd.concat([table, table.assign(metric="hd95", value=40.0)])

    assert scores_by_model(both, COLUMNS, "dsc").keys() == {"ours", "base"}
    with pytest.raises(InvalidScoresError, match=r"no rows of metric iou; one of dsc, hd95; set audit\.metric"):
        scores_by_model(both, COLUMNS, "iou")


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_but_the_order_of_models(random):
    table = long_table()
    table["value"] = np.linspace(0.0, 1.0, len(table))
    order = list(range(len(table)))
    random.shuffle(order)

    found, shuffled = (scores_by_model(each, COLUMNS, "dsc") for each in (table, table.iloc[order]))

    for model, scores in found.items():
        pd.testing.assert_frame_equal(scores, shuffled[model])


def changed(where: int, value: object) -> pd.DataFrame:
    table = long_table().astype({"value": object})
    table.loc[where, "value"] = value
    return table


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (long_table().drop(columns="subject_id"), "no column subject_id"),
        (pd.concat([long_table(), long_table().head(3)]), "3 of 51 rows repeated"),
        (long_table(value=87.5), "up to 87.5.*; scores in 0..1 and nothing else; divide percentages by 100"),
        (changed(3, 97.0), "up to 97.*; scores in 0..1 and nothing else; divide percentages"),
        (changed(3, -0.1), "1 of 48 rows outside 0..1"),
        (changed(3, 640.0), "1 of 48 rows outside 0..1"),
        (changed(3, np.inf), "1 of 48 rows outside 0..1"),
        (changed(3, np.nan), "1 of 48 rows without a number"),
        (changed(3, "good"), "1 of 48 rows without a number"),
        (long_table().assign(subject_id=None), "48 of 48 rows without a subject"),
        (long_table().replace({"model": {"base": None}}), "24 of 48 rows without a model"),
        (long_table().head(0), "scores: no rows"),
        (pd.DataFrame({"case": [], "value": []}), "scores: no rows"),
        (
            long_table().query("not (model == 'base' and seed == 1 and subject_id == 'b')"),
            "scores of base: 1 subjects scored in one training seed and not in another",
        ),
        (pd.DataFrame({"subject_id": ["a"]}), "no column of scores"),
        # wide by mistake: the mean of a Dice and anything else is no score
        (
            long_table().rename(columns={"value": "dice"}),
            "a column structure and no column value; one score a row, in one column; set audit_columns.value",
        ),
        (pd.DataFrame({"subject_id": ["a"], "LV": [0.5], "age": [61]}), "up to 61 in age; scores in 0..1 and nothing"),
        (pd.DataFrame({"subject_id": ["a"], "LV": [0.5], "note": ["x"]}), "column note holds no numbers"),
        (
            pd.DataFrame({"subject_id": ["a", "b"], "LV": [0.5, 0.6], "RV": ["0,91", "1"]}),
            "column RV has commas in its numbers; points in decimals; save the table with them",
        ),
        (long_table().assign(value="0,91"), "column value has commas in its numbers; points in decimals"),
        (pd.DataFrame({"subject_id": ["a", "a"], "LV": [0.5, 0.6]}), "1 of 2 rows repeated"),
    ],
)
def test_refuses_bad_tables_and_names_nobody(table: pd.DataFrame, said: str):
    with pytest.raises(InvalidScoresError, match=said) as error:
        scores_by_model(table, COLUMNS, "dsc")
    assert SECRET not in str(error.value)


def test_columns_of_one_name_are_refused():
    with pytest.raises(ValueError, match="one name"):
        AuditColumns(model="seed")
    with pytest.raises(ValueError, match="no group"):
        AuditColumns(case_pattern="(.*)")


# a score in a wide table of two rows, and the same in a long one
@pytest.mark.parametrize("cell", ["nan", "NA", "N/A", "-", ".", "?", "NULL", "None", "#DIV/0!", "", None, np.nan])
def test_a_score_that_is_missing_asks_for_0_where_the_model_missed(cell: object):
    wide = pd.DataFrame({"subject_id": ["a", "b"], "LV": ["0.5", cell]})

    with pytest.raises(InvalidScoresError, match=r"no score in 1 row of column LV.*write 0 where a model missed"):
        scores_by_model(wide, COLUMNS, "dsc")
    with pytest.raises(InvalidScoresError, match=r"1 of 2 rows without a number.*write 0 where a model missed"):
        scores_by_model(wide.rename(columns={"LV": "value"}), COLUMNS, "dsc")


@pytest.mark.parametrize(("cell", "form"), [("91%", "99%"), ("good", "xxxx"), ("0.9.1", "0.9.9"), ("0.9 a", "0.9 x")])
def test_a_score_that_is_no_number_is_refused_with_its_form(cell: str, form: str):
    wide = pd.DataFrame({"subject_id": ["a", "b"], "LV": ["0.5", cell]})

    for table in (wide, wide.rename(columns={"LV": "value"})):
        with pytest.raises(InvalidScoresError, match=rf"1 of 2 .*1 of the form '{form}'"):
            scores_by_model(table, COLUMNS, "dsc")


EDGES = [
    (float(np.nextafter(np.float32(1), np.float32(2))), 1.0),
    (float(np.nextafter(1.0, 2.0)), 1.0),
    (1.0 + 1e-6, 1.0),
    (-1e-7, 0.0),
    (-0.0, 0.0),
]


@pytest.mark.parametrize(("score", "read"), EDGES)
@pytest.mark.parametrize("kind", [float, str, object])
def test_a_score_that_rounding_took_outside_counts_as_its_end(score: float, read: float, kind: type):
    wide = pd.DataFrame({"subject_id": ["a"], "LV": pd.Series([score]).astype(kind)})

    for table in (wide, wide.rename(columns={"LV": "value"})):
        assert scores_by_model(table, COLUMNS, "dsc")[ONE_MODEL].loc["a"].tolist() == [read]


@pytest.mark.parametrize("score", [1.00001, 1.000002, 1.0009765625, -0.00001, 1.5])
def test_what_is_refused_is_quoted_as_it_is(score: float):
    wide = pd.DataFrame({"subject_id": ["a", "b"], "LV": [0.5, score]})

    with pytest.raises(InvalidScoresError, match=r"1 of 2 rows outside 0\.\.1") as error:
        scores_by_model(wide, COLUMNS, "dsc")
    assert repr(score) in str(error.value)


@pytest.mark.parametrize("ids", [["a ", "b"], pd.Categorical(["a", "b"]), [b"a", b"b"]])
def test_ids_of_scores_are_read_as_those_of_people(ids: object):
    found = scores_by_model(pd.DataFrame({"subject_id": ids, "LV": [0.5, 0.6]}), COLUMNS, "dsc")

    assert found[ONE_MODEL].index.tolist() == ["a", "b"]


@pytest.mark.parametrize("seeds", [[0, 1], ["0", "1"], [0.0, 1.0], pd.array([0, 1], dtype="Int64")])
def test_seeds_have_one_name_whatever_their_type(seeds: object):
    table = pd.DataFrame({"subject_id": ["a", "a"], "seed": seeds, "LV": [0.5, 0.6]})

    assert scores_by_model(table, COLUMNS, "dsc")[ONE_MODEL].columns.tolist() == ["0", "1"]
