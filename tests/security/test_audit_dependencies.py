"""Known vulnerabilities of pinned versions are found in advisories of the OSV schema, without a network.

Fields and the evaluation of ranges: https://ossf.github.io/osv-schema/. The advisories are invented.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

PINNED = "# written by make constraints\nSome_Package==1.5.0\nother==2.0\n"
Event = dict[str, str]


def advisory(*events: Event, **changes: Any) -> dict[str, Any]:
    """One of some-package, affected between the events."""
    affected = {
        "package": {"ecosystem": "PyPI", "name": "some-package"},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    told = {"id": "PYSEC-2000-1", "aliases": ["CVE-2000-0001"], "summary": "Runs what it reads"}
    return {**told, "modified": "2000-01-01T00:00:00Z", "affected": [{**affected, **changes}]}


def audit(project_root: Path, export: Path, pinned: str = PINNED) -> subprocess.CompletedProcess[str]:
    constraints = export.parent / "constraints.txt"
    constraints.write_text(pinned)
    command = [sys.executable, str(project_root / "tools" / "audit_dependencies.py"), str(export)]
    command += ["--constraints", str(constraints)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    return folder


def write(export: Path, *advisories: dict[str, Any]) -> None:
    for number, content in enumerate(advisories):
        (export / f"{number}.json").write_text(json.dumps(content))


AFFECTED = {
    "from the beginning": [{"introduced": "0"}],
    "up to a later fix": [{"introduced": "0"}, {"fixed": "1.5.1"}],
    "from this very version": [{"introduced": "1.5.0"}, {"fixed": "2"}],
    "up to this very version": [{"introduced": "0"}, {"last_affected": "1.5.0"}],
    "of this version alone": [{"introduced": "1.5"}, {"last_affected": "1.5"}],
    "fixed and broken again": [{"introduced": "0"}, {"fixed": "1.1"}, {"introduced": "1.4"}, {"fixed": "1.6"}],
    "in any order": [{"fixed": "1.6"}, {"introduced": "1.4"}, {"fixed": "1.1"}, {"introduced": "0"}],
    "after a candidate of it": [{"introduced": "1.5.0rc1"}],
    "what cannot be compared": [{"introduced": "from the first"}],
}
NOT_AFFECTED = {
    "fixed in this version": [{"introduced": "0"}, {"fixed": "1.5.0"}],
    "introduced later": [{"introduced": "1.5.0.post1"}],
    "between two ranges": [{"introduced": "0"}, {"fixed": "1.5"}, {"introduced": "1.6"}],
    "last affected before": [{"introduced": "1.4.9"}, {"last_affected": "1.4.9"}],
    "nothing": [],
}


@pytest.mark.parametrize("events", AFFECTED.values(), ids=AFFECTED)
def test_an_affected_version_is_told_in_one_line(project_root: Path, export: Path, events: list[Event]):
    write(export, advisory(*events))

    done = audit(project_root, export)

    assert done.returncode == 1
    line, last = done.stderr.strip().splitlines()
    assert line.startswith("some-package 1.5.0: PYSEC-2000-1 CVE-2000-0001; fixed in ")
    assert line.endswith("; Runs what it reads")
    assert last == "Error: 1 known vulnerabilities; move on to versions without them"


@pytest.mark.parametrize("events", NOT_AFFECTED.values(), ids=NOT_AFFECTED)
def test_another_version_is_not(project_root: Path, export: Path, events: list[Event]):
    write(export, advisory(*events))

    done = audit(project_root, export)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "None of 1 advisories is about one of 2 pinned versions\n"


def test_versions_that_are_listed_count_beside_ranges(project_root: Path, export: Path):
    write(export, advisory(ranges=[], versions=["1.4", "unreadable", "1.5"]))

    assert audit(project_root, export).returncode == 1


def test_a_withdrawn_one_and_those_of_others_do_not_count(project_root: Path, export: Path):
    always = {"introduced": "0"}
    write(
        export,
        {**advisory(always), "withdrawn": "2000-01-02T00:00:00Z"},
        advisory(always, package={"ecosystem": "npm", "name": "some-package"}),
        advisory(always, package={"ecosystem": "PyPI", "name": "some-package-of-another"}),
        advisory(ranges=[{"type": "GIT", "repo": "https://example.org", "events": [{"introduced": "0"}]}]),
    )

    assert audit(project_root, export).returncode == 0


def test_a_zip_is_read_as_it_is_offered(project_root: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-2000-1.json", json.dumps(advisory({"introduced": "0"}, {"fixed": "1.9"})))

    done = audit(project_root, tmp_path / "all.zip")

    assert "fixed in 1.9" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("0.json", "{", "0.json: damaged; an advisory in the OSV schema; get the export anew"),
        ("0.json", "[]", "0.json: damaged; an advisory in the OSV schema; get the export anew"),
        ("0.txt", "", "export: no advisory; advisories of PyPI in the OSV schema; get PyPI/all.zip from osv.dev"),
    ],
)
def test_an_export_that_says_nothing_is_no_clean_bill(
    project_root: Path, export: Path, name: str, content: str, said: str
):
    (export / name).write_text(content)

    done = audit(project_root, export)

    assert (done.returncode, done.stderr) == (1, f"Error: {said}\n")


def test_a_version_that_is_not_pinned_cannot_be_judged(project_root: Path, export: Path):
    write(export, advisory({"introduced": "0"}))

    done = audit(project_root, export, "some-package>=1\n")

    assert done.stderr == "Error: constraints.txt: some-package>=1; one version, name==1.2.3; make constraints\n"


def test_the_projects_own_constraints_can_be_judged(project_root: Path, export: Path):
    write(export, advisory({"introduced": "0"}))

    done = audit(project_root, export, (project_root / "constraints.txt").read_text())

    assert done.returncode == 0, done.stderr
