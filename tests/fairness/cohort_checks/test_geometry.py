"""The cohort's page says how labels lie on their images, and in which unit headers state lengths."""

from __future__ import annotations

import pytest

from faircmr.core.scans import AS_STORED, UNKNOWN
from faircmr.fairness.cohort_checks import Status, geometry_counts
from faircmr.fairness.cohort_checks.measures import LABELS, LENGTH_UNITS, check_label_grids, check_units
from tests.fairness.cohort_checks.cohorts import CohortOnPaper


@pytest.fixture
def cohort() -> CohortOnPaper:
    return CohortOnPaper()


def test_scans_are_counted_by_what_their_headers_say(cohort: CohortOnPaper):
    cohort.scans.loc[:9, "label_grid"] = "flipped"
    cohort.scans.loc[10:11, ["labelled", "label_grid"]] = [False, ""]
    cohort.scans.loc[:3, "unit"] = "um"

    rows = geometry_counts(cohort.scans).to_numpy().tolist()

    assert rows == [
        [LABELS, AS_STORED, 76, 86],
        [LABELS, "flipped", 10, 86],
        [LENGTH_UNITS, "mm", 84, 88],
        [LENGTH_UNITS, "um", 4, 88],
    ]


@pytest.mark.parametrize(
    ("kinds", "status", "said"),
    [
        ([AS_STORED], Status.PASS, "stored on the image's grid in 88 of 88 scans"),
        (["flipped"], Status.WARN, "the label was flipped and was put on the image's grid in 44 of 88 scans"),
        ([UNKNOWN], Status.WARN, "the headers do not say it in 44 of 88 scans"),
        (["axes swapped, shifted", UNKNOWN], Status.WARN, "axes swapped, shifted"),
    ],
)
def test_labels_that_were_moved_or_not_placed_are_warned_of(
    cohort: CohortOnPaper, kinds: list[str], status: Status, said: str
):
    for offset, kind in enumerate(kinds):
        cohort.scans.loc[offset::2, "label_grid"] = kind

    found = check_label_grids(cohort.tables())

    assert found.status is status
    assert said in found.found
    assert bool(found.remedy) is (status is Status.WARN)


def test_nothing_can_be_told_without_labels(cohort: CohortOnPaper):
    cohort.scans = cohort.scans.assign(labelled=False, label_grid="")

    found = check_label_grids(cohort.tables())

    assert (found.status, found.found) == (Status.UNCHECKED, "no scan is labelled")


@pytest.mark.parametrize(
    ("unit", "status"), [("mm", Status.PASS), ("not stated", Status.PASS), ("um", Status.WARN), ("m", Status.WARN)]
)
def test_other_units_than_millimetres_are_warned_of(cohort: CohortOnPaper, unit: str, status: Status):
    cohort.scans.loc[:9, "unit"] = unit

    found = check_units(cohort.tables())

    assert found.status is status
    assert f"{unit} in" in found.found
