"""Bad input ends with one clear line, exit code 1, nothing changed below data_root, and no source id anywhere.

The subjects of this cohort have 7-digit source ids, as UK Biobank's have.
"""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tests.end_to_end.clinic import SUBJECTS, Clinic

SEVEN_DIGITS = re.compile(rf"(?<!\d)(?:{'|'.join(SUBJECTS)})(?!\d)")


@pytest.fixture(scope="module")
def finished(clinic_with_finished_study: Clinic) -> Clinic:
    return clinic_with_finished_study


@pytest.fixture
def clinic(finished: Clinic, tmp_path: Path) -> Clinic:
    return finished.copied_to(tmp_path / "clinic")


def image_of(clinic: Clinic, subject: str = SUBJECTS[0], suffix: str = "") -> Path:
    return clinic.source / subject / f"{subject}_frame01{suffix}.nii.gz"


def rewrite(path: Path, change: Callable[[np.ndarray], np.ndarray], zooms: tuple[float, ...] | None = None) -> None:
    volume = nib.load(path)
    data = change(np.asanyarray(volume.dataobj))
    header = volume.header.copy()
    header.set_data_dtype(data.dtype)
    changed = nib.Nifti1Image(data, None, header)
    if zooms:
        changed.header.set_zooms(zooms)
    nib.save(changed, path)


def remove_image(clinic: Clinic) -> None:
    image_of(clinic).unlink()


def truncate_image(clinic: Clinic) -> None:
    whole = image_of(clinic).read_bytes()
    image_of(clinic).write_bytes(whole[: len(whole) // 2])


def truncate_label(clinic: Clinic) -> None:
    whole = image_of(clinic, suffix="_gt").read_bytes()
    image_of(clinic, suffix="_gt").write_bytes(whole[: len(whole) // 2])


def truncate_inside_the_gzip(clinic: Clinic) -> None:
    raw = gzip.decompress(image_of(clinic).read_bytes())
    image_of(clinic).write_bytes(gzip.compress(raw[: len(raw) // 2]))


def crop_label(clinic: Clinic) -> None:
    rewrite(image_of(clinic, suffix="_gt"), lambda data: data[:-1])


def stretch_label(clinic: Clinic) -> None:
    rewrite(image_of(clinic, suffix="_gt"), lambda data: data, zooms=(3.0, 3.0, 10.0))


def add_unknown_label(clinic: Clinic) -> None:
    rewrite(image_of(clinic, suffix="_gt"), lambda data: np.where(data == 3, 7, data).astype(np.uint8))


def erase_label(clinic: Clinic) -> None:
    rewrite(image_of(clinic, suffix="_gt"), np.zeros_like)


def poison(value: float) -> Callable[[Clinic], None]:
    def change(data: np.ndarray) -> np.ndarray:
        poisoned = data.astype(np.float32)
        poisoned[0, 0, 0] = value
        return poisoned

    return lambda clinic: rewrite(image_of(clinic), change)


def flatten_image(clinic: Clinic) -> None:
    # no binary fraction: the mean of many is rounded, and their deviation is not zero
    rewrite(image_of(clinic), lambda data: np.full_like(data, 0.1))


def remove_the_other_phase(clinic: Clinic) -> None:
    image_of(clinic).with_name(f"{SUBJECTS[0]}_frame05.nii.gz").unlink()


def forget_end_systole(clinic: Clinic) -> None:
    config = clinic.source / SUBJECTS[0] / "Info.cfg"
    config.write_text(config.read_text().replace("ES: 5\n", ""))


def edit_plans(old: str, new: str) -> Callable[[Clinic], None]:
    def edit(clinic: Clinic) -> None:
        plans = clinic.data / "05_model_input" / "plans.json"
        assert old in plans.read_text()
        plans.write_text(plans.read_text().replace(old, new))

    return edit


def write_the_same_subject_twice(clinic: Clinic) -> None:
    shutil.copytree(clinic.source / SUBJECTS[0], clinic.source / "again" / SUBJECTS[0])
    shutil.copytree(clinic.source / SUBJECTS[0], clinic.source / "training" / SUBJECTS[0])


def forget_pathology(clinic: Clinic) -> None:
    config = clinic.source / SUBJECTS[0] / "Info.cfg"
    config.write_text("".join(line for line in config.read_text().splitlines(True) if not line.startswith("Group")))


def empty_source(clinic: Clinic) -> None:
    shutil.rmtree(clinic.source)
    clinic.source.mkdir()


def write_parameter(text: str) -> Callable[[Clinic], None]:
    return lambda clinic: (clinic.project.folder / "conf" / "acdc" / "parameters_bad.yml").write_text(text)  # type: ignore[return-value]


def set_patch(value: str) -> Callable[[Clinic], None]:
    def edit(clinic: Clinic) -> None:
        parameters = clinic.project.folder / "conf" / "acdc" / "parameters.yml"
        parameters.write_text(parameters.read_text().replace("patch: [32, 32]", f"patch: {value}"))

    return edit


def misspell_a_global(clinic: Clinic) -> None:
    with (clinic.project.folder / "conf" / "acdc" / "globals.yml").open("a") as file:
        file.write("data_rot: x\n")


def train_stratified_for_longer(clinic: Clinic) -> None:
    clinic.run("--pipelines", "stratified", params={"training.epochs": "3"}).check_returncode()


def nothing(clinic: Clinic) -> None:
    """The bad input is on the command line."""


@dataclass(frozen=True)
class Case:
    spoil: Callable[[Clinic], object]
    message: str
    """Regular expression that the last line of stderr begins with, after ``Error: ``."""
    params: tuple[tuple[str, str], ...] = ()
    pipelines: str = "data_engineering"


STRICT = (("quarantine.invalid_scans", "error"),)
CASES = {
    "image missing": Case(remove_image, r"sub-\d{4} ED: .*missing; .*key\.csv", STRICT),
    "image truncated": Case(truncate_image, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv", STRICT),
    "image truncated inside the gzip": Case(
        truncate_inside_the_gzip, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv", STRICT
    ),
    "label truncated": Case(truncate_label, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv", STRICT),
    "label of another shape": Case(crop_label, r"sub-\d{4} ED: .*shape.*", STRICT),
    "label of another spacing": Case(stretch_label, r"sub-\d{4} ED: .*spacing.*", STRICT),
    "label outside the map": Case(add_unknown_label, r"sub-\d{4} ED: .*7.*", STRICT),
    "label all background": Case(erase_label, r"sub-\d{4} ED: .*background.*", STRICT),
    "NaN intensity": Case(poison(np.nan), r"sub-\d{4} ED: .*(NaN|finite).*", STRICT),
    "infinite intensity": Case(poison(np.inf), r"sub-\d{4} ED: .*(Inf|finite).*", STRICT),
    "the same intensity everywhere": Case(
        flatten_image, r"sub-\d{4} ED: .*same intensity everywhere.*key\.csv", STRICT
    ),
    "image of one phase missing": Case(remove_the_other_phase, r"sub-\d{4} ES: .*missing; .*key\.csv", STRICT),
    "frame of one phase unknown": Case(forget_end_systole, r"Info\.cfg: 1 of 20 have no ED or ES frame; .*"),
    "duplicate subject ids": Case(write_the_same_subject_twice, r".*(twice|duplicate).*"),
    "protected attribute missing": Case(forget_pathology, r"protected attribute 'pathology': missing for 1 of .*drop"),
    "empty folder": Case(empty_source, r".*(empty|no subject|no scan).*"),
    "group too small to split": Case(
        nothing, r".*(group|protected_group).*", (("split.method", "stratified"), ("split.min_test_per_group", "50"))
    ),
    "unknown protected attribute": Case(
        nothing,
        r"attributes: 'patology'; .*did you mean 'pathology'\?",
        (("attributes.protected_attribute", "patology"),),
    ),
    "misspelt on the command line, top level": Case(nothing, r".*trainig.*'?training'?.*", (("trainig.epochs", "3"),)),
    "misspelt on the command line, below": Case(nothing, r".*epoch\b.*epochs.*", (("training.epoch", "3"),)),
    "misspelt in YAML, top level": Case(write_parameter("trainig: {epochs: 3}\n"), r".*trainig.*training.*"),
    "misspelt in YAML, below": Case(write_parameter("inference: {mirorring: true}\n"), r".*mirorring.*mirroring.*"),
    "plans misspelt": Case(
        write_parameter("plans: {pach: [32, 32]}\n"), r"plans\.pach: .*; did you mean plans\.patch\?"
    ),
    "plans with a patch below any network": Case(
        set_patch("[8, 8]"), r"plans\.patch\.0: 8; .*greater than or equal to 16"
    ),
    "plans with a patch smaller than their stages": Case(
        set_patch("[32, 32], strides: [[1, 1], [4, 4], [8, 8]]"),
        r"plans: .*; patch is \(32, 32\) and the strides reduce it by \(32, 32\): .* at least twice it",
    ),
    "plans of different lengths": Case(
        write_parameter("plans: {filters: [4, 8, 8], kernels: [[3, 3], [3, 3], [3, 3], [3, 3]]}\n"),
        r"plans: .*; kernels lists 4 stages and filters 3: list the same number",
    ),
    "plans.json with an unknown value": Case(
        edit_plans('"patch"', '"pach"'), r"plans\.json\.pach: .*; did you mean plans\.json\.patch\?"
    ),
    "plans.json with a patch smaller than its stages": Case(
        edit_plans('"patch": [32, 32]', '"patch": [2, 2]'), r"plans\.json: .*patch is \(2, 2\) .*; mend it, or delete"
    ),
    "plans.json cut off": Case(edit_plans('"spacing"', '"spaci'), r"plans\.json: damaged; .*delete it and run"),
    "misspelt strategy": Case(nothing, r".*stratifed.*stratified.*", (("stratifed.strategy.name", "x"),)),
    "misspelt runtime name": Case(nothing, r".*data_rot.*data_root.*", (("data_rot", "x"),)),
    "misspelt in the globals of an environment": Case(misspell_a_global, r"data_rot: 'x'; .*data_root"),
    "wrong type in YAML": Case(
        write_parameter("inference: {overlap: half}\n"), r"inference\.overlap: 'half'; .*number.*"
    ),
    "misspelt three levels down": Case(
        nothing, r".*probabilty.*probability.*", (("training.augmentation.rotation.probabilty", "1"),)
    ),
    "wrong type": Case(nothing, r".*training\.epochs.*five.*integer.*", (("training.epochs", "five"),)),
    "folder that cannot be written": Case(nothing, r".*(write|folder|directory).*", (("data_root", "/proc/faircmr"),)),
    "strategies trained under different settings": Case(
        train_stratified_for_longer, r".*training.*", pipelines="evaluation"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_ends_with_one_clear_line_and_changes_nothing(case: Case, clinic: Clinic) -> None:
    case.spoil(clinic)
    before = clinic.contents()

    finished = clinic.run("--pipelines", case.pipelines, params=dict(case.params))

    last = finished.stderr.strip().splitlines()[-1]
    assert finished.returncode == 1, finished.stderr
    assert re.match(r"Error: " + case.message, last), last
    assert "Traceback" not in finished.stdout + finished.stderr
    assert clinic.contents() == before
    assert not SEVEN_DIGITS.search(finished.stdout + finished.stderr)
    assert clinic.files_that_name(SEVEN_DIGITS) == []


def test_a_good_study_names_no_subject_either(finished: Clinic) -> None:
    assert finished.files_that_name(SEVEN_DIGITS) == []


def test_subjects_without_the_protected_attribute_are_dropped_and_counted_where_the_policy_says_so(
    clinic: Clinic,
) -> None:
    forget_pathology(clinic)

    finished = clinic.run("--pipelines", "data_engineering", params={"attributes.missing_protected_attribute": "drop"})

    assert finished.returncode == 0, finished.stderr
    assert f"1 of {len(SUBJECTS)} subjects have no pathology" in " ".join((finished.stdout + finished.stderr).split())


def test_one_slice_and_slices_far_apart_go_through_the_whole_study(clinic: Clinic) -> None:
    for number, change, zooms in ((0, lambda data: data[:, :, :1], None), (1, lambda data: data, (2.0, 2.0, 25.0))):
        for frame in ("01", "05", "01_gt", "05_gt"):
            subject = clinic.source / SUBJECTS[number]
            rewrite(subject / f"{subject.name}_frame{frame}.nii.gz", change, zooms)

    finished = clinic.run("--pipelines", "baseline")

    assert finished.returncode == 0, finished.stderr
    scans = pd.read_parquet(clinic.data / "02_intermediate" / "scans.parquet")
    assert scans["slices"].tolist()[:4] == [1, 1, 4, 4]
    assert scans["spacing_slice"].tolist()[:4] == [10.0, 10.0, 25.0, 25.0]


def test_a_scan_that_cannot_be_used_leaves_with_its_subject_and_the_rest_goes_on(clinic: Clinic) -> None:
    add_unknown_label(clinic)
    truncate = image_of(clinic, SUBJECTS[7])
    truncate.write_bytes(truncate.read_bytes()[:100])

    run = clinic.run("--pipelines", "data_engineering")

    assert run.returncode == 0, run.stderr
    quarantine = pd.read_csv(clinic.data / "02_intermediate" / "quarantine.csv")
    assert quarantine[["subject_id", "phase"]].to_numpy().tolist() == [["sub-0001", "ED"], ["sub-0008", "ED"]]
    assert quarantine["reason"].str.contains("values 7|truncated").all()
    left = set(pd.read_parquet(clinic.data / "03_primary" / "subjects.parquet")["subject_id"])
    assert len(left) == len(SUBJECTS) - 2
    assert not left & {"sub-0001", "sub-0008"}
    assert "1 of 20 subjects are left out: the image file is truncated" in " ".join(run.stdout.split())
    assert clinic.files_that_name(SEVEN_DIGITS) == []


def test_a_cohort_of_which_most_cannot_be_used_ends_the_run(clinic: Clinic) -> None:
    for subject in SUBJECTS[:3]:
        image_of(clinic, subject).unlink()

    run = clinic.run("--pipelines", "data_engineering")

    assert run.returncode == 1
    last = run.stderr.strip().splitlines()[-1]
    assert re.match(
        r"Error: cohort: 3 of 20 subjects cannot be used \(first: sub-0001 ED: .*missing.*at most 10 %", last
    )
