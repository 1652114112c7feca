"""Predicted label images: NIfTI on the source's own grid, read one at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from faircmr.core.anatomy import Phase
from faircmr.core.errors import InvalidScanError, OutputError
from faircmr.core.parameters import Parameters
from faircmr.core.prediction import ENSEMBLE, Prediction, PredictionKey, Predictions, run_name
from faircmr.datasets.base import StudyDataset
from faircmr.datasets.staging import publish, staged
from faircmr.sources.nifti import read_label, write_label

MANIFEST_NAME = "predictions.json"
RUNS = ("seed-*", f"{ENSEMBLE}*")
"""Folders of single seeds, and of all seeds together."""
REDO = "delete predictions.json and run the strategy's pipeline again"


class PredictionEntry(Parameters):
    """One prediction in the manifest, and the model that made it."""

    seed: int | None
    fold: int | None
    subject_id: str
    phase: Phase
    model: str = "shared"

    @property
    def key(self) -> PredictionKey:
        """Name of the prediction."""
        return PredictionKey(self.seed, self.fold, self.subject_id, self.phase)


class PredictionManifest(Parameters):
    """Every prediction of a strategy, in the order in which it was made."""

    predictions: tuple[PredictionEntry, ...]


def prediction_path(key: PredictionKey) -> Path:
    """Where a prediction lies in the folder of its strategy."""
    return Path(run_name(key.seed, key.fold), "predictions", f"{key.subject_id}_{key.phase}.nii.gz")


class StoredPredictions(Mapping[PredictionKey, Prediction]):
    """Predictions of one strategy; each access reads one file.

    Args:
        folder: The strategy's folder.
        entries: What it holds.
    """

    def __init__(self, folder: Path, entries: Iterable[PredictionEntry]) -> None:
        self._folder = folder
        self._models = {entry.key: entry.model for entry in entries}

    def __getitem__(self, key: PredictionKey) -> Prediction:
        if key not in self._models:
            raise KeyError(key)
        try:
            label, geometry = read_label(self._folder / prediction_path(key))
        except InvalidScanError as error:
            raise OutputError(
                f"prediction of {key.subject_id} {key.phase}", error.value, error.permitted, REDO
            ) from None
        return Prediction(key.subject_id, key.phase, key.seed, key.fold, label, geometry, self._models[key])

    def __iter__(self) -> Iterator[PredictionKey]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self)} predictions)"


class PredictionsDataset(StudyDataset[Iterable[Prediction], Predictions]):
    """Predictions of one strategy, below ``07_model_output/<strategy>``."""

    def load(self) -> Predictions:
        """List the predictions; each is read when it is asked for.

        Raises:
            OutputError: The manifest is missing or damaged.
        """
        return StoredPredictions(self._filepath, self._entries())

    def save(self, data: Iterable[Prediction]) -> None:
        """Write every prediction, remove those that are no more, then the manifest."""
        known = {path for who in RUNS for path in self._filepath.glob(f"{who}/predictions/*.nii.gz")}
        entries: list[PredictionEntry] = []
        with staged(self._filepath) as aside:
            for prediction in data:
                write_label(aside / prediction_path(prediction.key), prediction.label, prediction.geometry)
                entries.append(PredictionEntry(**prediction.key._asdict(), model=prediction.model))
            gone = known - {self._filepath / prediction_path(entry.key) for entry in entries}
            manifest = PredictionManifest(predictions=tuple(entries)).model_dump_json(indent=1)
            publish(aside, self._filepath / MANIFEST_NAME, manifest.encode(), sorted(gone))

    def files(self) -> list[Path]:
        """The manifest and the images that it lists."""
        return [self._filepath / MANIFEST_NAME, *self._paths()]

    def _paths(self) -> list[Path]:
        try:
            return [self._filepath / prediction_path(entry.key) for entry in self._entries()]
        except OutputError:
            return []

    def _entries(self) -> tuple[PredictionEntry, ...]:
        try:
            manifest = PredictionManifest.model_validate_json((self._filepath / MANIFEST_NAME).read_bytes())
        except (OSError, ValidationError):
            raise OutputError(MANIFEST_NAME, "missing or damaged", "the list of predictions", REDO) from None
        return manifest.predictions


class OptionalPredictionsDataset(PredictionsDataset):
    """Predictions that need not be there: loading gives none, existing stays truthful."""

    def load(self) -> Predictions:
        """List the predictions; none where there is no manifest.

        Raises:
            OutputError: The manifest is damaged.
        """
        return super().load() if (self._filepath / MANIFEST_NAME).exists() else StoredPredictions(self._filepath, ())
