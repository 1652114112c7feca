"""Planned fits meet what lies in their folders."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest

from faircmr.core.host import WorkFolder, lease
from faircmr.datasets import WatchedFits
from faircmr.mitigation import FitsParameters, StrategyParameters, list_fits, select_training_cohort
from faircmr.pipelines.status import show_status, status_text
from faircmr.segmentation import TrainingParameters
from faircmr.segmentation.localiser import roi_table, with_rois
from faircmr.segmentation.training import EpochReport, FitJob, write_progress
from tests.estimation.studies import LOCALISER, SPLITS, SUBJECTS, TRAINING, planned
from tests.segmentation.phantoms import plans_of

GROUPS = dict(zip(SUBJECTS["subject_id"], SUBJECTS["protected_group"], strict=True))
MODELS: dict[str, object] = {"stages": "protected_groups"}
"""A shared fit, and one of each of three groups."""


@pytest.fixture
def watched(tmp_path: Path) -> WatchedFits:
    return WatchedFits(tmp_path / "models", "", tmp_path / "localiser", frozenset({"any"}))


def jobs_of(watched: WatchedFits, code: str = "this code", training: TrainingParameters = TRAINING) -> list[FitJob]:
    """Jobs as a run would make them."""
    strategy = StrategyParameters.model_validate({"name": "any", **MODELS})
    cohort = with_rois(select_training_cohort(SPLITS, SUBJECTS, strategy), roi_table([]))
    work = WorkFolder(watched.path / "any", code)
    return list(list_fits(strategy, cohort, FitsParameters(), plans_of(), training, Path("tensors"), work))


def begin(job: FitJob, *names: str) -> None:
    job.folder.mkdir(parents=True)
    (job.folder / "job.json").write_text(job.model_dump_json(indent=2))
    for name in names:
        (job.folder / name).touch()


def finish(job: FitJob) -> None:
    begin(job, "fit.json", "weights.safetensors")


def rows(watched: WatchedFits, choices: dict[str, object] | None = None) -> dict[str, str]:
    """Row of each fit, by its name."""
    text = status_text(watched, [planned(choices or MODELS)], GROUPS)
    cells = [line.removeprefix(" any").split(maxsplit=1) for line in text.splitlines() if "seed-" in line]
    return {name: " ".join(rest.split()) for name, rest in cells}


def test_fits_that_have_not_begun_are_listed(watched: WatchedFits):
    assert set(rows(watched).values()) == {"waiting 0 of 4 - - - -"}
    assert list(rows(watched)) == ["seed-0/shared", "seed-0/group-A", "seed-0/group-B", "seed-0/group-C"]
    assert not watched.path.exists()


def test_a_fit_under_way_shows_its_epoch_its_groups_and_its_process(watched: WatchedFits):
    shared = jobs_of(watched)[0]
    begin(shared)
    # one validation subject a group: the fourth, the eighth and the twelfth
    dsc = {"sub-0004": 0.9, "sub-0008": 0.6, "sub-0012": 0.3, "sub-gone": 0.0}
    write_progress(shared.folder, EpochReport(shared.name, 2, 4, 0.5, 0.6, 7200.0), dsc)

    with lease(shared.folder, "a fit"):
        found = rows(watched)[shared.name]

    assert found.startswith("running 2 of 4 ")
    assert found.split()[4] in {"2:00:00", "1:59:59", "1:59:58", "1:59:57"}
    assert " 2 60.00 90.00 60.00 30.00 " in found
    assert f"pid {os.getpid()} on " in found


def test_what_has_passed_since_the_last_epoch_is_no_longer_left(watched: WatchedFits):
    shared = jobs_of(watched)[0]
    begin(shared)
    write_progress(shared.folder, EpochReport(shared.name, 2, 4, 0.5, None, 7200.0), None)
    an_hour_ago = (shared.folder / "progress.json").stat().st_mtime - 3600
    os.utime(shared.folder / "progress.json", (an_hour_ago, an_hour_ago))

    assert " 2:00:00 " in rows(watched)[shared.name], "it has stopped, and will take that once it goes on"
    with lease(shared.folder, "a fit"):
        assert rows(watched)[shared.name].split()[4].startswith(("1:00:00", "0:59:5"))


def test_a_finished_fit_needs_no_progress_file(watched: WatchedFits):
    finish(jobs_of(watched)[0])

    assert rows(watched)["seed-0/shared"] == "finished 4 of 4 - - - -"


def test_a_fit_of_other_settings_is_told_from_one_of_these(watched: WatchedFits):
    finish(jobs_of(watched, training=TRAINING.model_copy(update={"learning_rate": 0.5}))[0])

    assert rows(watched)["seed-0/shared"].startswith("finished, other settings ")


def test_a_fit_by_older_code_than_its_strategys_latest_is_told(watched: WatchedFits):
    (shared, first, *_), (_, _, second, _) = jobs_of(watched, "older code"), jobs_of(watched, "newer code")
    for age, job in ((20, shared), (10, first), (0, second)):
        finish(job)
        os.utime(job.folder / "job.json", (1e9 - age, 1e9 - age))

    states = {name: row.partition(" 4 of ")[0] for name, row in rows(watched).items()}

    assert states["seed-0/shared"] == states["seed-0/group-A"] == "finished, other code"
    assert states["seed-0/group-B"] == "finished"


def test_where_code_is_kept_no_code_is_another(watched: WatchedFits):
    finish(jobs_of(watched, "older code")[0])
    begin(jobs_of(watched, "")[1])
    os.utime(watched.path / "any" / "seed-0" / "shared" / "job.json", (1e9, 1e9))

    assert rows(watched)["seed-0/shared"].startswith("finished 4 of 4")


def test_localisers_stand_first_and_once(watched: WatchedFits):
    both = [planned({"input": "roi"}, name=name) for name in ("one", "two")]

    text = status_text(watched, both, GROUPS)

    names = [line.split()[:2] for line in text.splitlines() if "seed-" in line]
    assert names == [["localiser", "seed-7"], ["one", "seed-0/shared"], ["two", "seed-0/shared"]]


def test_strategies_that_nobody_asked_for_are_not_shown(watched: WatchedFits, capsys: pytest.CaptureFixture[str]):
    asked = {"any": StrategyParameters(name="any"), "other": StrategyParameters(name="other")}

    show_status(watched, SUBJECTS, SPLITS, plans_of(), LOCALISER, TRAINING, FitsParameters(), **asked)

    printed = capsys.readouterr().out
    assert "any" in printed
    assert "other  " not in printed
    assert "1 fits, 1 waiting" in printed


def test_a_hundred_fits_of_five_strategies_have_a_row_each(watched: WatchedFits):
    names = ("baseline", "balanced", "stratified", "meta_learning", "protected_groups")
    people = pd.concat(
        [SUBJECTS, SUBJECTS.assign(subject_id=SUBJECTS["subject_id"] + "x").replace(list("ABC"), list("DEF"))]
    )
    splits = pd.concat([SPLITS, SPLITS.assign(subject_id=SPLITS["subject_id"] + "x")])
    everybody = {name: StrategyParameters.model_validate({"name": name, **MODELS}) for name in names}
    fits = FitsParameters(training_seeds=(0, 1, 2))
    begun = WatchedFits(watched.path, "", watched.localisers, frozenset(names))

    from faircmr.estimation import plan_fits

    listed = [plan_fits(one, people, splits, plans_of(), LOCALISER, TRAINING, fits) for one in everybody.values()]

    assert "105 fits, 105 waiting." in status_text(begun, listed, GROUPS)
