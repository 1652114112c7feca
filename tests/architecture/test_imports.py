"""Imports point downward only, and what is heavy is imported where it is used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.studies import TWO, Project

HEAVY = ("torch", "monai", "nibabel", "scipy.stats", "pingouin", "matplotlib", "plotly", "seaborn")
LOADED = f"import sys; print('heavy:', [name for name in {HEAVY!r} if name in sys.modules])"
RESOLVE = """
import typing
from faircmr.pipeline_registry import register_pipelines
for pipeline in register_pipelines().values():
    for node in pipeline.nodes:
        typing.get_type_hints(node.func)
"""
RUN = f"""
import sys
from kedro.framework.cli.cli import main
sys.argv = ["kedro", "run", "--pipelines", "{",".join(TWO)}"]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


def test_the_import_contracts_hold(project_root: Path):
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(is_debug_mode=False))"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=project_root,
        env={"PATH": "", "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_type_hints_of_all_nodes_resolve_without_anything_heavy(project_root: Path):
    result = Project(project_root).python("-c", RESOLVE + LOADED)

    assert result.returncode == 0, result.stderr
    assert "heavy: []" in result.stdout


def test_a_run_with_nothing_to_do_loads_nothing_heavy(finished_project: Project):
    before = finished_project.contents()

    result = finished_project.python("-c", RUN + LOADED)

    assert result.returncode == 0, result.stderr
    assert "heavy: []" in result.stdout
    assert finished_project.contents() == before


@pytest.mark.parametrize("package", ["core", "fairness", "mitigation", "segmentation", "sources"])
def test_science_can_be_used_without_kedro(project_root: Path, package: str):
    script = f"import sys, faircmr.{package}; assert 'kedro' not in sys.modules"

    assert Project(project_root).python("-c", script).returncode == 0
