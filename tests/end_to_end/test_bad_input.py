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


def misspell_a_global(clinic: Clinic) -> None:
    with (clinic.project.folder / "conf" / "acdc" / "globals.yml").open("a") as file:
        file.write("data_rot: x\n")


def train_stratified_for_longer(clinic: Clinic) -> None:
    clinic.run("--pipelines", "stratified", params={"training.epochs": "2"}).check_returncode()


def nothing(clinic: Clinic) -> None:
    """The bad input is on the command line."""


@dataclass(frozen=True)
class Case:
    spoil: Callable[[Clinic], object]
    message: str
    """Regular expression that the last line of stderr begins with, after ``Error: ``."""
    params: tuple[tuple[str, str], ...] = ()
    pipelines: str = "data_engineering"


CASES = {
    "image missing": Case(remove_image, r"sub-\d{4} ED: .*missing; .*key\.csv"),
    "image truncated": Case(truncate_image, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv"),
    "image truncated inside the gzip": Case(truncate_inside_the_gzip, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv"),
    "label truncated": Case(truncate_label, r"sub-\d{4} ED: .*; a whole NIfTI.*key\.csv"),
    "label of another shape": Case(crop_label, r"sub-\d{4} ED: .*shape.*"),
    "label of another spacing": Case(stretch_label, r"sub-\d{4} ED: .*spacing.*"),
    "label outside the map": Case(add_unknown_label, r"sub-\d{4} ED: .*7.*"),
    "label all background": Case(erase_label, r"sub-\d{4} ED: .*background.*"),
    "NaN intensity": Case(poison(np.nan), r"sub-\d{4} ED: .*(NaN|finite).*"),
    "infinite intensity": Case(poison(np.inf), r"sub-\d{4} ED: .*(Inf|finite).*"),
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
