"""Kedro data sets of the catalog: cohort, NIfTI predictions, tensors, weights, tables."""

from faircmr.datasets.cohort import CohortDataset
from faircmr.datasets.documents import BytesDataset, JsonModelDataset, TextDataset
from faircmr.datasets.models import ModelsDataset
from faircmr.datasets.predictions import PredictionsDataset
from faircmr.datasets.tables import OptionalTableDataset, TableDataset
from faircmr.datasets.tensors import TensorsDataset
from faircmr.datasets.work_folder import WorkFolderDataset

__all__ = [
    "BytesDataset",
    "CohortDataset",
    "JsonModelDataset",
    "ModelsDataset",
    "OptionalTableDataset",
    "PredictionsDataset",
    "TableDataset",
    "TensorsDataset",
    "TextDataset",
    "WorkFolderDataset",
]
