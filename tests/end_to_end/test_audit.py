"""Anybody's model is audited by one command, and bad input ends in one clear line that names nobody."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from faircmr.core.scans import Geometry
from faircmr.sources import write_label
from tests.studies import Project, write_tiny_project

ID = re.compile(r"76543\d\d")
SIZES = {"White": 60, "Black": 12, "Asian": 9}
ATTRIBUTES = "race+sex"


def people() -> pd.DataFrame:
    race = np.repeat(list(SIZES), list(SIZES.values()))
    sex = np.where(np.arange(len(race)) % 2, "f", "m")
    return pd.DataFrame(
        {"subject_id": [str(7_654_300 + place) for place in range(len(race))], "race": race, "sex": sex}
    )


def scores(gap: float = 0.08) -> pd.DataFrame:
    """Two models, of which the first serves all but one group worse."""
    rng = np.random.default_rng(0)
    table = people()[["subject_id"]].assign(dice_lv=0.9 + rng.normal(0, 0.02, len(people())))
    worse = table.assign(dice_lv=table["dice_lv"] - gap * (people()["race"] != "White"))
    return pd.concat([worse.assign(model="old"), table.assign(model="new")], ignore_index=True)


Audit = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Project:
    return write_tiny_project(tmp_path_factory.mktemp("audits") / "project", project_root)


@pytest.fixture
def audit(project: Project, tmp_path: Path) -> Audit:
    """Runs a pipeline of the audit with its outputs in this test's folder."""

    def run(pipeline: str, **params: object) -> subprocess.CompletedProcess[str]:
        given: Mapping[str, object] = {
            "audit_demographics": tmp_path / "people.csv",
            "audit.attributes": ATTRIBUTES,
            "audit.draws": 1000,
            "data_root": tmp_path / "out",
        }
        return project.run("--pipelines", pipeline, params={**given, **params})

    people().to_csv(tmp_path / "people.csv", index=False)
    return run


def printed(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def report_of(folder: Path) -> str:
    return (folder / "out" / "08_reporting" / "audit" / "report.html").read_text()


def table_of(folder: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(folder / "out" / "08_reporting" / "audit" / f"{name}.csv")


def test_a_table_of_scores_is_audited_and_the_planted_gap_found(audit: Audit, tmp_path: Path):
    scores().to_csv(tmp_path / "scores.csv", index=False)

    done = audit("audit", audit_scores=tmp_path / "scores.csv")

    assert done.returncode == 0, printed(done)
    verdicts = table_of(tmp_path, "groups").groupby(["model", "attribute"])["verdict"].agg(set)
    assert verdicts["old", "race"] == {"different"}
    assert "different" not in verdicts["new", "race"] | verdicts["old", "sex"]
    disparity = table_of(tmp_path, "disparity").set_index(["model", "attribute"])
    assert disparity.loc[("old", "race"), "SD_low"] > 0
    assert disparity.loc[("new", "race"), "SD_low"] == 0
    changes = table_of(tmp_path, "changes").query("attribute == 'race'").set_index("group")["change"]
    assert changes["Black"] == pytest.approx(8)
    assert changes["White"] == pytest.approx(0)
    assert "old" in report_of(tmp_path)
    assert not ID.search(report_of(tmp_path) + printed(done))

    again = audit("audit", audit_scores=tmp_path / "scores.csv")
    assert "Running node" not in printed(again), "nothing changed, nothing done"


def test_nnunets_summary_is_audited(audit: Audit, tmp_path: Path):
    cases = [
        {"prediction_file": f"/out/{row.subject_id}_ED.nii.gz", "metrics": {"1": {"Dice": row.dice_lv}}}
        for row in scores().query("model == 'old'").itertuples()
    ]
    (tmp_path / "summary.json").write_text(json.dumps({"metric_per_case": cases}))

    done = audit("audit", audit_scores=tmp_path / "summary.json")

    assert done.returncode == 0, printed(done)
    assert set(table_of(tmp_path, "groups").query("attribute == 'race'")["verdict"]) == {"different"}
    assert not ID.search(report_of(tmp_path) + printed(done))


def test_pairs_of_people_who_are_alike_are_a_table_of_their_own(audit: Audit, tmp_path: Path):
    scores().to_csv(tmp_path / "scores.csv", index=False)
    aged = people().assign(age=np.random.default_rng(1).normal(60, 8, len(people())))
    aged.to_csv(tmp_path / "people.csv", index=False)

    done = audit("audit", audit_scores=tmp_path / "scores.csv", **{"audit.covariates": "age"})

    assert done.returncode == 0, printed(done)
    pairs = table_of(tmp_path, "matched").query("attribute == 'race' and model == 'old'").set_index("group")
    assert pairs["n"].to_dict() == SIZES
    assert pairs.loc["Black", "pairs"] == SIZES["Black"]
    # the others are mostly White, and better off by 8 points
    assert -9 < pairs.loc["Black", "difference"] < -4
    assert "Pairs of people who are alike" in report_of(tmp_path)
    assert not ID.search(report_of(tmp_path) + printed(done))


def write_masks(folder: Path) -> None:
    """Everybody has a column of four voxels; of Black and Asian people half of it is found."""
    for part in ("found", "drawn"):
        (folder / part).mkdir()
    for place, person in enumerate(people().itertuples()):
        drawn = np.zeros((2, 8, 8), dtype=np.uint8)
        drawn[0, 0, : 4 + place % 2] = 3
        found = drawn.copy()
        if person.race != "White":
            found[0, 0, :2] = 0
        for part, label in (("found", found), ("drawn", drawn)):
            write_label(folder / part / f"{person.subject_id}.nii", label, Geometry(label.shape, (8.0, 1.5, 1.5)))
    (folder / "found" / "9999999.nii").write_bytes((folder / "found" / f"{people()['subject_id'][0]}.nii").read_bytes())


def test_two_folders_of_masks_are_audited(audit: Audit, tmp_path: Path):
    write_masks(tmp_path)
    masks = {"audit_predictions": tmp_path / "found", "audit_references": tmp_path / "drawn", "audit_labels.LVBP": 3}

    done = audit("audit_masks", **masks, **{"audit_labels.RVBP": 1})

    assert done.returncode == 0, printed(done)
    means = table_of(tmp_path, "groups").query("attribute == 'race'").set_index("group")["mean"]
    assert means["White"] == 100
    assert means["Black"] == pytest.approx(100 * np.mean([4 / 6, 6 / 8]), abs=1)
    page = report_of(tmp_path)
    assert f"1 of {len(people()) + 1} predictions" in page
    assert "LVM is not scored: no reference shows it (value 2)" in page
    assert not ID.search(report_of(tmp_path) + printed(done))


def test_predictions_that_are_missing_are_on_the_page_and_by_group(audit: Audit, tmp_path: Path):
    write_masks(tmp_path)
    (tmp_path / "found" / "9999999.nii").unlink()
    black = people().query("race == 'Black'")["subject_id"]
    for subject in black[:4]:
        (tmp_path / "found" / f"{subject}.nii").unlink()
    masks = {"audit_predictions": tmp_path / "found", "audit_references": tmp_path / "drawn", "audit_labels.LVBP": 3}

    done = audit("audit_masks", **masks, **{"audit_labels.RVBP": 1})

    assert done.returncode == 0, printed(done)
    everybody = len(people())
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", report_of(tmp_path)))
    assert f"4 of {everybody} references not scored no prediction of the same name" in text
    assert f"4 of {everybody} subjects of the demographics not scored missing in the scores" in text
    assert f"Black 4 of {len(black)} {400 / len(black):.1f} %" in text
    said = " ".join(printed(done).split())
    assert f"4 of {everybody} references are not scored: no prediction of the same name" in said
    assert not ID.search(text + said)


def percent(folder: Path) -> None:
    table = scores()
    table["dice_lv"] *= 100
    table.to_csv(folder / "scores.csv", index=False)


def repeated(folder: Path) -> None:
    pd.concat([scores(), scores().head(2)]).to_csv(folder / "scores.csv", index=False)


def not_utf8(folder: Path) -> None:
    people().replace("White", "Weiß").to_csv(folder / "people.csv", index=False, encoding="latin-1")


def of_others(folder: Path) -> None:
    people().assign(subject_id=[f"x{place}" for place in range(len(people()))]).to_csv(
        folder / "people.csv", index=False
    )


def one_group(folder: Path) -> None:
    people().assign(race="White", sex="f").to_csv(folder / "people.csv", index=False)


def not_numbers(folder: Path) -> None:
    scores().astype({"dice_lv": object}).replace({"dice_lv": {scores()["dice_lv"][0]: "good"}}).to_csv(
        folder / "scores.csv", index=False
    )


def two_spellings(folder: Path) -> None:
    spelt = people()["race"].where(people().index != 3, "white ")
    people().assign(race=spelt).to_csv(folder / "people.csv", index=False)


def score_without_a_name(folder: Path) -> None:
    scores().assign(structure="LV").to_csv(folder / "scores.csv", index=False)


def nothing(folder: Path) -> None:
    (folder / "scores.csv").unlink()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (percent, r"Error: scores: up to .* in dice_lv; scores in 0\.\.1 and nothing else; divide percentages by 100"),
        (repeated, r"Error: scores: 2 of 164 rows repeated"),
        (not_utf8, r"Error: audit_demographics: not UTF-8; CSV in UTF-8; save it again as UTF-8"),
        (of_others, r"Error: demographics: none of 81 scored subjects is in it"),
        (one_group, r"Error: audit: .*group"),
        (not_numbers, r"Error: scores: .*number"),
        (
            two_spellings,
            r"Error: audit_attributes: race with 2 values that differ .* in spaces, capitals or hidden characters",
        ),
        (score_without_a_name, r"Error: scores: a column structure and no column value; .*set audit_columns.value"),
        (nothing, r"Error: audit_scores: no such file"),
    ],
)
def test_bad_input_ends_in_one_line(audit: Audit, tmp_path: Path, spoil: Callable[[Path], None], said: str):
    scores().to_csv(tmp_path / "scores.csv", index=False)
    spoil(tmp_path)

    done = audit("audit", audit_scores=tmp_path / "scores.csv")

    assert done.returncode == 1
    assert re.search(said, printed(done)), printed(done)
    assert "Traceback" not in printed(done)
    assert not ID.search(printed(done))
    assert not (tmp_path / "out" / "08_reporting").exists(), "nothing half written"
