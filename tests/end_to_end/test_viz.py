"""Kedro-Viz serves the lineage of the project, layer by layer, and shows nobody who has not been invented."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

from faircmr.datasets import ROWS
from tests.end_to_end.clinic import SUBJECTS, Clinic
from tests.end_to_end.viz_server import viz_server
from tests.studies import Project

pytestmark = pytest.mark.slow
LAYERS = ["raw", "intermediate", "primary", "model_input", "models", "model_output", "reporting"]
STUDY_KEY = re.compile(r"sub-[0-9a-f]{4}")
LOOK = re.compile("<img|<table|<pre")


def described(site: Path) -> dict[str, dict]:
    """What a static site says of every data set."""
    nodes = json.loads((site / "api" / "main").read_text())["nodes"]
    return {
        node["name"]: json.loads((site / "api" / "nodes" / node["id"]).read_text())
        for node in nodes
        if node["type"] == "data"
    }


def text_of(folder: Path) -> Iterator[tuple[str, str]]:
    yield from ((str(path.relative_to(folder)), path.read_text()) for path in folder.rglob("*") if path.is_file())


def test_shows_every_layer_and_the_strategies_of_the_paper(tiny_project: Project):
    with viz_server(tiny_project) as address, urlopen(f"{address}/api/main") as answer:
        lineage = json.loads(answer.read())
    names = {node["name"] for node in lineage["nodes"]}

    assert lineage["layers"] == LAYERS
    assert {"cohort", "subjects", "tensors", "baseline.model", "stratified.scores", "table2"} <= names
    assert {"index_cohort", "compare_strategies"} <= names
    assert {node["name"] for node in lineage["nodes"] if node["type"] == "modularPipeline"} == {
        "baseline",
        "stratified",
        "meta_learning",
        "protected_groups",
        "balanced",
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, finished_study: Project, project_root: Path) -> Path:
    project = finished_study.copied_to(tmp_path_factory.mktemp("viz") / "project")
    built = project.python(os.fspath(project_root / "tools" / "viz_site.py"))
    assert built.returncode == 0, built.stderr
    return project.folder / "build" / "viz"


def test_says_of_every_data_set_what_it_is(site: Path):
    sentences = {name: (said["preview"] or "").partition("</p>")[0] for name, said in described(site).items()}

    assert {name for name, sentence in sentences.items() if len(sentence) < len("<p>three short words")} == set()


@pytest.mark.parametrize(
    ("name", "look"),
    [
        ("cohort", "<img"),
        ("baseline.predictions", "<img"),
        ("tensors", "<img"),
        ("plans", "<pre"),
        ("table2", "<table"),
    ],
)
def test_looks_into_the_embedded_cohort(site: Path, name: str, look: str):
    assert look in described(site)[name]["preview"]


def test_shows_the_first_rows_of_a_table_and_no_more(site: Path):
    assert described(site)["subjects"]["preview"].count("<tr") == 1 + ROWS


def test_the_site_names_no_subject_and_no_place_on_this_machine(site: Path):
    own = [str(site.parents[1]), str(Path.home()) + os.sep, "fonts.googleapis"]
    files = dict(text_of(site / "api")) | {"index.html": (site / "index.html").read_text()}

    assert len(files) > 100
    assert [name for name, text in files.items() if STUDY_KEY.search(text)] == []
    assert [name for name, text in files.items() if any(place in text for place in own)] == []


def test_the_site_tells_how_long_the_last_run_took(site: Path):
    status = json.loads((site / "api" / "run-status").read_text())

    assert status["pipeline"]["status"] == "success"
    assert len(status["nodes"]) > 20
    assert all(node["duration"] > 0 for node in status["nodes"].values())


def test_a_cohort_of_people_is_described_and_no_image_or_row_of_it_is_shown(
    clinic_with_finished_study: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clinic = clinic_with_finished_study.copied_to(tmp_path / "clinic")
    globals_of(clinic).write_text(f"data_root: {clinic.data}\nsource_root: {clinic.source}\n")
    monkeypatch.setenv("KEDRO_ENV", "acdc")

    built = clinic.project.kedro("viz", "build", "--include-previews")

    assert built.returncode == 0, built.stderr
    published = described(clinic.project.folder / "build")
    assert published["subjects"]["preview"].startswith("<p>Who takes part")
    assert [name for name, said in published.items() if LOOK.search(said["preview"])] == []
    exported = dict(text_of(clinic.project.folder / "build" / "api"))
    assert [name for name, text in exported.items() if any(subject in text for subject in SUBJECTS)] == []


def test_who_asks_sees_the_cohort_of_people(
    clinic_with_finished_study: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clinic = clinic_with_finished_study.copied_to(tmp_path / "clinic")
    globals_of(clinic).write_text(f"data_root: {clinic.data}\nsource_root: {clinic.source}\npreviews: everybody\n")
    monkeypatch.setenv("KEDRO_ENV", "acdc")

    clinic.project.kedro("viz", "build", "--include-previews")

    published = described(clinic.project.folder / "build")
    assert "<table" in published["subjects"]["preview"]
    assert "<img" in published["baseline.predictions"]["preview"]


def globals_of(clinic: Clinic) -> Path:
    return clinic.project.folder / "conf" / "acdc" / "globals.yml"
