"""What a study costs by its size: the arithmetic of the measurements, the simulated cohorts, and one tiny campaign."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.reliability import scale, scale_cohorts, scale_runs
from benchmarks.reliability.scale_runs import Cost, Workplace, measure_study, measured
from benchmarks.reliability.scale_steps import Size, steps_of
from faircmr.core.scans import Phase
from faircmr.sources import build_cohort, first_paths
from faircmr.sources.nnunet import NnunetParameters, NnunetRaw
from tests.studies import Project

SIZES = (100, 1000, 5903, 100_000)
WORKED = f"sum(number * number for number in range({scale_runs.WORK}))"


@given(fixed=st.floats(0.0, 100.0), each=st.floats(0.001, 10.0))
def test_costs_on_a_line_have_the_exponent_1(fixed: float, each: float):
    line = {count: fixed + each * count for count in SIZES}

    assert scale.exponents(line) == pytest.approx([1.0, 1.0])
    assert scale.exponent(line) == pytest.approx(1.0)
    assert scale.slope(line) == pytest.approx(each)


@given(fixed=st.floats(0.0, 100.0), power=st.floats(1.1, 2.0))
def test_costs_that_grow_faster_have_more(fixed: float, power: float):
    costs = {count: fixed + count**power for count in SIZES}

    assert all(1.05 < one <= power for one in (*scale.exponents(costs), scale.exponent(costs)))


def test_a_cohort_that_costs_no_more_than_the_smallest_has_no_exponent():
    costs = {100: 5.0, 1000: 4.0, 5903: 9.0}

    assert scale.exponents(costs) == [pytest.approx(float("nan"), nan_ok=True)]
    assert math.isnan(scale.exponent(costs))
    assert math.isnan(scale.exponent({100: 5.0, 1000: 9.0})), "a line has two points"


def test_a_size_that_was_not_measured_leaves_its_cell_empty(tmp_path: Path):
    place = Workplace(tmp_path)
    small, large = Size(100), Size(1000, images=False)
    for size, step in [(small, scale.WORK[0]), (large, scale.WORK[0]), (small, scale.WORK[1])]:
        scale_runs.keep(place.record(size, 0, step), Cost(cpu=2.0, wall=3.0, peak=float(size.subjects), pace=0.01), {})
    found = scale.Found(place, [small, large], repeats=1)

    assert found.figures(scale.WORK[0], "peak") == {100: 100.0, 1000: 1000.0}
    assert found.figures(scale.WORK[1], "cpu") == {100: 2.0}


def test_of_repeats_the_least_seconds_the_median_work_and_the_most_memory_count(tmp_path: Path):
    place, size = Workplace(tmp_path), Size(100)
    for repeat, cost in enumerate(
        [Cost(2.0, 9.0, 50.0, 0.01), Cost(3.0, 4.0, 70.0, 0.015), Cost(2.0, 5.0, 60.0, 0.005)]
    ):
        scale_runs.keep(place.record(size, repeat, scale.WORK[0]), cost, {})
    found = scale.Found(place, [size], repeats=3)

    figures = [found.figures(scale.WORK[0], what)[100] for what in ("cpu", "wall", "peak", "work")]
    assert figures == pytest.approx([2.0, 4.0, 70.0, 200.0])


def test_a_simulated_cohort_is_one_that_the_source_reads(tmp_path: Path):
    scale_cohorts.write_cohort(tmp_path / "cohort", subjects=110, pixels=32)
    source = NnunetRaw(tmp_path / "cohort" / scale_cohorts.DATASET, NnunetParameters())
    source.prepare(tmp_path)
    files = source.scan_files()
    ids = sorted(first_paths(files, source.rejected(), tmp_path))
    cohort = build_cohort(source, pd.DataFrame({"subject_id": ids, "source_id": ids}))

    assert len(cohort.subjects) == 110
    assert len(cohort.scans) == 220
    assert cohort.scans["labelled"].all()
    assert set(cohort.subjects["group"]) == set(scale_cohorts.SHARES)
    scan = cohort.read(ids[61], Phase.ES)
    assert scan.label is not None
    assert set(scan.label.ravel()) == {0, 1, 2, 3}
    assert {path.stat().st_nlink for path in source._folder.glob("imagesTr/*")} == {2, 3}


def test_what_was_measured_is_not_measured_again_and_what_was_cut_off_begins_anew(tmp_path: Path, monkeypatch):
    place, size, ran = Workplace(tmp_path), Size(10, images=False, evaluated=False), []

    def one(command: list[str], project: Project) -> Cost:
        ran.append(command[command.index("--pipelines") + 1])
        if len(ran) == 2:
            raise KeyboardInterrupt
        place.study(size, 0).mkdir(parents=True, exist_ok=True)
        return Cost(1.0, 1.0, 1.0, 1.0)

    monkeypatch.setattr(scale_runs, "measured", one)
    monkeypatch.setattr(scale_runs, "written", lambda _what, folder, *_sizes: Path(folder).mkdir(parents=True))
    with pytest.raises(KeyboardInterrupt):
        measure_study(place, size, 0, tmp_path)
    (place.study(size, 0) / "left over").touch()

    measure_study(place, size, 0, tmp_path)
    assert not (place.study(size, 0) / "left over").exists()
    assert len(ran) == 2 + len(steps_of(size))

    measure_study(place, size, 0, tmp_path)
    assert len(ran) == 2 + len(steps_of(size))


def test_memory_is_that_of_the_command_and_a_command_that_fails_ends_the_campaign(tmp_path: Path):
    project = Project(tmp_path)

    assert measured([sys.executable, "-c", "held = bytearray(2**30 - 1) + b'.'"], project).peak > 1024
    assert measured([sys.executable, "-c", f"for _ in range(20): {WORKED}"], project).work > 10
    with pytest.raises(SystemExit, match="ended with 3"):
        measured([sys.executable, "-c", "raise SystemExit(3)"], project)


@pytest.mark.slow
@pytest.mark.alone
def test_a_tiny_campaign(tmp_path: Path, monkeypatch, capsys):
    arguments = ["--subjects", "80", "110", "--tables", "140", "--larger-scans", "80", "48", "--repeats", "1"]
    monkeypatch.setattr(sys, "argv", ["scale", "--folder", str(tmp_path / "scale"), *arguments])

    scale.main()

    rows = {line.split(" | ")[0].strip("| "): line for line in capsys.readouterr().out.splitlines() if line}
    assert {"index", "tensors", "scoring", "evaluation", "index again", "tensors again", "scoring again"} <= rows.keys()
    place = Workplace(tmp_path / "scale")
    for step in scale.AGAIN:  # nothing was done
        record = place.record(Size(110), 0, step)
        assert '"seconds of nodes": {}' in record.read_text()
    assert (
        pd.read_parquet(place.study(Size(110), 0) / "07_model_output/baseline/scores.parquet")["subject_id"].nunique()
        == 110
    )
    table2 = pd.read_csv(place.study(Size(140, images=False), 0) / "08_reporting" / "table2.csv")
    assert set(table2["strategy"]) == {"baseline", "stratified"}
