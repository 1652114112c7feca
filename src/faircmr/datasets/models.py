"""The trained models of a strategy: a list of fits that stands beside their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Never

from kedro.io import DatasetError
from pydantic import ValidationError

from faircmr.core.errors import InvalidModelError, OutputError
from faircmr.core.files import write_whole
from faircmr.core.parameters import Parameters
from faircmr.datasets.base import StudyDataset
from faircmr.segmentation.models import FitRecord, TrainedModels

REDO = "delete it and run the strategy's pipeline again"


class ModelsManifest(Parameters):
    """The fits of a strategy; where they lie is the catalog's to say, so that a study can be moved."""

    fits: tuple[FitRecord, ...]


class ModelsDataset(StudyDataset[TrainedModels, TrainedModels]):
    """A list of fits, ``filepath``; each has a folder of its own beside it, where training writes its weights.

    More than one list may stand beside the same fits: strategies share their localisers.
    """

    def load(self) -> TrainedModels:
        """List the fits.

        Raises:
            OutputError: The list is missing or damaged.
        """
        return TrainedModels(folder=self._filepath.parent, fits=self._fits())

    def save(self, data: TrainedModels) -> None:
        """Write the list, once all that it lists is there.

        Raises:
            OutputError: A fit has left no weights, or the folder cannot be written.
        """
        for fit in data.fits:
            missing = [file.name for file in fit.files(self._filepath.parent) if not file.is_file()]
            if missing:
                raise OutputError(
                    f"model {fit.name}",
                    f"no {', '.join(missing)}",
                    "a finished fit",
                    "run the strategy's pipeline again",
                )
        write_whole(self._filepath, ModelsManifest(fits=data.fits).model_dump_json(indent=1).encode())

    def files(self) -> list[Path]:
        """The list, and the files of every fit on it."""
        try:
            return [self._filepath, *(file for fit in self._fits() for file in fit.files(self._filepath.parent))]
        except OutputError:
            return [self._filepath]

    def _fits(self) -> tuple[FitRecord, ...]:
        try:
            return ModelsManifest.model_validate_json(self._filepath.read_bytes()).fits
        except (OSError, ValidationError):
            raise OutputError(self._filepath.name, "missing or damaged", "the list of fits", REDO) from None


class TrainedModelsDataset(ModelsDataset):
    """Models that an earlier run has trained; ``filepath`` is the list of a strategy, as for training itself."""

    def load(self) -> TrainedModels:
        """List the fits.

        Raises:
            InvalidModelError: The strategy has not been trained.
            OutputError: The list is damaged.
        """
        strategy = self._filepath.parent.name
        if not self._filepath.is_file():
            trained = sorted(one.parent.name for one in self._filepath.parent.parent.glob(f"*/{self._filepath.name}"))
            raise InvalidModelError(
                "predict_strategy",
                strategy,
                f"a strategy that has been trained in this data_root: {', '.join(trained) or 'none is yet'}",
                "set it to one of them" if trained else "run the pipeline of a strategy in this data_root first",
            )
        return super().load()

    def save(self, data: TrainedModels) -> Never:
        """Refuse: these models are read only.

        Raises:
            DatasetError: Always.
        """
        raise DatasetError("the models of a strategy are written by its own pipeline")
