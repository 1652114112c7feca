"""Kedro data sets of the catalog: cohort, NIfTI predictions, tensors, weights, tables."""

from faircmr.datasets.audited import MaskPairsDataset, UserScoresDataset, UserTableDataset
from faircmr.datasets.cine_predictions import CinePredictionsDataset
from faircmr.datasets.cohort import CohortDataset
from faircmr.datasets.documents import BytesDataset, JsonModelDataset, TextDataset
from faircmr.datasets.finished_fits import FinishedFitsDataset
from faircmr.datasets.measured import MeasuredTableDataset
from faircmr.datasets.models import ModelsDataset, TrainedModelsDataset
from faircmr.datasets.nnunet_raw import NnunetRawDataset
from faircmr.datasets.other_study import OtherStudyTableDataset
from faircmr.datasets.predictions import OptionalPredictionsDataset, PredictionsDataset
from faircmr.datasets.tables import OptionalTableDataset, TableDataset
from faircmr.datasets.tensors import TensorsDataset
from faircmr.datasets.unlabelled import UnlabelledDataset
from faircmr.datasets.work_folder import WorkFolderDataset

__all__ = [
    "BytesDataset",
    "CinePredictionsDataset",
    "CohortDataset",
    "FinishedFitsDataset",
    "JsonModelDataset",
    "MaskPairsDataset",
    "MeasuredTableDataset",
    "ModelsDataset",
    "NnunetRawDataset",
    "OptionalPredictionsDataset",
    "OptionalTableDataset",
    "OtherStudyTableDataset",
    "PredictionsDataset",
    "TableDataset",
    "TensorsDataset",
    "TextDataset",
    "TrainedModelsDataset",
    "UnlabelledDataset",
    "UserScoresDataset",
    "UserTableDataset",
    "WorkFolderDataset",
]
