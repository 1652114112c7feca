"""The cohort's report on a fresh clone: nothing is trained for it, and torch is not even loaded."""

from __future__ import annotations

import pandas as pd

from tests.studies import Project

RUN = """
import sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", "run", "--pipelines", "cohort_report"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("heavy:", [name for name in ("torch", "monai") if name in sys.modules])
"""
TABLES = ["checks", "counts", "geometry", "measures", "missing", "pairs", "power", "quarantined"]


def test_describes_the_embedded_cohort_without_training_and_then_has_nothing_to_do(tiny_project: Project):
    project = tiny_project

    first = project.python("-c", RUN)

    assert first.returncode == 0, first.stderr
    assert "heavy: []" in first.stdout
    assert "WARN   test subjects of every group" in first.stdout
    assert "cohort_report: data/embedded/08_reporting/cohort_report.html" in first.stdout
    folder = project.data / "08_reporting"
    assert sorted(path.stem for path in (folder / "cohort").glob("*.csv")) == TABLES
    assert "</html>" in (folder / "cohort_report.html").read_text()
    assert not (project.data / "05_model_input" / "tensors").exists()
    assert not (project.data / "06_models").exists()
    # phantoms differ as people do
    assert pd.read_csv(folder / "cohort" / "pairs.csv").empty
    before = project.contents()

    again = project.python("-c", RUN)

    assert again.returncode == 0, again.stderr
    assert "WARN   test subjects of every group" in again.stdout
    assert project.contents() == before
