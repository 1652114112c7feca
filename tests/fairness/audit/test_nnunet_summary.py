"""nnU-Net's summary becomes a long table; the form is that of nnU-Net v2.8.1's ``compute_metrics_on_folder``."""

import json

import pandas as pd
import pytest

from faircmr.core import InvalidScoresError
from faircmr.fairness.audit import AuditColumns, scores_of_summary
from faircmr.fairness.audit.score_table import scores_by_model

COLUMNS = AuditColumns()


def case(name: str, **dice: float) -> dict[str, object]:
    metrics = {label.removeprefix("l"): {"Dice": value, "IoU": value / 2, "FN": 3.0} for label, value in dice.items()}
    return {"metrics": metrics, "prediction_file": f"/out/{name}.nii.gz", "reference_file": f"/labels/{name}.nii.gz"}


def summary(*cases: dict[str, object]) -> bytes:
    return json.dumps({"foreground_mean": {"Dice": 0.9}, "mean": {}, "metric_per_case": list(cases)}).encode()


def test_gives_a_row_a_case_and_label_that_has_a_dice():
    content = summary(case("patient001_ED", l1=0.9, l2=0.7), case("patient001_ES", l1=0.8, l2=float("nan")))

    table = scores_of_summary(content)

    assert table[["structure", "value"]].to_numpy().tolist() == [["1", 0.9], ["2", 0.7], ["1", 0.8]]
    assert set(table["metric"]) == {"dsc"}
    assert scores_by_model(table, COLUMNS, "dsc")["model"].to_numpy().ravel() == pytest.approx([0.8])


def version_1(*cases: dict[str, object]) -> bytes:
    results = {"all": list(cases), "mean": {"1": {"Dice": 0.5}}}
    return json.dumps({"name": "", "task": "Task027_ACDC", "author": "Fabian", "results": results}).encode()


def case_of_version_1(name: str, **dice: float) -> dict[str, object]:
    metrics = {label.removeprefix("l"): {"Accuracy": 0.99, "Dice": value} for label, value in dice.items()}
    return {**metrics, "test": f"/out/{name}.nii.gz", "reference": f"/labelsTs/{name}.nii.gz"}


def test_a_summary_of_version_1_gives_the_same_table_without_the_background():
    first = {"l1": 0.9, "l2": 0.7}, {"l1": 0.8, "l2": float("nan")}
    names = "patient001_ED", "patient001_ES"

    old = version_1(*(case_of_version_1(name, l0=0.999, **dice) for name, dice in zip(names, first, strict=True)))
    new = summary(*(case(name, **dice) for name, dice in zip(names, first, strict=True)))

    pd.testing.assert_frame_equal(scores_of_summary(old), scores_of_summary(new))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_fault(encoding: str):
    content = summary(case("a", l1=0.9))

    assert scores_of_summary(content.decode().encode(encoding)).equals(scores_of_summary(content))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b"[1]", b"\xff", b"null"),
        *(b'{"metric_per_case": [{"metrics": 3}]}', b'{"results": {"all": [{"1": {"Dice": 1}}]}}', b'{"results": []}'),
        b'{"results": {"all": [{"1": {"Dice": ' + b"8" * 400 + b'}, "test": "a.nii.gz"}]}}',
    ],
)
def test_refuses_what_is_no_summary(content: bytes):
    with pytest.raises(
        InvalidScoresError, match=r"unreadable, or without scores of cases; .*metric_per_case.*results\.all"
    ):
        scores_of_summary(content)


def test_refuses_a_summary_without_a_score():
    with pytest.raises(InvalidScoresError, match="no case has a Dice"):
        scores_of_summary(summary(case("a", l1=float("nan"))))
