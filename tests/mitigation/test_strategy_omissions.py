"""Omissions of a strategy, counted from its tables with the texts that its nodes log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd
import pytest

from faircmr.core import omissions_in, strategy_step
from faircmr.core.scans import Phase, PredictionKey
from faircmr.mitigation import StrategyParameters, StrategyTables, strategy_omissions
from faircmr.segmentation.localiser import HeartLocation, roi_table

GROUPS = {"sub-0001": "A", "sub-0002": "A", "sub-0003": "B", "sub-0004": "A", "sub-0005": "B", "sub-0006": "C"}
SPLIT = dict(zip(GROUPS, ["train", "train", "validation", "test", "test", "test"], strict=True))
TESTED = [subject for subject, split in SPLIT.items() if split == "test"]


def tables(**changes: pd.DataFrame) -> StrategyTables:
    """A study of six subjects, both phases labelled, full images, no classifier."""
    subjects = pd.DataFrame(
        {"subject_id": list(GROUPS), "protected_group": list(GROUPS.values()), "sex": ["F", "M"] * 3}
    )
    splits = pd.DataFrame({"subject_id": list(SPLIT), "split": list(SPLIT.values())})
    scans = pd.DataFrame([(one, str(phase), True) for one in GROUPS for phase in Phase])
    chosen = splits[splits["split"] != "test"].merge(subjects, on="subject_id")
    whole = StrategyTables(
        scans=scans.set_axis(["subject_id", "phase", "labelled"], axis="columns"),
        subjects=subjects,
        splits=splits,
        training_cohort=chosen,
        rois=roi_table([]),
        group_predictions=pd.DataFrame(),
    )
    return replace(whole, **changes)


def predictions(*seeds: int, fold: int | None = None) -> list[PredictionKey]:
    return [
        PredictionKey(seed, fold, subject, phase) for seed in seeds or (0,) for subject in TESTED for phase in Phase
    ]


def told(study: StrategyTables, keys: list[PredictionKey], **choices: Any) -> list[str]:
    table = strategy_omissions(study, keys, StrategyParameters(name="ours", **choices))
    assert table["step"].eq(strategy_step("ours")).all()
    return [str(one) for some in omissions_in(table).values() for one in some]


@pytest.mark.parametrize("seeds", [(0,), (0, 1, 2)])
def test_of_a_strategy_that_predicts_and_scores_everybody_nothing_is_said_but_that_it_was_asked(seeds):
    table = strategy_omissions(tables(), predictions(*seeds), StrategyParameters(name="ours"))

    assert table[["what", "count", "total"]].to_numpy().tolist() == [["test scans", 0, 6]]
    assert omissions_in(table) == {}


@pytest.mark.parametrize("seeds", [(0,), (0, 1)])
def test_scans_without_a_reference_are_counted_once_whatever_the_number_of_seeds(seeds):
    study = tables()
    scans = study.scans.assign(labelled=study.scans["subject_id"] != TESTED[0])

    assert told(replace(study, scans=scans), predictions(*seeds)) == [
        "2 of 6 predicted scans are not scored: no reference label"
    ]


def test_references_without_a_prediction_are_counted():
    assert told(tables(), predictions()[1:]) == ["1 of 6 test scans are not predicted: no prediction was made"]


def test_folds_that_were_not_run_are_the_reason_of_their_subjects():
    study = tables()
    folds = [
        study.splits.assign(fold=0),
        study.splits.assign(fold=1, split=["test"] * 3 + ["train", "train", "validation"]),
    ]
    cohort = study.training_cohort.assign(fold=0)

    messages = told(replace(study, splits=pd.concat(folds), training_cohort=cohort), predictions(fold=0))

    assert messages == ["6 of 12 test scans are not predicted: fits.folds leaves out fold 1"]


def test_hearts_that_were_not_located_are_counted_by_reason():
    found = [HeartLocation("sub-0004", None, "nothing found"), HeartLocation("sub-0005", None, "too large")]
    rois = roi_table([(None, one) for one in found])

    assert told(tables(rois=rois), predictions()) == [
        "1 of 2 subjects are segmented on the full image: heart not located (nothing found)",
        "1 of 2 subjects are segmented on the full image: heart not located (too large)",
    ]


@pytest.mark.parametrize(
    ("unknown", "how"), [("shared", "by the shared model"), ("posterior", "by all groups' models, weighed")]
)
def test_groups_without_a_model_and_their_test_subjects_are_counted(unknown: str, how: str):
    objective = {"objective": "fair_meta_learning"} if unknown == "posterior" else {}
    stages = {"kind": "protected_groups", "unknown_group": unknown}

    assert told(tables(), predictions(), stages=stages, **objective) == [
        "1 of 2 protected groups are without a model of their own: no subject to train on (B)",
        f"2 of 3 predicted subjects are segmented {how}: they belong to no group with a model of its own",
    ]


def test_places_of_a_balanced_cohort_that_another_value_fills_are_counted():
    study = tables()
    # three of each group, and no man in one of them
    people = study.subjects.assign(sex=["F", "F", "M", "F", "F", "M"], protected_group=list("AABABB"))
    everybody = study.splits.assign(split="train")
    cohort = {"kind": "balanced", "within": ["sex"], "too_few": "relax"}

    (message,) = told(replace(study, subjects=people, splits=everybody), [], cohort=cohort)

    assert message.startswith("1 of 6 places in the balanced cohort are filled with another value of sex: ")


def test_test_subjects_that_the_classifier_does_not_know_are_counted():
    classified = pd.DataFrame({"subject_id": TESTED[:2] * 2})

    assert told(tables(group_predictions=classified), predictions()) == [
        "1 of 3 test subjects are not classified: no subject of their group was trained on"
    ]
