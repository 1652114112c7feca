"""ACDC, M&Ms and UK Biobank as archives unpack and as clusters keep them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from tests.end_to_end.cases.inputs import write_acdc, write_biobank_scans, write_mnms
from tests.end_to_end.cases.place import Place, words_of

pytestmark = pytest.mark.slow


def acdc_uncompressed(root: Path) -> None:
    """.nii instead of .nii.gz."""
    write_acdc(root, suffix=".nii")


def acdc_from_a_mac(root: Path) -> None:
    """Unpacked from a zip that macOS made: ``__MACOSX/patient001/._patient001_frame01.nii.gz`` next to the patients."""
    write_acdc(root)
    for folder in sorted(root.glob("patient*")):
        other = root / "__MACOSX" / folder.name
        other.mkdir(parents=True)
        for path in folder.iterdir():
            (other / f"._{path.name}").write_bytes(b"\0\5\26\7" + bytes(100))


def acdc_as_it_unpacks(root: Path) -> None:
    """ACDC/database/training/patient001, where the source is ACDC."""
    write_acdc(root / "database" / "training", 10)
    (root / "database" / "MANDATORY_CITATION.md").write_text("x")


def acdc_in_links(root: Path) -> None:
    """A folder of symbolic links to folders of patients elsewhere."""
    store = root.parent / "store"
    write_acdc(store)
    link_all(root, sorted(store.iterdir()))


def biobank_in_links(root: Path) -> None:
    """UK Biobank: a folder of links to the participants' folders, as on a cluster."""
    link_all(root, write_biobank_scans(root.parent / "store"))
    rows = [
        {"eid": 7000001 + n, "p31": n % 2, "p21000_i0": 1001 if n % 2 else 4001, "p21003_i2": 60 + n % 10}
        for n in range(20)
    ]
    pd.DataFrame(rows).to_csv(root / "people.csv", index=False)


def biobank_with_titles(root: Path) -> None:
    """UK Biobank's platform with the titles of fields as headers."""
    write_biobank_scans(root)
    rows = [
        {
            "Participant ID": 7000001 + number,
            "Sex": ("Female", "Male")[number % 2],
            "Ethnic background | Instance 0": ("Caribbean", "British")[number % 2],
            "Age when attended assessment centre | Instance 2": 60,
        }
        for number in range(20)
    ]
    pd.DataFrame(rows).to_csv(root / "people.csv", index=False)


def mnms_as_published(root: Path) -> None:
    write_mnms(root)


def mnms_of_the_challenge(root: Path) -> None:
    """The table of the challenge of 2020: neither sex nor age."""
    write_mnms(root, columns=["External code", "VendorName", "Vendor", "Centre", "ED", "ES"])


def mnms_with_another_table(root: Path) -> None:
    """Somebody's split is a second table in the folder."""
    write_mnms(root)
    (root / "my_split.csv").write_text("id,fold\nA00B0,1\n")


def link_all(root: Path, targets: list[Path]) -> None:
    for target in targets:
        (root / target.name).symlink_to(target)


@pytest.mark.parametrize(
    ("env", "make", "subjects"),
    [
        ("acdc", acdc_uncompressed, 20),
        ("acdc", acdc_from_a_mac, 20),
        ("acdc", acdc_as_it_unpacks, 10),
        ("acdc", acdc_in_links, 20),
        ("ukbb", biobank_in_links, 20),
        ("mnms", mnms_as_published, 40),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_scan_is_found(env: str, make: Callable[[Path], None], subjects: int, place: Place):
    make(place.inputs)

    done = place.index(env).succeeds()

    assert len(done.scans) == 2 * subjects
    assert done.quarantined.empty


def test_titles_of_fields_are_answered_by_the_headers_that_are_read(place: Place):
    biobank_with_titles(place.inputs)

    assert re.search(r"no UK Biobank table.*\beid\b.*\bp31\b", place.index("ukbb").error)


def test_a_second_table_is_answered_by_what_is_expected(place: Place):
    mnms_with_another_table(place.inputs)

    assert re.search(r"2 CSV files; the one with the information of M&Ms", place.index("mnms").error)


@pytest.mark.parametrize("pipelines", ["cohort_report", "data_engineering", "data_engineering,cohort_report"])
def test_a_table_without_the_attribute_ends_every_pipeline_with_the_column_that_is_missing(
    pipelines: str, place: Place
):
    mnms_of_the_challenge(place.inputs)

    assert re.search(r"no column '?Sex\b", place.run(pipelines, "--env", "mnms", source_root=place.inputs).error)


def test_a_cohort_too_small_to_divide_has_a_report_that_says_so(place: Place):
    write_acdc(place.inputs, 4)
    small = {"source_root": place.inputs}

    page = place.run("cohort_report", "--env", "acdc", **small).succeeds().cohort_page
    refused = place.run("data_engineering", "--env", "acdc", **small).error

    reason = "protected group 'DCM': 2 subjects; at least 3: 1 to test, 1 to validate, 1 to train"
    assert f"the subjects cannot be divided: {reason}" in page
    assert reason in refused
    assert "What differs by group" in page


def test_a_study_before_its_first_training_has_a_report_of_its_cohort(place: Place):
    place.run("data_engineering,reporting").succeeds()

    report = words_of(place.study / "08_reporting" / "report.html")

    assert "The strategies were not audited" in report
    assert "Only one strategy" not in report
