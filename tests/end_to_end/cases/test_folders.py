"""Where a command is typed and how a path is written: nothing is written elsewhere, and nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.end_to_end.cases.inputs import write_people, write_scores
from tests.end_to_end.cases.place import Place
from tests.security.test_network import PROBE

pytestmark = pytest.mark.slow
PLAIN = {"scores.csv", "people.csv"}


@pytest.fixture(autouse=True)
def tables(place: Place) -> None:
    write_scores(place.inputs / "scores.csv")
    write_people(place.inputs / "people.csv")


@pytest.fixture
def home(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(place.folder))
    return place.folder


def test_a_tilde_in_data_root_is_the_home_folder(home: Path, place: Place):
    place.audit(data_root="~/own study").succeeds()

    assert (home / "own study" / "08_reporting" / "audit" / "report.html").is_file()
    assert not (place.project.folder / "~").exists()


def test_a_tilde_in_paths_of_inputs_is_the_home_folder(home: Path, place: Place):
    done = place.audit(audit_scores="~/inputs/scores.csv", audit_demographics="~/inputs/people.csv")

    assert done.audited("groups")["n"].tolist() == [12, 12]


@pytest.mark.parametrize("command", [("faircmr",), ("kedro", "run")], ids=" ".join)
def test_outside_a_project_nothing_is_written_and_nothing_is_sent(command: tuple[str, ...], place: Place):
    log = place.folder / "sockets.log"
    params = {"audit_scores": "scores.csv", "audit_demographics": "people.csv", "audit.attributes": "sex"}
    pairs = ",".join(f"{name}={value}" for name, value in params.items())

    done = place.cold(*command, "--pipelines", "audit", "--params", pairs, log=log)

    assert done.code != 0
    assert "project" in done.printed
    assert "Traceback" not in done.printed
    assert {path.name for path in place.inputs.rglob("*")} == PLAIN
    noted = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    assert [one for one in noted if not one["by"].endswith(PROBE)] == []
