"""A study that is killed ends as if nothing had happened; ``make reliability`` does it a hundred times."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from benchmarks.reliability import kills
from benchmarks.reliability.comparison import broken_receipts, comparable, differences, vouched
from tests.studies import Project


@pytest.mark.slow
@pytest.mark.alone
def test_three_kills_change_nothing(tmp_path: Path):
    outcomes = kills.campaign(tmp_path, kills=3, seed=0)

    assert sum(len(one.kills) for one in outcomes) >= 3
    assert [one.differences for one in outcomes] == [[]] * len(outcomes)
    assert [one.broken for one in outcomes] == [[]] * len(outcomes)
    assert [one.repeated for one in outcomes] == [[]] * len(outcomes)
    assert [one.left for one in outcomes] == [[]] * len(outcomes)


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize(
    "damaged",
    [
        "06_models/baseline/seed-0/shared/weights.safetensors",
        "07_model_output/baseline/predictions.json",
        "08_reporting/table2.csv",
    ],
)
def test_a_changed_byte_would_be_found(finished_project: Project, damaged: str):
    before, path = comparable(finished_project.data), finished_project.data / damaged
    assert damaged in vouched(finished_project.data)
    content = path.read_bytes()

    path.write_bytes(content[:-2] + bytes([content[-2] ^ 1]) + content[-1:] if path.suffix != ".json" else b"[1]")
    assert differences(comparable(finished_project.data), before) == [damaged]

    path.write_bytes(content + b" ")
    assert len(broken_receipts(finished_project.data)) == 1

    path.unlink()
    assert differences(comparable(finished_project.data), before) == [damaged]


@pytest.mark.slow
@pytest.mark.alone
def test_what_cannot_be_alike_in_two_studies_is_left_out_and_nothing_else(finished_project: Project):
    before = comparable(finished_project.data)
    scores = finished_project.data / "07_model_output" / "baseline" / "scores.parquet"

    table = pd.read_parquet(scores)
    table.assign(study_key="another").to_parquet(scores)
    assert differences(comparable(finished_project.data), before) == []

    table.assign(value=table["value"] + 1e-15).to_parquet(scores)
    assert differences(comparable(finished_project.data), before) == ["07_model_output/baseline/scores.parquet"]
