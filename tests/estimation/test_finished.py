"""A fit on disk is recognised as the one that is planned, wherever it lies and whatever its regions."""

import json
from pathlib import Path

import pytest

from faircmr.estimation import job_digest
from faircmr.segmentation.localiser import Box
from faircmr.segmentation.training import FitJob, Stage
from tests.segmentation.phantoms import job_of

JOB = job_of(Path("tensors"), Path("folder"))
BOX = Box(row_start=0, row_stop=8, column_start=0, column_stop=8)


def digest(job: FitJob) -> str:
    return job_digest(json.loads(job.model_dump_json()))


@pytest.mark.parametrize(
    "update",
    [{"folder": Path("elsewhere")}, {"tensors": Path("moved")}, {"code": "1a2b"}, {"rois": {"sub-0001": BOX}}],
    ids=lambda update: next(iter(update)),
)
def test_place_code_and_regions_do_not_count(update):
    after = JOB.model_copy(update={"stage": Stage(first=1, end=3), "after": JOB})
    moved = JOB.model_copy(update=update)

    assert digest(moved) == digest(JOB)
    assert digest(after.model_copy(update={"after": moved})) == digest(after)


@pytest.mark.parametrize(
    "update",
    [{"seed": 1}, {"training_subjects": JOB.training_subjects[1:]}, {"stage": Stage(end=2)}, {"reduction": 2}],
    ids=lambda update: next(iter(update)),
)
def test_whatever_else_determines_the_weights_counts(update):
    assert digest(JOB.model_copy(update=update)) != digest(JOB)
