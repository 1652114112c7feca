"""UK Biobank as a source: archives become scans once, tables become attributes, what is wrong is rejected."""

import shutil
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from faircmr.core import InvalidCohortError, InvalidParameterError, Omission
from faircmr.core.scans import Phase, ScanFiles, Structure
from faircmr.sources import NoParameters, read_scan, write_image, write_label
from faircmr.sources.ukbb import Ukbb
from faircmr.sources.ukbb.source import UkbbParameters
from tests.sources.dicom.written import DISTANCE, SPACING, write_zip
from tests.sources.ukbb import biobank
from tests.sources.ukbb.biobank import IDS, write_biobank

THREE = IDS[:3]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_biobank(tmp_path / "biobank", THREE)


def prepared(root: Path, own: Path | None = None, **parameters: object) -> Ukbb:
    source = Ukbb(root, UkbbParameters(workers=1, **parameters))
    source.prepare(own or root.parent / "own")
    return source


def archive_of(root: Path, eid: str, kind: str = "20209_2_0") -> Path:
    return root / "bulk" / eid[-2:] / f"{eid}_{kind}.zip"


def test_reads_images_and_contours_of_both_phases(root: Path):
    source = prepared(root)

    files = source.scan_files()
    assert set(files) == {(eid, phase) for eid in THREE for phase in Phase}
    for phase, index in ((Phase.ED, 0), (Phase.ES, biobank.ES)):
        scan = read_scan(files[THREE[1], phase], source.label_values)
        assert scan.geometry.spacing == pytest.approx((DISTANCE, *SPACING))
        expected = [biobank.pixels(index, int(THREE[1]) + 10 * place + index) for place in range(biobank.SLICES)]
        np.testing.assert_array_equal(scan.image, expected)
        assert scan.label is not None
        pool = (scan.label == Structure.LVBP).sum() / biobank.SLICES
        assert pool == pytest.approx(np.pi * biobank.radius(index) ** 2, rel=0.05)
        wall = np.pi * ((biobank.radius(index) + biobank.WALL) ** 2 - biobank.radius(index) ** 2)
        assert (scan.label == Structure.LVM).sum() / biobank.SLICES == pytest.approx(wall, rel=0.05)


def test_knows_what_the_table_says_and_who_drew(root: Path):
    attributes = prepared(root).attributes()

    row = attributes.loc[THREE[1]]
    assert (row["sex"], row["race"], row["age"], row["centre"]) == ("female", "Black", 51.0, "11025")
    assert attributes["observer"].nunique() == 1
    assert "Jane" not in attributes.to_csv()
    assert attributes["observer"].str.fullmatch("[0-9a-f]{12}").all()


def test_the_annotators_pseudonym_is_another_in_another_study(root: Path):
    first, second = (prepared(root, root.parent / name).attributes() for name in ("one", "two"))

    assert set(first["observer"]) != set(second["observer"])


def test_leaves_nothing_in_the_source_and_no_id_in_what_it_makes(root: Path):
    before = sorted(root.rglob("*"))

    prepared(root)

    assert sorted(root.rglob("*")) == before
    made = list((root.parent / "own").rglob("*"))
    assert len(made) > 3 * 4
    assert not [path for path in made if any(eid in str(path.relative_to(root.parent)) for eid in THREE)]


def test_archives_without_contours_are_no_part_of_the_study(root: Path):
    archive_of(root, THREE[0], "cvi42").unlink()

    source = prepared(root)

    assert {eid for eid, _ in source.scan_files()} == set(THREE[1:])
    assert source.rejected() == {}
    assert Omission("archives of images", 1, 3, "no archive of contours") in source.omissions()


def test_whole_cines_are_written_where_asked_for(root: Path):
    archive_of(root, THREE[0], "cvi42").unlink()

    source = prepared(root, cines=True)

    assert {eid for eid, _ in source.scan_files()} == set(THREE[1:])
    assert len(list((root.parent / "own").glob("*/sa.nii.gz"))) == 3


@pytest.mark.parametrize(
    ("name", "spoil", "reason"),
    [
        ("20209_2_0", lambda path: path.write_bytes(path.read_bytes()[:-30]), "truncated or damaged"),
        ("20209_2_0", lambda path: path.write_text("no zip"), "no zip archive"),
        ("20209_2_0", lambda path: write_zip(path, []), "none of a short-axis cine"),
        ("cvi42", lambda path: path.write_bytes(b""), "no zip archive"),
        (
            "cvi42",
            lambda path: biobank.write_contours(path.parent, THREE[0], biobank.contours_of(THREE[1])),
            "none of 6 contoured images",
        ),
        (
            "cvi42",
            lambda path: biobank.write_contours(path.parent, THREE[0], biobank.contours_of(THREE[0], phases=[0])),
            "no frame but the first",
        ),
        (
            "cvi42",
            lambda path: biobank.write_contours(
                path.parent, THREE[0], biobank.contours_of(THREE[0], missing=["sarvendocardialContour"])
            ),
            "lacks a structure",
        ),
    ],
)
def test_rejects_what_no_scan_can_be_made_of_and_goes_on(root: Path, name: str, spoil, reason: str):
    spoil(archive_of(root, THREE[0], name))

    source = prepared(root)

    assert {eid for eid, _ in source.scan_files()} == set(THREE[1:])
    rejected = source.rejected()
    assert set(rejected) == {THREE[0]}
    assert reason in rejected[THREE[0]].reason
    assert THREE[0] not in rejected[THREE[0]].reason


def test_rejects_whom_the_table_contradicts(root: Path):
    table = root / "participant.csv"
    rows = biobank.demographics(THREE)
    biobank.write_table(table, rows)
    with table.open("a") as file:
        file.write(f"{THREE[2]},1,5,60,22,170,70,11025\n")

    source = prepared(root)

    assert set(source.rejected()) == {THREE[2]}
    assert {eid for eid, _ in source.scan_files()} == set(THREE[:2])


def test_reads_the_layout_of_ukbb_cardiac(tmp_path: Path, root: Path):
    source = prepared(root)
    scan = read_scan(source.scan_files()[THREE[0], Phase.ED], source.label_values)
    old = tmp_path / "old"
    for eid in THREE[:2]:
        (old / eid).mkdir(parents=True)
        for phase in Phase:
            write_image(old / eid / f"sa_{phase}.nii.gz", scan.image, scan.geometry)
            assert scan.label is not None
            write_label(old / eid / f"label_sa_{phase}.nii.gz", scan.label, scan.geometry)
            write_label(old / eid / f"seg_sa_{phase}.nii.gz", scan.label, scan.geometry)
    (old / THREE[1] / "label_sa_ES.nii.gz").unlink()
    shutil.copy(root / "participant.csv", old)

    nifti = prepared(old)

    files = nifti.scan_files()
    assert files[THREE[0], Phase.ED] == ScanFiles(
        old / THREE[0] / "sa_ED.nii.gz", old / THREE[0] / "label_sa_ED.nii.gz"
    )
    assert files[THREE[1], Phase.ES].label is None
    assert nifti.attributes()["observer"].isna().all()
    assert not (tmp_path / "own" / "x").exists()


def test_takes_the_imaging_visit_and_no_later_one(root: Path):
    shutil.copy(archive_of(root, THREE[0]), archive_of(root, THREE[0], "20209_3_0"))

    assert len(prepared(root).scan_files()) == 6


def test_archives_that_macos_has_zipped_anew_are_converted_as_before(root: Path, tmp_path: Path):
    before = prepared(root, tmp_path / "before")
    for name in ("20209_2_0", "cvi42"):
        with ZipFile(archive_of(root, THREE[0], name), "a") as archive:
            for member in archive.namelist():
                archive.writestr(f"__MACOSX/._{member}", b"\0\5\26\7")

    after = prepared(root, tmp_path / "after")

    assert after.rejected() == {}
    for key, files in after.scan_files().items():
        assert files.image.read_bytes() == before.scan_files()[key].image.read_bytes()


def test_a_participants_archive_that_a_broken_link_leads_to_is_rejected(root: Path):
    archive = archive_of(root, THREE[0])
    archive.unlink()
    archive.symlink_to("nowhere")

    source = prepared(root)

    assert {eid for eid, _ in source.scan_files()} == set(THREE[1:])
    assert "archive is missing" in source.rejected()[THREE[0]].reason


def test_refuses_two_archives_of_one_visit(root: Path):
    shutil.copy(archive_of(root, THREE[0]), root / archive_of(root, THREE[0]).name)

    with pytest.raises(InvalidCohortError, match="1 participants have two archives of the same visit"):
        prepared(root)


def test_refuses_a_folder_without_scans(tmp_path: Path):
    with pytest.raises(InvalidCohortError, match=r"no scans found there; archives <eid>_20209"):
        prepared(tmp_path)


def test_refuses_parameters_of_another_source(tmp_path: Path):
    with pytest.raises(InvalidParameterError, match="NoParameters; those of UK Biobank"):
        Ukbb(tmp_path, NoParameters())


def test_converts_the_same_with_any_number_of_workers(tmp_path: Path):
    root = write_biobank(tmp_path / "biobank", IDS[:6])

    contents = []
    for workers in (1, 2):
        source = Ukbb(root, UkbbParameters(workers=workers))
        source.prepare(tmp_path / str(workers))
        files = source.scan_files()
        contents.append([(key, files[key].image.read_bytes(), files[key].label.read_bytes()) for key in sorted(files)])  # type: ignore[union-attr]

    assert contents[0] == contents[1]
