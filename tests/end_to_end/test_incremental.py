"""Nothing changed, nothing done: each change reruns exactly the nodes and subjects that depend on it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.embedded import EmbeddedStudy, stale_nodes
from tests.studies import TWO, Project

pytestmark = pytest.mark.slow

PREDICTION = (
    *("choose_postprocessing", "predict", "score", "tabulate", "classify_groups", "score_classifier"),
    "list_omissions",
)
LOCALISATION = ("train_localiser", "locate_hearts", "score_localiser")
STRATEGY = (*LOCALISATION, "select_training_cohort", "select_prediction_cohort", "train", *PREDICTION)
PREPARED = (
    "index_cohort",
    "summarise_demographics",
    "divide_cohort",
    "split_cohort",
    "fingerprint_dataset",
    "plan_study",
    "preprocess_cohort",
)
COMPARED = {"compare_strategies", "audit_strategies", "repeat_published_tests", "compare_clinical_errors"}
REPORTED = {"plot_demographics", "show_cohort"}
FROM_SCORES = {"gather_table1", "summarise_surfaces", "find_cases", "draw_cases"}
FROM_CLASSIFIERS = {"gather_classifiers", "count_confusions"}
WRITTEN = {"report_study", "write_paper_tables", "draw_paper_figures", "write_cards"}
"""The report and what goes into a paper: from tables alone."""
TOLD = {*FROM_SCORES, *FROM_CLASSIFIERS, *WRITTEN, "gather_omissions"}
NOTHING: set[str] = set()
STRATEGIES = ("baseline", "stratified")
GROUPS = {"A": 6, "B": 2, "C": 2, "D": 2, "E": 2, "F": 2}


def of_each(*steps: str, strategies: tuple[str, ...] = STRATEGIES) -> set[str]:
    return {f"{strategy}.{step}" for strategy in strategies for step in steps}


STUDY_KEY = {"identify_study", "describe_study"}
LOCALISER_PLANS = {"plan_localiser"}
ALL = {*PREPARED, *STUDY_KEY, *LOCALISER_PLANS, *of_each(*STRATEGY), *COMPARED, *REPORTED, *TOLD}


def first_file(folder: Path, pattern: str) -> Path:
    return min(folder.rglob(pattern))


def touch_one_scan(study: EmbeddedStudy) -> None:
    image = next(path for path in sorted(study.scans.rglob("*ED.nii.gz")))
    status = image.stat()
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def delete(pattern: str) -> Callable[[EmbeddedStudy], None]:
    return lambda study: first_file(study.data, pattern).unlink()


def truncate(pattern: str) -> Callable[[EmbeddedStudy], None]:
    def cut(study: EmbeddedStudy) -> None:
        path = first_file(study.data, pattern)
        path.write_bytes(path.read_bytes()[:-1])

    return cut


def edit_plans(study: EmbeddedStudy) -> None:
    path = first_file(study.data, "plans.json")
    path.write_text(path.read_text().replace('"batch_size": 6', '"batch_size": 4'))


def leave_alone(study: EmbeddedStudy) -> None:
    """What changes is on the command line."""


@dataclass(frozen=True)
class Change:
    make: Callable[[EmbeddedStudy], None] = leave_alone
    nodes: set[str] = field(default_factory=set)
    subjects: int = 0
    """How many subjects' tensors are written."""
    params: dict[str, Any] = field(default_factory=dict)


TABLE = {
    "nothing": Change(),
    "a shared parameter": Change(
        params={"training": {"learning_rate": 0.02}},
        nodes=STUDY_KEY | LOCALISER_PLANS | of_each(*STRATEGY) | COMPARED | TOLD,
    ),
    "a parameter of prediction": Change(
        params={"inference": {"overlap": 0.25}}, nodes=STUDY_KEY | of_each(*PREDICTION) | COMPARED | TOLD
    ),
    "one strategy's parameter": Change(
        params={"stratified": {"strategy": {"sampler": "random"}}},
        nodes=of_each(*STRATEGY, strategies=("stratified",)) | COMPARED | TOLD | {"list_strategies"},
    ),
    "how many work at the same time": Change(params={"workers": 1}),
    "plans edited by hand": Change(
        edit_plans,
        nodes=ALL - {*PREPARED} - REPORTED | {"preprocess_cohort"},
    ),
    "which attributes are audited": Change(
        params={"attributes": {"audit_attributes": ["sex", "centre"]}}, nodes=ALL, subjects=0
    ),
    "one subject touched": Change(touch_one_scan, nodes=ALL, subjects=1),
    "one subject added": Change(params={"training_subjects": {**GROUPS, "A": 7}}, nodes=ALL, subjects=1),
    "one subject removed": Change(params={"training_subjects": {**GROUPS, "A": 5}}, nodes=ALL, subjects=0),
    "an output deleted": Change(delete("08_reporting/table2.csv"), nodes={"compare_strategies"}),
    "an output in the middle deleted": Change(delete("splits.csv"), nodes={"split_cohort"}),
    "an output truncated": Change(truncate("stratified/scores.parquet"), nodes={"stratified.score"}),
    "weights truncated": Change(truncate("baseline/seed-0/shared/weights.safetensors"), nodes={"baseline.train"}),
    "one prediction deleted": Change(delete("baseline/seed-0/predictions/*.nii.gz"), nodes={"baseline.predict"}),
    "one subject's tensors deleted": Change(delete("*.safetensors"), nodes={"preprocess_cohort"}, subjects=1),
}


@pytest.mark.parametrize("change", TABLE.values(), ids=TABLE)
def test_reruns_exactly_what_depends_on_the_change(change: Change, study: EmbeddedStudy) -> None:
    change.make(study)

    ran = study.run(**change.params)

    assert set(ran.nodes) == change.nodes
    assert len(ran.subjects) == change.subjects
    assert study.run(**change.params).nodes == ()


EVALUATED = of_each("score", "tabulate") | COMPARED | FROM_SCORES | WRITTEN
LEARNED = of_each(*STRATEGY) | COMPARED | TOLD


@dataclass(frozen=True)
class Edit:
    module: str
    old: str
    new: str
    nodes: set[str]

    def make(self, project: Project) -> None:
        module = project.folder / "src" / "faircmr" / self.module
        text = module.read_text()
        assert text.count(self.old) == 1
        module.write_text(text.replace(self.old, self.new))


OVERLAP = Edit("fairness/metrics/scan.py", "    if total == 0:", "    if not total:", EVALUATED)
EDITS = {
    "a comment": Edit(
        "fairness/metrics/scan.py", "    if total == 0:", "    # why it is so\n    if total == 0:", NOTHING
    ),
    "a constant that nothing uses": Edit(
        "fairness/metrics/scan.py", "\n\ndef dice_score(", "\n\nUNUSED = 1\n\n\ndef dice_score(", NOTHING
    ),
    "a helper two modules below scoring": OVERLAP,
    "a helper two modules below preprocessing": Edit(
        "segmentation/data/preprocessing.py", "NEGLIGIBLE = 1e-7", "NEGLIGIBLE = 1e-8", {"preprocess_cohort"} | LEARNED
    ),
    "a sampler that is reached by its dotted path": Edit(
        "mitigation/sampling.py", "np.divmod(slots, len(members))", "divmod(slots, len(members))", LEARNED
    ),
    "a helper of figures alone": Edit(
        "reporting/canvas.py",
        'layout="constrained", facecolor',
        'layout="tight", facecolor',
        REPORTED | WRITTEN | {"audit_strategies", "draw_cases"},
    ),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_an_edit_of_the_code_reruns_exactly_what_reaches_it(edit: Edit, finished_project: Project) -> None:
    edit.make(finished_project)

    assert stale_nodes(finished_project, *TWO) == edit.nodes


def test_code_may_be_told_to_keep_what_other_code_made(finished_project: Project) -> None:
    OVERLAP.make(finished_project)

    finished = finished_project.run("--pipelines", ",".join(TWO), params={"incremental.on_code_change": "keep"})

    assert "Running node" not in finished.stdout + finished.stderr
    assert "made by other code and is kept" in " ".join((finished.stdout + finished.stderr).split())
