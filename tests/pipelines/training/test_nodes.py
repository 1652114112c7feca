"""From trained models to Tables 1 and 2, node by node, as the pipeline runs them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from faircmr.core.scans import Cohort, Phase, Scan, ScanFiles, Structure
from faircmr.core.study import AttributeParameters
from faircmr.datasets import JsonModelDataset, OptionalTableDataset, PredictionsDataset
from faircmr.fairness.tables import table2
from faircmr.mitigation import StrategyParameters
from faircmr.pipelines import training as nodes
from faircmr.segmentation import InferenceParameters
from faircmr.segmentation.data import TensorStore
from faircmr.segmentation.localiser import Box, HeartLocation, roi_table
from faircmr.segmentation.training import TrainedModels
from tests.segmentation.finished_fits import finished_models
from tests.segmentation.phantoms import phantom, plans_of, write_study

SUBJECTS = [f"sub-{number:04d}" for number in range(1, 7)]
UNLABELLED = "sub-0006"
STRATEGY = StrategyParameters(name="baseline")
BOX = Box(row_start=1, row_stop=19, column_start=0, column_stop=18)
FOLDS = (0, 1)


def inference(ensemble: str) -> InferenceParameters:
    return InferenceParameters(device="cpu", threads=1, ensemble=ensemble)


@dataclass(frozen=True)
class Study:
    models: TrainedModels
    tensors: TensorStore
    cohort: Cohort
    splits: pd.DataFrame
    rois: pd.DataFrame
    subjects: pd.DataFrame

    def scores(self, folder: Path, ensemble: str) -> pd.DataFrame:
        """Scores as they come back from disk."""
        chosen = JsonModelDataset(str(folder / "postprocessing.json"), f"{POSTPROCESSING}.Postprocessing")
        training = nodes.select_training_cohort(self.subjects, self.splits, self.rois, STRATEGY)
        asked = nodes.select_prediction_cohort(training, self.splits, self.subjects, self.rois, STRATEGY)
        inputs = (self.models, self.tensors, self.cohort, asked)
        chosen.save(nodes.choose_postprocessing(*inputs[:3], plans_of(), asked, STRATEGY, inference(ensemble)))
        predictions = PredictionsDataset(str(folder))
        predictions.save(nodes.predict(*inputs, chosen.load(), STRATEGY, inference(ensemble)))
        scores = OptionalTableDataset(str(folder / "scores.parquet"), "scores")
        scores.save(nodes.score(predictions.load(), self.cohort, plans_of(), STRATEGY, "plans:1"))
        return scores.load()


POSTPROCESSING = "faircmr.segmentation.prediction.postprocessing"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Six subjects in two folds, one of them without labels; two seeds a fold."""
    root = tmp_path_factory.mktemp("study")
    write_study(root / "tensors", subjects=len(SUBJECTS))
    path = root / "tensors" / f"{UNLABELLED}.safetensors"
    save_file({name: array for name, array in load_file(path).items() if name.endswith("image")}, path)
    rows = [
        (subject_id, fold, "test" if number % 2 == fold else "validation" if number < 2 else "train")
        for fold in FOLDS
        for number, subject_id in enumerate(SUBJECTS)
    ]
    return Study(
        models=finished_models(root / "models", seeds=(3, 4), folds=FOLDS),
        tensors=TensorStore(root / "tensors"),
        cohort=cohort(),
        splits=pd.DataFrame(rows, columns=["subject_id", "fold", "split"]),
        rois=roi_table(
            [(0, HeartLocation(SUBJECTS[0], BOX, "")), (1, HeartLocation(SUBJECTS[1], None, "nothing found"))]
        ),
        subjects=pd.DataFrame({"subject_id": SUBJECTS, "protected_group": list("AABBAB"), "sex": list("FMFMFM")}),
    )


def cohort() -> Cohort:
    scans = {}
    for number, subject_id in enumerate(SUBJECTS):
        for late, phase in enumerate(Phase):
            scan = phantom(2 * number + late)
            label = None if subject_id == UNLABELLED else scan.label
            scans[subject_id, phase] = Scan(scan.image, label, scan.geometry)
    files = {key: ScanFiles(image=Path(f"{key[0]} {key[1]}")) for key in scans}
    by_file = {files[key].image: scan for key, scan in scans.items()}
    return Cohort(pd.DataFrame(), pd.DataFrame(), files, lambda scan_files: by_file[scan_files.image])


def test_seeds_together_are_scored_once_a_scan_and_reach_both_tables(study: Study, tmp_path: Path):
    scores = study.scores(tmp_path / "07" / "baseline", "seeds")

    assert scores["seed"].isna().all()
    labelled = [subject_id for subject_id in SUBJECTS if subject_id != UNLABELLED]
    assert (scores["metric"] == "dsc").sum() == len(labelled) * len(Phase) * len(Structure)
    assert dict(scores.groupby("fold")["subject_id"].unique().map(sorted)) == {0: SUBJECTS[::2], 1: SUBJECTS[1:5:2]}

    attributes = AttributeParameters(protected_attribute="group", audit_attributes=("sex",))
    first = nodes.tabulate_strategy(scores, study.subjects, attributes)
    assert first.set_index("group")["n"].to_dict() == {
        "Total (mean of groups)": 5,
        "Total (pooled)": 5,
        "F": 3,
        "M": 2,
        "A": 3,
        "B": 2,
    }
    assert first["Avg"].between(0, 100).all()
    other = scores.assign(strategy="stratified", value=scores["value"] / 2)
    second = table2({"baseline": scores, "stratified": other}, study.subjects).set_index("strategy")
    assert second.loc["stratified", "Avg"] == pytest.approx(second.loc["baseline", "Avg"] / 2)
    assert second.loc["baseline", "A"] == pytest.approx(first.set_index("group").loc["A", "Avg"])


def test_each_seed_alone_is_scored_and_the_tables_average_them(study: Study, tmp_path: Path):
    scores = study.scores(tmp_path / "07" / "baseline", "none")

    by_seed = scores[scores["metric"] == "dsc"].groupby("seed")["value"].agg(["size", "mean"])
    assert by_seed["size"].to_dict() == {3: 30, 4: 30}
    assert by_seed["mean"].nunique() == 2
    averaged = nodes.tabulate_strategy(
        scores, study.subjects, AttributeParameters(protected_attribute="group", audit_attributes=())
    ).set_index("group")
    assert averaged.loc["Total (pooled)", "Avg"] == pytest.approx(100 * by_seed["mean"].mean())


def test_subjects_without_labels_have_predictions_and_no_scores(study: Study, tmp_path: Path, caplog):
    scores = study.scores(tmp_path / "07" / "baseline", "seeds")

    predictions = PredictionsDataset(str(tmp_path / "07" / "baseline")).load()
    assert {key.phase for key in predictions if key.subject_id == UNLABELLED} == set(Phase)
    assert UNLABELLED not in set(scores["subject_id"])
    assert "2 of 12 predicted scans are not scored: no reference label" in caplog.messages
