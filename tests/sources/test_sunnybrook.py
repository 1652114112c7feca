"""Sunnybrook's images and contours, in both layouts that they come in, become scans of the left ventricle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from faircmr.core import InvalidCohortError, InvalidScanError, Omission
from faircmr.core.scans import Phase, Structure, structures_in_label
from faircmr.sources import read_scan
from faircmr.sources.base import NoParameters
from faircmr.sources.sunnybrook import Sunnybrook, phases_of
from tests.sources.dicom.written import DISTANCE, PHASES, SLICES, dicom_bytes, frame

ROWS, COLUMNS = 48, 40
CENTRE, INNER, OUTER = (20.25, 26.5), (8.0, 5.0), (12.0, 9.0)
"""Of x and y, in pixels from 0; semi-axes along x and y."""
ED, ES = 3, 1
"""Frames, from 0: Sunnybrook's end diastole is often the last one."""
PATIENTS = "PatientID,OriginalID,Gender,Age,Pathology\nSCD0000101,SC-HF-I-1,Female,61,HF\nSCD0000202,SC-N-2,M,,N\n"


def ellipse(axes: tuple[float, float]) -> str:
    """A contour file: coordinates count from 1."""
    angles = np.linspace(0, 2 * np.pi, 200, endpoint=False)
    x, y = (centre + 1 + axis * turn(angles) for centre, axis, turn in zip(CENTRE, axes, (np.cos, np.sin), strict=True))
    return "".join(f"{one:.4f} {other:.4f}\n" for one, other in zip(x, y, strict=True))


def number(place: int, phase: int) -> int:
    """Images are numbered slice by slice."""
    return place * PHASES + phase + 1


def write_images(folder: Path, name: str = "{}.dcm") -> None:
    folder.mkdir(parents=True)
    for place in range(SLICES):
        for phase in range(PHASES):
            pixels = np.full((ROWS, COLUMNS), 100 * place + phase, "<u2")
            image = frame(place, phase, Rows=ROWS, Columns=COLUMNS, PixelData=pixels.tobytes())
            (folder / name.format(number(place, phase))).write_bytes(dicom_bytes(image))


def write_contours(folder: Path, drawn: Mapping[tuple[int, int], str]) -> None:
    """Contours of an image by slice and phase; ``io`` is both of them."""
    folder.mkdir(parents=True)
    for (place, phase), sides in drawn.items():
        for side in sides:
            name = f"IM-0001-{number(place, phase):04}-{side}contour-manual.txt"
            (folder / name).write_text(ellipse(INNER if side == "i" else OUTER))


USUAL = {(0, ED): "io", (1, ED): "io", (2, ED): "i", (0, ES): "i", (1, ES): "i"}


def write_published(root: Path, drawn: Mapping[tuple[int, int], str] = USUAL) -> Path:
    """Two patients as the Cardiac Atlas Project publishes them, with another series beside the short axis."""
    for patient, original in (("SCD0000101", "SC-HF-I-01"), ("SCD0000202", "SC-N-02")):
        write_images(root / "SCD_IMAGES_01" / patient / "CINESAX_300", "IM-0003-{:04}.dcm")
        write_images(root / "SCD_IMAGES_01" / patient / "CINELAX_301", "IM-0004-{:04}.dcm")
        write_contours(root / "SCD_ManualContours" / original / "contours-manual" / "IRCCI-expert", drawn)
    (root / "scd_patientdata.csv").write_text(PATIENTS)
    return root


def prepared(root: Path, own: Path) -> Sunnybrook:
    source = Sunnybrook(root, NoParameters())
    source.prepare(own)
    return source


def labels(source: Sunnybrook, subject: str) -> dict[Phase, np.ndarray]:
    files = source.scan_files()
    return {phase: read_scan(files[subject, phase], source.label_values).label for phase in Phase}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Sunnybrook:
    root = write_published(tmp_path_factory.mktemp("published"))
    return prepared(root, tmp_path_factory.mktemp("own"))


def test_published_patients_are_found_with_what_the_table_says_of_them(published: Sunnybrook):
    attributes = published.attributes()

    assert attributes.index.tolist() == ["SC-HF-I-1", "SC-N-2"]
    assert attributes["pathology"].tolist() == ["HF-I", "N"]
    assert attributes["sex"].tolist() == ["female", "male"]
    assert attributes["age"].iloc[0] == 61.0
    assert attributes["age"].isna().tolist() == [False, True]
    assert published.rejected() == {}
    assert set(published.scan_files()) == {(subject, phase) for subject in attributes.index for phase in Phase}


def test_the_frame_with_both_walls_is_ed_and_the_other_one_es(published: Sunnybrook):
    files = published.scan_files()

    for phase, place in ((Phase.ED, ED), (Phase.ES, ES)):
        scan = read_scan(files["SC-N-2", phase], published.label_values)
        assert [int(plane.mean()) for plane in scan.image] == [100 * number + place for number in range(SLICES)]
        assert scan.geometry.spacing == pytest.approx((DISTANCE, 1.25, 1.75))


def test_ventricles_have_the_area_and_the_place_of_their_ellipses(published: Sunnybrook):
    drawn = labels(published, "SC-HF-I-1")

    for phase in Phase:
        for place in (0, 1):
            cavity = drawn[phase][place] == Structure.LVBP
            assert cavity.sum() == pytest.approx(np.pi * INNER[0] * INNER[1], rel=0.005)
            rows, columns = np.nonzero(cavity)
            assert (columns.mean(), rows.mean()) == pytest.approx(CENTRE, abs=0.05)
    wall = (drawn[Phase.ED][0] == Structure.LVM).sum()
    assert wall == pytest.approx(np.pi * (OUTER[0] * OUTER[1] - INNER[0] * INNER[1]), rel=0.01)


def test_what_nobody_drew_is_in_no_label(published: Sunnybrook):
    drawn = labels(published, "SC-HF-I-1")

    assert structures_in_label(drawn[Phase.ED]) == "LVBP LVM"
    assert structures_in_label(drawn[Phase.ES]) == "LVBP"
    assert not (drawn[Phase.ED][2] == Structure.LVM).any()
    assert not drawn[Phase.ES][2].any()


def test_no_name_of_a_subject_stands_in_what_is_converted(published: Sunnybrook):
    for files in published.scan_files().values():
        assert not any(part in str(files.image.parent) for part in ("SC-HF-I", "SC-N", "SCD0"))


def test_courses_layout_and_no_table_but_the_link(tmp_path: Path):
    write_images(tmp_path / "dicoms" / "SCD0000301")
    write_contours(tmp_path / "contourfiles" / "SC-HYP-4", {**USUAL})
    (tmp_path / "link.csv").write_text("patient_id,original_id\nSCD0000301,SC-HYP-4\n")

    source = prepared(tmp_path, tmp_path / "own")

    assert source.attributes()["pathology"].to_dict() == {"SC-HYP-4": "HYP"}
    assert len(source.scan_files()) == 2


def test_without_a_table_images_lie_in_folders_of_the_original_ids(tmp_path: Path):
    write_images(tmp_path / "challenge_training" / "SC-HF-NI-3", "IM-0379-{:04}.dcm")
    write_contours(tmp_path / "TrainingDataContours" / "SC-HF-NI-03" / "contours-manual" / "IRCCI-expert", USUAL)

    assert prepared(tmp_path, tmp_path / "own").attributes()["pathology"].to_dict() == {"SC-HF-NI-3": "HF-NI"}


def test_two_series_that_both_fit_are_left_to_nobody_to_guess(tmp_path: Path):
    folder = tmp_path / "challenge_training" / "SC-HF-NI-3"
    write_images(folder, "IM-0379-{:04}.dcm")
    for path in list(folder.iterdir()):
        (folder / path.name.replace("0379", "0380")).write_bytes(path.read_bytes())
    write_contours(tmp_path / "contours" / "SC-HF-NI-03", USUAL)

    source = prepared(tmp_path, tmp_path / "own")

    assert source.scan_files() == {}
    assert source.rejected()["SC-HF-NI-3"].reason.startswith("2 series that hold all images with contours; one; keep")


@pytest.mark.parametrize(
    ("drawn", "reason"),
    [
        ({(0, ED): "i", (0, ES): "i"}, "the contours do not tell ED from ES"),
        ({(0, ED): "io", (1, ED): "io"}, "the contours do not tell ED from ES"),
    ],
    ids=["no epicardium", "no endocardium at ES"],
)
def test_a_subject_whose_phases_are_unknown_is_rejected_and_the_others_go_on(tmp_path: Path, drawn, reason):
    root = write_published(tmp_path / "root")
    for path in (root / "SCD_ManualContours" / "SC-N-02").rglob("*.txt"):
        path.unlink()
    write_contours(root / "SCD_ManualContours" / "SC-N-02" / "again", drawn)

    source = prepared(root, tmp_path / "own")

    assert {subject for subject, _ in source.scan_files()} == {"SC-HF-I-1"}
    assert source.rejected()["SC-N-2"].reason.startswith(reason)


def test_a_contour_that_cannot_be_read_rejects_its_subject_without_a_word_of_it(tmp_path: Path):
    root = write_published(tmp_path / "root")
    spoilt = next((root / "SCD_ManualContours" / "SC-N-02").rglob("*icontour*"))
    spoilt.write_bytes(b"12.5 SECRET\xff\n")

    reason = prepared(root, tmp_path / "own").rejected()["SC-N-2"].reason

    assert "not two numbers" in reason
    assert "SECRET" not in reason


def test_what_is_left_out_is_counted(tmp_path: Path):
    root = write_published(tmp_path / "root", {**USUAL, (2, 0): "i", (1, ED): "o"})

    said = [str(one) for one in prepared(root, tmp_path / "own").omissions()]

    start = "2 of 2 converted acquisitions are used in part or corrected: "
    assert f"{start}contours at another frame than ED and ES, left out (2 in all)" in said
    assert f"{start}epicardial contours without an endocardial one, left out (2 in all)" in said
    assert "SC-" not in "".join(said)


def test_a_subject_with_contours_alone_is_no_part_and_is_counted(tmp_path: Path):
    root = write_published(tmp_path / "root")
    write_contours(root / "SCD_ManualContours" / "SC-HYP-09", USUAL)

    source = prepared(root, tmp_path / "own")

    assert source.omissions() == (Omission("subjects", 1, 3, "contours without images"),)
    assert "SC-HYP-9" not in source.attributes().index


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("PatientID,Gender\nSCD0000101,F\n", "no originalid"),
        ("PatientID,OriginalID\nSCD0000101,nobody\n", "1 rows without an id"),
        ("PatientID,OriginalID\nSCD0000101,SC-N-2\nSCD0000101,SC-N-3\n", "1 ids that stand twice"),
    ],
)
def test_a_table_that_links_nobody_is_refused_without_an_id(tmp_path: Path, table: str, said: str):
    (tmp_path / "scd_patientdata.csv").write_text(table)

    with pytest.raises(InvalidCohortError, match=said) as raised:
        prepared(tmp_path, tmp_path / "own")

    assert "SCD0" not in str(raised.value)


def test_a_contour_that_lies_there_twice_is_refused(tmp_path: Path):
    root = write_published(tmp_path / "root")
    write_contours(root / "SCD_ManualContours" / "SC-N-2" / "copy", {(0, ED): "i"})

    with pytest.raises(InvalidCohortError, match="1 contours are there twice"):
        prepared(root, tmp_path / "own")


def test_an_empty_folder_names_the_layout(tmp_path: Path):
    with pytest.raises(InvalidCohortError, match="no scans found there; folders SC-HF-I-1/"):
        prepared(tmp_path, tmp_path / "own")


def test_the_usual_frames_win_over_single_slips():
    inner, outer = [(0, 7), (1, 7), (0, 19), (1, 19), (2, 18)], [(0, 19), (1, 19), (2, 18)]

    assert phases_of(inner, outer) == {Phase.ED: 19, Phase.ES: 7}
    with pytest.raises(InvalidScanError, match="do not tell"):
        phases_of(inner, [])


def test_real_patients_with_heart_failure_eject_less_than_forty_percent(project_root: Path, tmp_path: Path):
    root = project_root.parent / "shared" / "data" / "sunnybrook"
    if not root.is_dir():
        pytest.skip("Sunnybrook lies elsewhere: expected beside the repository, in shared/data/sunnybrook")

    source = prepared(root, tmp_path / "own")

    # the fifth one's images lie in an archive
    assert sorted({subject for subject, _ in source.scan_files()}) == [f"SC-HF-I-{one}" for one in (1, 2, 5, 6)]
    for subject in source.attributes().index:
        drawn = labels(source, subject)
        ed, es = ((drawn[phase] == Structure.LVBP).sum() for phase in Phase)
        # Cardiac Atlas Project: the group HF-I has an ejection fraction below 40 %
        assert 0.10 < (ed - es) / ed < 0.40
        assert (drawn[Phase.ED] == Structure.LVM).any()
