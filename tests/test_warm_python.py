"""A command that need not load the libraries does what it does in a Python of its own."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.studies import Project
from tests.warm_python import Command, run_warm

SHOW = """
import os, sys
import faircmr
print(faircmr.__doc__)
print(sys.argv[1:], os.getcwd(), os.environ.get("SHOWN"))
print("framework:", [name for name in sys.modules if name.startswith("kedro.framework")])
print("careful", file=sys.stderr)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def shown(tiny_project: Project) -> Command:
    (tiny_project.folder / "show.py").write_text(SHOW)
    source = str(tiny_project.folder / "src")
    return Command("show", ["3", "a b"], tiny_project.folder, {"PYTHONPATH": source, "SHOWN": "yes"})


def test_has_its_own_arguments_folder_variables_output_and_exit_code(shown: Command):
    done = run_warm(shown)

    assert done.returncode == 3
    assert done.stderr == "careful\n"
    assert f"['3', 'a b'] {shown.folder} yes" in done.stdout


def test_nothing_that_reads_a_project_is_loaded_before_it_is_in_its_folder(shown: Command):
    assert "framework: []" in run_warm(shown).stdout


def test_a_source_that_was_edited_is_the_one_that_is_run(shown: Command):
    package = shown.folder / "src" / "faircmr" / "__init__.py"
    assert "Nothing is" not in run_warm(shown).stdout
    package.write_text('"""Nothing is as it was."""\n')

    assert "Nothing is as it was." in run_warm(shown).stdout


def test_an_error_that_nobody_expects_ends_with_a_traceback_and_1(shown: Command):
    done = run_warm(Command("show", ["no number"], shown.folder, shown.environment))

    assert done.returncode == 1
    assert "ValueError" in done.stderr


def test_a_command_is_that_of_a_python_of_its_own(tiny_project: Project):
    arguments = ("run", "--params", "trainig.epochs=3")

    warm, cold = tiny_project.kedro(*arguments), tiny_project.python("-m", "kedro", *arguments)

    assert warm.returncode == cold.returncode == 1
    assert warm.stderr == cold.stderr
    assert without_times(warm.stdout) == without_times(cold.stdout)


def without_times(text: str) -> str:
    return re.sub(r"\[\d\d/\d\d/\d\d \d\d:\d\d:\d\d\]", " " * len("[11/24/26 12:37:24]"), text)


def test_this_process_stays_where_it_is(shown: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)

    run_warm(shown)

    assert Path.cwd() == tmp_path
    assert dict(os.environ) == before
