"""A few real scans of ACDC go through the whole study."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from tests.studies import TWO, Project

pytestmark = pytest.mark.slow

PATHOLOGIES = ("DCM", "NOR")
EACH = 4
PARAMETERS = """
attributes: {protected_attribute: pathology, audit_attributes: [pathology], covariates: [height, weight]}
split: {method: kfold, folds: 2, validation_fraction: 0.0, min_validation_per_group: 1}
plans: {spacing: [3.0, 3.0], patch: [64, 64], batch_size: 4, base_filters: 4, stages: 3}
training: {epochs: 2, iterations_per_epoch: 1, threads: 1, validation_batches: 1}
inference: {overlap: 0.0, threads: 1}
fits: {folds: [0]}
"""


@pytest.fixture(scope="module")
def few_subjects(acdc_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Links to the folders of four subjects of two pathologies; nothing is copied."""
    root = tmp_path_factory.mktemp("acdc")
    for pathology in PATHOLOGIES:
        folders = [
            info.parent for info in sorted(acdc_root.glob("*/Info.cfg")) if f"Group: {pathology}" in info.read_text()
        ]
        for folder in folders[:EACH]:
            (root / folder.name).symlink_to(folder, target_is_directory=True)
    return root


@pytest.fixture(scope="module")
def study(few_subjects: Path, finished_study: Project, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of a study of them."""
    project = finished_study.copied_to(tmp_path_factory.mktemp("study") / "project")
    (project.folder / "conf" / "acdc" / "parameters.yml").write_text(PARAMETERS)
    finished = project.run("--env", "acdc", "--pipelines", ",".join(TWO), params={"source_root": few_subjects})
    assert finished.returncode == 0, finished.stderr
    assert "Table 2" in finished.stdout
    return project.folder / "data" / "acdc"


@pytest.fixture(scope="module")
def sources(study: Path, few_subjects: Path) -> pd.DataFrame:
    key = pd.read_csv(study / "01_raw" / "key.csv", dtype=str)
    return key.assign(folder=[few_subjects / source_id for source_id in key["source_id"]]).set_index("subject_id")


def test_pathology_is_the_protected_attribute(study: Path):
    subjects = pd.read_parquet(study / "03_primary" / "subjects.parquet")

    assert subjects["protected_group"].value_counts().to_dict() == dict.fromkeys(PATHOLOGIES, EACH)


def test_spacing_is_that_of_the_zooms(study: Path, sources: pd.DataFrame):
    for scan in pd.read_parquet(study / "02_intermediate" / "scans.parquet").itertuples():
        image = next(sources.loc[scan.subject_id, "folder"].glob("*_frame01.nii.gz"))
        columns, rows, slices = nib.load(image).header.get_zooms()[:3]
        assert (scan.spacing_slice, scan.spacing_row, scan.spacing_column) == pytest.approx((slices, rows, columns))


def test_predictions_lie_on_the_grid_of_their_scans(study: Path, sources: pd.DataFrame):
    predictions = sorted((study / "07_model_output" / "baseline" / "seed-0-fold-0" / "predictions").glob("*_ED.nii.gz"))

    assert len(predictions) == EACH  # one of two folds is tested
    for path in predictions:
        predicted = nib.load(path)
        source = nib.load(next(sources.loc[path.name.split("_")[0], "folder"].glob("*_frame01.nii.gz")))
        assert predicted.shape == source.shape
        assert predicted.get_data_dtype() == np.uint8
        np.testing.assert_array_equal(predicted.header["pixdim"], source.header["pixdim"])
        np.testing.assert_array_equal(predicted.affine, source.affine)
        assert predicted.header.get_xyzt_units() == source.header.get_xyzt_units()


def test_labels_mean_what_they_mean_elsewhere(study: Path, sources: pd.DataFrame):
    """In ACDC 1 is the right ventricle and 3 the left; in the study's tensors it is the other way round."""
    from faircmr.segmentation.data import TensorStore

    for subject in TensorStore(study / "05_model_input" / "tensors"):
        drawn = np.asanyarray(
            nib.load(next(sources.loc[subject.subject_id, "folder"].glob("*_frame01_gt.nii.gz"))).dataobj
        )
        areas = subject.arrays["ED.areas"].sum(axis=0)
        by_value = np.array([(drawn == value).sum() for value in (3, 2, 1)])
        np.testing.assert_allclose(areas / areas.sum(), by_value / by_value.sum(), atol=0.02)


def test_unlabelled_scans_are_segmented_on_their_own_grids(study: Path, few_subjects: Path, tmp_path: Path):
    subjects = sorted(few_subjects.iterdir())[:2]
    for subject in subjects:
        (tmp_path / subject.name).symlink_to(subject, target_is_directory=True)
    params = {"predict_root": tmp_path, "predict.keep": "all_frames"}

    finished = Project(study.parents[1]).run("--env", "acdc", "--pipelines", "predict", params=params)

    assert finished.returncode == 0, finished.stderr
    keys = pd.read_csv(study / "01_raw" / "predict_key.csv", dtype=str).set_index("subject_id")["source_id"]
    # masks next to the images have a key and no source id
    keys = keys.dropna()
    output = study / "07_model_output" / "predict" / "baseline"
    volumes = pd.read_csv(output / "volumes.csv")
    left_out = pd.read_csv(output / "left_out.csv")
    assert left_out["reason"].str.contains("mask").sum() == 2 * len(subjects)
    assert keys.tolist() == [subject.name for subject in subjects]
    assert volumes["subject_id"].value_counts().to_dict() == dict.fromkeys(keys.index, 2)
    for frame in volumes.itertuples():
        name = frame.phase if isinstance(frame.phase, str) else f"frame{int(frame.frame):02d}"
        predicted = nib.load(output / "predictions" / f"{frame.subject_id}_{name}.nii.gz")
        source_id = keys[frame.subject_id]
        source = nib.load(few_subjects / source_id / f"{source_id}_frame{int(frame.frame) + 1:02d}.nii.gz")
        np.testing.assert_array_equal(predicted.affine, source.affine)
        for field in ("pixdim", "qform_code", "sform_code", "quatern_b", "qoffset_x", "srow_x", "xyzt_units"):
            np.testing.assert_array_equal(predicted.header[field], source.header[field], err_msg=field)
        left = (np.asanyarray(predicted.dataobj) == 1).sum() * np.prod(source.header.get_zooms()[:3]) / 1000
        assert left == pytest.approx(frame.lvbp_ml, rel=1e-5)
