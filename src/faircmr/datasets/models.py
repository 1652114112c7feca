"""The trained models of a strategy: a list of fits that stands beside their weights."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from faircmr.core.errors import OutputError
from faircmr.core.files import write_whole
from faircmr.core.parameters import Parameters
from faircmr.datasets.base import StudyDataset
from faircmr.segmentation.models import FitRecord, TrainedModels

MANIFEST_NAME = "models.json"
REDO = "delete models.json and run the strategy's pipeline again"


class ModelsManifest(Parameters):
    """The fits of a strategy; where they lie is the catalog's to say, so that a study can be moved."""

    fits: tuple[FitRecord, ...]


class ModelsDataset(StudyDataset[TrainedModels, TrainedModels]):
    """Models of one strategy, below ``06_models/<strategy>``; training itself writes the weights there."""

    def load(self) -> TrainedModels:
        """List the fits.

        Raises:
            OutputError: The list is missing or damaged.
        """
        return TrainedModels(folder=self._filepath, fits=self._fits())

    def save(self, data: TrainedModels) -> None:
        """Write the list, once all that it lists is there.

        Raises:
            OutputError: A fit has left no weights, or the folder cannot be written.
        """
        for fit in data.fits:
            missing = [file.name for file in fit.files(self._filepath) if not file.is_file()]
            if missing:
                raise OutputError(
                    f"model {fit.name}",
                    f"no {', '.join(missing)}",
                    "a finished fit",
                    "run the strategy's pipeline again",
                )
        write_whole(self._filepath / MANIFEST_NAME, ModelsManifest(fits=data.fits).model_dump_json(indent=1).encode())

    def files(self) -> list[Path]:
        """The list, and the files of every fit on it."""
        manifest = self._filepath / MANIFEST_NAME
        try:
            return [manifest, *(file for fit in self._fits() for file in fit.files(self._filepath))]
        except OutputError:
            return [manifest]

    def _fits(self) -> tuple[FitRecord, ...]:
        try:
            return ModelsManifest.model_validate_json((self._filepath / MANIFEST_NAME).read_bytes()).fits
        except (OSError, ValidationError):
            raise OutputError(MANIFEST_NAME, "missing or damaged", "the list of fits", REDO) from None
