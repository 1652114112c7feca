"""What a model missed or invented is counted, whatever the table is called."""

import numpy as np
import pandas as pd

from faircmr.fairness.audit import AuditColumns, MaskLabels, audit, score_masks
from faircmr.fairness.audit.tables import failure_notes
from tests.fairness.audit.tables import PARAMETERS, as_long, people, scored
from tests.fairness.audit.test_masks import LVBP, pairs
from tests.fairness.metrics.volumes import empty

COLUMNS = AuditColumns()


def flags(model: str, missed: list[int], invented: list[int]) -> pd.DataFrame:
    names = ["missed"] * len(missed) + ["invented"] * len(invented)
    return pd.DataFrame({"model": model, "metric": names, "value": [*missed, *invented]})


def test_every_model_that_failed_has_a_sentence():
    table = pd.concat([flags("old", [1, 0, 1], [0]), flags("new", [0, 0], [0, 1]), flags("best", [0], [0])])

    assert list(failure_notes(table, COLUMNS)) == [
        "old: 2 of 3 drawn structures were missed, and 0 of 1 that nobody drew were invented; each of them scores 0.",
        "new: 0 of 2 drawn structures were missed, and 1 of 2 that nobody drew were invented; each of them scores 0.",
    ]


def test_masks_of_one_model_need_no_name():
    table = score_masks(pairs(a_ED=(empty(), LVBP), b_ED=(LVBP, LVBP)), MaskLabels()).scores

    (note,) = failure_notes(table, COLUMNS)

    assert note.startswith("1 of 2 drawn structures were missed, and 0 of 0 that nobody drew")
    assert table.query("metric == 'dsc'")["value"].tolist() == [0.0, 1.0]


def test_columns_may_have_other_names():
    table = flags("old", [1], []).rename(columns={"model": "who", "metric": "what", "value": "how_much"})

    assert len(list(failure_notes(table, AuditColumns(model="who", metric="what", value="how_much")))) == 1


def test_a_table_that_counts_none_says_nothing():
    assert list(failure_notes(pd.DataFrame({"subject_id": ["a"], "lv": [0.0]}), COLUMNS)) == []
    assert list(failure_notes(pd.DataFrame({"metric": ["dsc"], "value": [0.0]}), COLUMNS)) == []


def test_the_audit_says_it_beside_its_tables():
    subjects = people()
    dice = as_long({"ours": scored(subjects)}).assign(metric="dsc")
    missed = dice.assign(metric="missed", value=np.resize([1.0, 0.0], len(dice)))
    demographics = subjects.reset_index()

    notes = audit(pd.concat([dice, missed]), demographics, PARAMETERS).notes

    assert notes[0].startswith("ours: 41 of 82 drawn structures were missed")
    assert audit(dice, demographics, PARAMETERS).notes == notes[1:]
