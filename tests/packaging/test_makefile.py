"""``make run`` and ``make test`` need no step before them, can be repeated, and survive being cut off.

The environment's Python is a script that writes down what it is asked, so that nothing is installed here;
``test_clone.py`` does it with a real one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.packaging.fake_python import write_python, write_script, write_working_python

TOOLS = ("cat", "cp", "id", "make", "mkdir", "rm", "sed", "sh")
OWN_VERSION = "{}.{}".format(*sys.version_info[:2])
OF_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHON", "ARGS", "ACDC", "FAIL_AT")


@dataclass(frozen=True)
class Machine:
    """A clone in a folder with spaces, on a machine that has a few tools and the Pythons put there."""

    folder: Path
    clone: Path

    @property
    def programs(self) -> Path:
        return self.folder / "programs"

    @property
    def log(self) -> Path:
        return self.folder / "log of the environment"

    @property
    def stamp(self) -> Path:
        return self.clone / ".venv" / ".installed"

    def make(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        inherited = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
        return subprocess.run(
            ["make", *arguments],
            cwd=self.clone,
            env={**inherited, "PATH": str(self.programs), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def log_of(self, *arguments: str, **environment: str) -> list[str]:
        """What one make asked of the environment, in order, without the probe that it works."""
        self.log.write_text("")
        self.make(*arguments, **environment)
        return [line for line in self.log.read_text().splitlines() if line.strip() != "-c"]


@pytest.fixture
def machine(tmp_path: Path, project_root: Path) -> Machine:
    """A machine without any Python."""
    machine = Machine(tmp_path, tmp_path / "a clone with spaces")
    machine.clone.mkdir()
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(project_root / name, machine.clone)
    shutil.copytree(project_root / "tools", machine.clone / "tools")
    machine.programs.mkdir()
    for tool in TOOLS:
        (machine.programs / tool).symlink_to(shutil.which(tool) or tool)
    return machine


@pytest.fixture
def working(machine: Machine) -> Machine:
    write_working_python(machine.programs / "python3", machine.log)
    return machine


# --- Python is checked first ---


@pytest.mark.parametrize("target", ["run", "test", "acdc"])
@pytest.mark.parametrize(
    ("pythons", "line"),
    [
        ({}, "no Python 3.11 or newer was found; run: {sudo}apt-get install python3 python3-venv "),
        (
            {"python3": "old"},
            "Python 3.9 is too old, 3.11 is the oldest that works; run: {sudo}apt-get install python3.11 ",
        ),
        (
            {"python3": "old", "python3.12": "without_ensurepip"},
            "Python {own} has no ensurepip; run: {sudo}apt-get install python{own}-venv ",
        ),
    ],
    ids=["no Python", "too old", "no ensurepip"],
)
def test_says_in_one_line_what_mends_a_missing_python(machine: Machine, pythons: dict, line: str, target: str):
    for name, kind in pythons.items():
        write_python(machine.programs / name, kind)

    result = machine.make(target)

    errors = [text for text in result.stderr.splitlines() if not text.startswith("make: ***")]
    assert result.returncode != 0
    assert len(errors) == 1
    assert errors[0].startswith("Error: " + line.format(own=OWN_VERSION, sudo="" if os.geteuid() == 0 else "sudo "))
    assert not (machine.clone / ".venv").exists()


def found_by(machine: Machine, *arguments: str) -> str:
    command = ["sh", "tools/find_python", *arguments]
    path = {"PATH": str(machine.programs)}
    return subprocess.run(
        command, cwd=machine.clone, env=path, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_looks_past_a_python3_that_is_too_old(machine: Machine):
    write_python(machine.programs / "python3", "old")
    write_python(machine.programs / "python3.12", "new")

    assert found_by(machine) == "python3.12"


def test_looks_past_a_python_without_ensurepip(machine: Machine):
    write_python(machine.programs / "python3.11", "without_ensurepip")
    write_python(machine.programs / "python3", "new")

    assert found_by(machine) == "python3"


def test_looks_past_a_name_that_a_version_manager_cannot_start(machine: Machine):
    write_script(machine.programs / "python3.11", "#!/bin/sh\necho 'command not found' >&2; exit 127\n")
    write_python(machine.programs / "python3.13", "new")

    assert found_by(machine) == "python3.13"


def test_a_python_that_is_named_is_the_only_one_considered(working: Machine):
    write_python(working.folder / "my pythons" / "old", "old")
    write_working_python(working.folder / "my pythons" / "good", working.log)

    assert "3.9 is too old" in working.make("install", f"PYTHON={working.folder / 'my pythons' / 'old'}").stderr
    assert working.make("install", f"PYTHON={working.folder / 'my pythons' / 'good'}").returncode == 0
    assert working.stamp.exists()


# --- set up once, then only what was asked ---


INSTALLATION = [
    "-m pip --disable-pip-version-check install --quiet --upgrade -c constraints.txt pip setuptools",
    "-m pip --disable-pip-version-check install --no-build-isolation -c constraints.txt -e .[dev]",
]
ANEW = ["venv .venv", *INSTALLATION]


def test_the_first_run_sets_up_and_runs_the_study(working: Machine):
    assert working.log_of("run") == [*ANEW, "-m kedro run"]


def test_the_second_run_only_runs_the_study(working: Machine):
    working.make("run")

    assert working.log_of("run") == ["-m kedro run"]


def test_the_tests_come_after_every_lint(working: Machine):
    tools = " ".join(sorted(f"tools/{path.name}" for path in working.clone.glob("tools/*.py")))
    assert working.log_of("test") == [
        *ANEW,
        "-m ruff check",
        "-m ruff format --check",
        "-m mypy",
        f"-m mypy benchmarks/*.py benchmarks/nnunet/*.py {tools}",
        "-m mypy -p benchmarks.reliability",
        "",
        "tools/check_ids.py",
        "-m pytest -m not slow -n 2 --dist loadfile --no-loadscope-reorder",
    ]


def test_a_lint_that_fails_fails_the_tests(working: Machine):
    assert working.make("test", FAIL_AT="mypy").returncode != 0
    assert working.make("test").returncode == 0


def test_arguments_are_handed_on(working: Machine):
    working.make("install")

    assert working.log_of("run", "ARGS=--pipelines stratified") == ["-m kedro run --pipelines stratified"]
    compared = "--pipelines baseline,stratified,evaluation,reporting"
    assert working.log_of("acdc", "ACDC=/scans of/acdc") == [
        f"-m kedro run --env acdc --params source_root=/scans of/acdc {compared}"
    ]
    assert working.log_of("acdc", "ACDC=/scans", "ARGS=--pipelines paper") == [
        "-m kedro run --env acdc --params source_root=/scans --pipelines paper"
    ]


# --- cut off half-way ---


@pytest.mark.parametrize("step", ["install --quiet", "install --no-build"])
def test_an_installation_that_was_cut_off_is_made_anew(working: Machine, step: str):
    assert working.make("run", FAIL_AT=step).returncode != 0
    (working.clone / ".venv" / "half a package").touch()

    assert working.log_of("run") == [*ANEW, "-m kedro run"]
    assert not (working.clone / ".venv" / "half a package").exists()


@pytest.mark.parametrize("content", [None, ""], ids=["never written", "written in part"])
def test_an_environment_without_its_stamp_is_made_anew(working: Machine, content: str | None):
    working.make("install")
    working.stamp.unlink() if content is None else working.stamp.write_text(content)

    assert working.log_of("install") == ANEW


def test_an_update_that_was_cut_off_is_made_anew(working: Machine):
    working.make("install")
    os.utime(working.clone / "constraints.txt", (2**32, 2**32))
    working.make("install", FAIL_AT="install --no-build")
    os.utime(working.clone / "constraints.txt", (0, 0))

    assert working.log_of("install") == ANEW


def test_a_study_that_was_cut_off_needs_no_new_installation(working: Machine):
    working.make("run", FAIL_AT="kedro")

    assert working.log_of("run") == ["-m kedro run"]


@pytest.mark.parametrize("changed", ["pyproject.toml", "constraints.txt"])
def test_changed_requirements_are_installed_into_the_same_environment(working: Machine, changed: str):
    working.make("install")
    later = working.stamp.stat().st_mtime + 5
    os.utime(working.clone / changed, (later, later))

    assert working.log_of("install") == INSTALLATION


def test_a_clone_that_was_moved_is_set_up_anew(working: Machine):
    working.make("install")
    moved = replace(working, clone=working.folder / "another name")
    working.clone.rename(moved.clone)

    assert moved.log_of("install") == ANEW


def test_an_environment_whose_python_is_gone_is_made_anew(working: Machine):
    working.make("install")
    write_script(working.clone / ".venv" / "bin" / "python", "#!/no/such/interpreter\n")

    assert working.log_of("install") == ANEW


def test_cleaning_leaves_studies_alone(working: Machine):
    working.make("install")
    result = working.clone / "data" / "embedded" / "08_reporting" / "table2.csv"
    result.parent.mkdir(parents=True)
    result.touch()

    working.make("clean")

    assert result.exists()
    assert not (working.clone / ".venv").exists()
