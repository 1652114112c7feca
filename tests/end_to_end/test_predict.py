"""Scans that nobody has labelled are segmented by a trained strategy, as a user would have it done."""

from __future__ import annotations

import gzip
import re
import shutil
import stat
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tests.cines import BEAT, SIDE, ZOOMS, blood_pool, cine_image, heart_image, write_scan
from tests.end_to_end.clinic import Clinic
from tests.studies import digests

pytestmark = pytest.mark.slow

TRAINED = {"training.epochs": "8", "training.iterations_per_epoch": "25"}
"""Enough for ventricles as plain as the clinic's, the small right one of every frame too."""
IDS = re.compile(r"(?<!\d)76543\d\d(?!\d)")
"""Names of the unlabelled subjects."""
CINE, FRAMES, NAMED, ALONE = "7654301", "7654302", "7654303", "7654304"
VOLUMES = ["lvbp_ml", "lvm_ml", "rvbp_ml"]
HEADER = ("pixdim", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "srow_x", "srow_y")


@dataclass(frozen=True)
class Ward:
    """A clinic with a trained strategy, and a folder of scans that it has not labelled."""

    clinic: Clinic

    @property
    def scans(self) -> Path:
        return self.clinic.folder / "unlabelled"

    @property
    def output(self) -> Path:
        return self.clinic.data / "07_model_output" / "predict" / "baseline"

    def run(self, **params: str) -> subprocess.CompletedProcess[str]:
        """``kedro run --pipelines predict``."""
        return self.clinic.run("--pipelines", "predict", params={**TRAINED, "predict_root": str(self.scans), **params})

    def volumes(self) -> pd.DataFrame:
        return pd.read_csv(self.output / "volumes.csv")

    def left_out(self) -> pd.DataFrame:
        return pd.read_csv(self.output / "left_out.csv", dtype={"key": str})

    def key_of(self, source_id: str) -> str:
        return str(self.keys("source_id")[source_id])

    def keys(self, by: str) -> pd.Series:
        """Keys by source id, or by path."""
        path = self.clinic.data / "01_raw" / "predict_key.csv"
        return pd.read_csv(path, dtype=str, keep_default_na=False).set_index(by)["subject_id"]

    def of(self, source_id: str) -> pd.DataFrame:
        volumes = self.volumes()
        return volumes[volumes["subject_id"] == self.key_of(source_id)].reset_index(drop=True)

    def label(self, source_id: str, name: str) -> nib.Nifti1Image:
        return nib.load(
            self.output / "predictions" / f"{'_'.join(filter(None, (self.key_of(source_id), name)))}.nii.gz"
        )

    def copied_to(self, folder: Path) -> Ward:
        return Ward(self.clinic.copied_to(folder))


def fill(scans: Path) -> None:
    """A cine, a subject in single frames, one whose files name the phases, a single volume, and a label."""
    write_scan(scans / f"{CINE}.nii.gz", cine_image())
    for number in (1, 3):
        name = f"{FRAMES}_frame{number:02d}"
        write_scan(scans / FRAMES / f"{name}.nii.gz", heart_image(BEAT[number - 1]))
        write_scan(scans / FRAMES / f"{name}_gt.nii.gz", np.zeros((2, 2, 1), np.uint8))
    for phase, radius in (("ED", 5.0), ("ES", 6.0)):
        write_scan(scans / f"{NAMED}_{phase}.nii", heart_image(radius))
    write_scan(scans / f"{ALONE}.nii.gz", heart_image(6.0))


@pytest.fixture(scope="module")
def trained(clinic_with_finished_study: Clinic, tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """A clinic whose baseline has learned to find ventricles; nothing is predicted yet."""
    clinic = clinic_with_finished_study.copied_to(tmp_path_factory.mktemp("ward") / "clinic")
    finished = clinic.run("--pipelines", "baseline", params=TRAINED)
    assert finished.returncode == 0, finished.stderr
    fill(Ward(clinic).scans)
    return Ward(clinic)


@pytest.fixture(scope="module")
def predicted(trained: Ward, tmp_path_factory: pytest.TempPathFactory) -> Ward:
    """The same after a first prediction; only to be read."""
    ward = trained.copied_to(tmp_path_factory.mktemp("predicted") / "clinic")
    finished = ward.run()
    assert finished.returncode == 0, finished.stderr
    assert "predict.volumes: " in finished.stdout
    assert not IDS.search(finished.stdout + finished.stderr)
    return ward


@pytest.fixture
def ward(predicted: Ward, tmp_path: Path) -> Ward:
    """A copy of it, to be changed."""
    return predicted.copied_to(tmp_path / "clinic")


def test_ed_and_es_are_the_frames_of_largest_and_smallest_ventricle(predicted: Ward):
    cine = predicted.of(CINE)

    assert cine["frame"].tolist() == [0, 1, 2, 3, 4]
    assert cine["phase"].fillna("").tolist() == ["ED", "", "ES", "", ""]
    assert cine["lvbp_ml"].tolist() == pytest.approx([blood_pool(radius) for radius in BEAT], rel=0.1)
    assert (cine[VOLUMES] > 0).all(axis=None)
    assert cine["problem"].isna().all()


@pytest.mark.parametrize(("phase", "radius"), [("ED", BEAT[0]), ("ES", BEAT[2])])
def test_label_images_lie_on_the_grid_of_the_cine(predicted: Ward, phase: str, radius: float):
    label, source = predicted.label(CINE, phase), nib.load(predicted.scans / f"{CINE}.nii.gz")

    assert label.shape == source.shape[:3]
    assert label.get_data_dtype() == np.uint8
    np.testing.assert_array_equal(label.affine, source.affine)
    for field in (*HEADER, "xyzt_units"):
        np.testing.assert_array_equal(label.header[field], source.header[field], err_msg=field)
    left = (np.asanyarray(label.dataobj) == 1).sum() * 40 / 1000
    assert left == pytest.approx(predicted.of(CINE).set_index("phase").loc[phase, "lvbp_ml"])
    assert left == pytest.approx(blood_pool(radius), rel=0.1)


def test_other_frames_are_not_written(predicted: Ward):
    written = {path.name for path in (predicted.output / "predictions").glob(f"{predicted.key_of(CINE)}*.nii.gz")}

    assert written == {f"{predicted.key_of(CINE)}_{phase}.nii.gz" for phase in ("ED", "ES")}


def test_single_frames_of_one_subject_are_its_cycle(predicted: Ward):
    frames = predicted.of(FRAMES)

    assert frames["frame"].tolist() == [0, 2]
    assert frames["phase"].tolist() == ["ED", "ES"]


def test_phases_that_file_names_state_are_believed(predicted: Ward):
    named = predicted.of(NAMED)

    assert named["frame"].isna().all()
    assert named["phase"].tolist() == ["ED", "ES"]
    assert named["lvbp_ml"].is_monotonic_increasing


def test_a_volume_that_stands_alone_has_no_phase(predicted: Ward):
    alone = predicted.of(ALONE)

    assert alone[["frame", "phase"]].isna().all(axis=None)
    assert len(alone) == 1
    assert predicted.label(ALONE, "").shape == (SIDE, SIDE, 4)


def test_names_of_files_stand_in_the_table_of_keys_alone(predicted: Ward):
    mode = (predicted.clinic.data / "01_raw" / "predict_key.csv").stat().st_mode
    named = [path for path in predicted.clinic.files_that_name(IDS) if not path.endswith("predict_key.csv")]

    assert stat.S_IMODE(mode) == 0o600
    assert named == []


def test_the_study_is_left_as_it_was(trained: Ward, predicted: Ward):
    new = {"01_raw/predict_key.csv"}
    before, after = trained.clinic.contents(), predicted.clinic.contents()

    assert {name: after.get(name) for name in before} == before
    assert {name for name in after.keys() - before.keys() if not name.startswith("07_model_output/predict/")} == new


def segmented(before: dict[Path, int], ward: Ward) -> set[str]:
    """Study keys of the subjects that were segmented since."""
    return {path.stem for path, time in times(ward).items() if before.get(path) != time}


def times(ward: Ward) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (ward.output / "predictions").glob("*.json")}


def test_nothing_is_done_twice(ward: Ward):
    before = digests(ward.clinic.data)

    finished = ward.run()

    assert finished.returncode == 0, finished.stderr
    assert digests(ward.clinic.data) == before
    assert "predict.volumes: " in finished.stdout


def test_a_scan_that_joins_is_segmented_alone_and_one_that_leaves_goes(ward: Ward):
    before, gone = times(ward), ward.key_of(ALONE)
    (ward.scans / f"{ALONE}.nii.gz").unlink()
    write_scan(ward.scans / "7654300.nii.gz", cine_image(BEAT[1:]))

    finished = ward.run()

    assert finished.returncode == 0, finished.stderr
    assert segmented(before, ward) == {ward.key_of("7654300")} == {"new-0005"}
    assert ward.of("7654300")["phase"].fillna("").tolist() == ["", "ES", "", "ED"]
    assert gone not in set(ward.volumes()["subject_id"])
    assert not list((ward.output / "predictions").glob(f"{gone}*"))


def test_another_model_segments_everybody_anew(ward: Ward):
    before = times(ward)
    retrained = ward.clinic.run("--pipelines", "baseline", params={**TRAINED, "training.learning_rate": "0.009"})
    assert retrained.returncode == 0, retrained.stderr

    finished = ward.run()

    assert finished.returncode == 0, finished.stderr
    assert segmented(before, ward) == {"new-0001", "new-0002", "new-0003", "new-0004"}


def test_a_strategy_that_sees_the_hearts_region_looks_for_it_in_every_subject(ward: Ward):
    seen = {
        **TRAINED,
        # patches of 16 pixels teach less a step than whole images
        "training.epochs": "16",
        "baseline.strategy.input": "roi",
        "localiser.epochs": "4",
        "localiser.iterations_per_epoch": "25",
        "localiser.base_filters": "8",
        "localiser.limits.smallest_extent": "20",
        "localiser.margin": "2",
    }
    # with the clinic's own patch, as large as its images, every region would be the whole image
    parameters = ward.clinic.project.folder / "conf" / "acdc" / "parameters.yml"
    parameters.write_text(parameters.read_text().replace("patch: [32, 32]", "patch: [16, 16]"))
    trained = ward.clinic.run("--pipelines", "baseline", params=seen)
    assert trained.returncode == 0, trained.stderr
    rois = pd.read_parquet(ward.clinic.data / "05_model_input" / "baseline" / "rois.parquet")
    assert rois["found"].all(), "the localiser has not learned enough for this test"
    assert (rois["column_stop"] - rois["column_start"]).max() < SIDE
    table = pd.read_csv(ward.clinic.data / "08_reporting" / "localiser_baseline.csv")
    assert table["heart_inside"].min() > 95.0
    write_scan(ward.scans / "7654300.nii.gz", np.random.default_rng(0).normal(size=(SIDE, SIDE, 4)))

    finished = ward.run(**seen)

    assert finished.returncode == 0, finished.stderr
    assert ward.of(CINE)["phase"].fillna("").tolist() == ["ED", "", "ES", "", ""]
    assert ward.of(CINE)["lvbp_ml"].tolist() == pytest.approx([blood_pool(radius) for radius in BEAT], rel=0.1)
    warned = re.findall(r"(new-\d+): heart not located", " ".join((finished.stdout + finished.stderr).split()))
    assert warned == [ward.key_of("7654300")]


def test_all_frames_are_written_where_that_is_asked_for(ward: Ward):
    finished = ward.run(**{"predict.keep": "all_frames"})

    assert finished.returncode == 0, finished.stderr
    assert [ward.label(CINE, name).ndim for name in ("ED", "frame01", "ES", "frame03", "frame04")] == [3] * 5


def truncate(path: Path) -> None:
    write_scan(path, cine_image())
    path.write_bytes(path.read_bytes()[:-200])


def forget_spacing(path: Path) -> None:
    header = nib.load(write_scan(path, cine_image())).header
    header["pixdim"][2] = 0.0
    voxels = gzip.decompress(path.read_bytes())[len(header.binaryblock) :]
    path.write_bytes(gzip.compress(header.binaryblock + voxels))


def written(change: Callable[[np.ndarray], np.ndarray], zooms: tuple[float, ...] = ZOOMS) -> Callable[[Path], object]:
    return lambda path: write_scan(path, change(cine_image()), zooms)


def poison(cine: np.ndarray) -> np.ndarray:
    poisoned = cine.astype(np.float32)
    poisoned[3, 3, 1, 2] = np.nan
    return poisoned


UNUSABLE: dict[str, tuple[Callable[[Path], object], str]] = {
    "truncated": (truncate, "truncated or damaged"),
    "empty": (Path.touch, "truncated or damaged"),
    "not an image": (lambda path: path.write_text("no image"), "truncated or damaged"),
    "NaN": (written(poison), "NaN or infinite"),
    "constant": (written(lambda cine: np.full_like(cine, 7)), "same intensity everywhere"),
    "five dimensions": (written(lambda cine: cine[..., None].repeat(2, axis=-1)), "5 dimensions"),
    "two dimensions": (written(lambda cine: cine[..., 0, 0]), "2 dimensions"),
    "time as the first axis": (written(lambda cine: np.moveaxis(cine, 3, 0)), "axes in the order"),
    "no spacing": (forget_spacing, "positive millimetres"),
    "one slice": (written(lambda cine: cine[:, :, :1]), "no name says that it is short axis"),
    "slices of a 3-D acquisition": (written(lambda cine: cine, (2.0, 2.0, 1.25)), "as 3-D acquisitions have"),
    "a mask without a word": (written(lambda cine: cine // 50), "as a mask has"),
}
USABLE: dict[str, Callable[[Path], object]] = {
    "one slice that is called short axis": written(lambda cine: cine[:, :, :1]),
    "one frame": written(lambda cine: cine[..., :1]),
    "slices far apart": written(lambda cine: cine, (2.0, 2.0, 25.0)),
}


def test_what_cannot_be_used_is_left_out_and_said_and_the_others_are_segmented(ward: Ward):
    names = {kind: f"76543{number}" for number, kind in enumerate([*UNUSABLE, *USABLE], start=20)}
    for kind, write in {**{kind: write for kind, (write, _) in UNUSABLE.items()}, **USABLE}.items():
        write(ward.scans / f"{names[kind]}.nii.gz")
    alone, named = (ward.scans / f"{names['one slice that is called short axis']}{end}.nii.gz" for end in ("", "_sa"))
    alone.rename(named)
    names["one slice that is called short axis"] += "_sa"

    finished = ward.run()

    printed = " ".join((finished.stdout + finished.stderr).split())
    assert finished.returncode == 0, finished.stderr
    assert f"{len(UNUSABLE)} of {4 + len(names)} subjects are left out" in printed
    for kind, (_, problem) in UNUSABLE.items():
        (row,) = ward.of(names[kind]).itertuples()
        assert problem in row.problem, kind
        assert re.search(rf"{row.subject_id} is left out: .*{re.escape(problem)}", printed), kind
    left_out = ward.left_out().set_index("key")["reason"]
    for kind, (_, problem) in UNUSABLE.items():
        assert problem in left_out[ward.key_of(names[kind])], kind
    for kind in USABLE:
        assert (ward.of(names[kind])["lvbp_ml"] > 0).all(), kind
    assert not IDS.search(printed)
    assert [path for path in ward.clinic.files_that_name(IDS) if not path.endswith("predict_key.csv")] == []


OTHERS = {
    "7654310/la_2ch.nii.gz": "long axis",
    "7654310/LA_4Ch.nii": "long axis",
    "7654310/ao.nii.gz": "aorta",
    "7654310/flow_250.nii.gz": "aorta, outflow tract or flow",
    "7654310/ShMOLLI_SAX_T1MAP.nii.gz": "another sequence",
    "7654310/seg_sa.nii.gz": "mask or a prediction",
    "7654310/predictions/sa_ED.nii.gz": "mask or a prediction",
    "7654310/sa_ED.nii.gz": "single frame",
    "7654311_0001.nii.gz": "further channel",
}
"""Files that are no short-axis cine, and why they are left out."""
TAKEN = ("7654310/sa.nii.gz", "7654311_0000.nii.gz", "deep/er/7654312/7654312_cine.nii.gz")


def test_what_is_no_short_axis_cine_is_listed_with_its_reason_and_never_segmented(ward: Ward):
    for name in (*OTHERS, *TAKEN):
        write_scan(ward.scans / name, cine_image())
    (ward.scans / "7654310" / "Info.cfg").touch()
    (ward.scans / "7654313_sa.nii.gz").symlink_to("gone.nii.gz")

    finished = ward.run()

    assert finished.returncode == 0, finished.stderr
    keys, left_out = ward.keys("path"), ward.left_out()
    reasons = left_out.dropna(subset="key").set_index("key")["reason"]
    for name, reason in OTHERS.items():
        assert re.fullmatch(r"file-\d{4}", keys[name]), name
        assert reason in reasons[keys[name]], name
    for name in TAKEN:
        assert re.fullmatch(r"new-\d{4}", keys[name]), name
        assert len(ward.volumes().query("subject_id == @keys[@name]")) == len(BEAT), name
    assert "missing" in reasons[keys["7654313_sa.nii.gz"]]
    printed = " ".join((finished.stdout + finished.stderr).split())
    total = 8 + len(OTHERS) + len(TAKEN) + 1
    assert f"2 of {total} files are left out: long axis by its name" in printed
    assert "1 files are left out: not called .nii" in printed
    assert left_out.loc[left_out["key"].isna(), "count"].tolist() == [1]
    assert not [path for path in ward.volumes()["subject_id"].unique() if not path.startswith("new-")]
    assert not IDS.search(printed)
    assert [path for path in ward.clinic.files_that_name(IDS) if not path.endswith("predict_key.csv")] == []


def test_no_subject_has_a_key_of_the_cohort(predicted: Ward):
    cohort = pd.read_csv(predicted.clinic.data / "01_raw" / "key.csv", dtype=str)["subject_id"]

    assert len(cohort)
    assert not set(cohort) & set(predicted.volumes()["subject_id"])


def only_long_axis(ward: Ward) -> None:
    shutil.rmtree(ward.scans)
    for name in ("7654310/la_2ch.nii.gz", "7654310/la_4ch.nii.gz", "7654310/seg_sa.nii.gz"):
        write_scan(ward.scans / name, cine_image())


def only_damaged(ward: Ward) -> None:
    shutil.rmtree(ward.scans)
    ward.scans.mkdir()
    (ward.scans / f"{CINE}.nii.gz").touch()


@pytest.mark.parametrize(
    ("params", "spoil", "message"),
    [
        ({"predict_root": "nowhere/7654399"}, None, r"predict_root: no scans found there; .*; set predict_root"),
        ({"predict_strategy": "stratifed"}, None, r".*stratifed.*baseline, stratified; set it to one of them"),
        ({}, only_damaged, r"predict_root: none of 1 subjects can be predicted; new-0001: .*damaged.*predict_key\.csv"),
        (
            {},
            only_long_axis,
            r"predict_root: none of 3 files there is a short-axis image; 2: long axis.*; 1: a mask.*sa, sax",
        ),
        ({"predict.keep": "none"}, None, r"predict\.keep: 'none'; .*ed_es.*all_frames"),
    ],
    ids=["no folder", "not trained", "only damaged scans", "only long axis", "misspelt parameter"],
)
def test_ends_with_one_clear_line(
    ward: Ward, params: dict[str, str], spoil: Callable[[Ward], None] | None, message: str
):
    if spoil:
        spoil(ward)

    finished = ward.run(**params)

    last = finished.stderr.strip().splitlines()[-1]
    assert finished.returncode == 1
    assert re.match(f"Error: {message}", last), last
    assert "Traceback" not in finished.stdout + finished.stderr
    assert not IDS.search(finished.stdout + finished.stderr)
