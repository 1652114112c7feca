"""The trained models of a strategy, finished fits, and fits under way."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError
from pydantic import ValidationError

from faircmr.core import InvalidModelError, OutputError, Parameters, text_digest
from faircmr.core.host import WorkFolder, write_atomically
from faircmr.datasets.base import Previewed, StudyDataset, shown_path
from faircmr.segmentation.training import JOB_NAME, WEIGHTS_NAME, FitRecord, TrainedModels

REDO = "delete it and run the strategy's pipeline again"


class ModelsManifest(Parameters):
    """The fits of a strategy; where they lie is the catalog's to say, so that a study can be moved."""

    fits: tuple[FitRecord, ...]


class ModelsDataset(StudyDataset[TrainedModels, TrainedModels]):
    """A list of fits, ``filepath``; each has a folder of its own beside it, where training writes its weights.

    More than one list may refer to the same fits: strategies share their localisers.
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
        write_atomically(self._filepath, ModelsManifest(fits=data.fits).model_dump_json(indent=1).encode())

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


class FinishedFitsDataset(Previewed, AbstractDataset[Never, dict[str, str]]):
    """Jobs of the fits that are finished, by place; empty where there are none.

    Args:
        filepath: Pattern of their records, e.g. ``06_models/*/*/*/fit.json``. A fit's place is its folder below what
            comes before the first asterisk: ``baseline/seed-0/shared``.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(self, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, str]:
        """JSON of the job of every fit whose record and weights are there, by place.

        Raises:
            OutputError: A job is damaged.
        """
        folders = {str(file.parent.relative_to(self._root)): file.parent for file in self.files()}
        return {
            place: _job(folder / JOB_NAME, place)
            for place, folder in folders.items()
            if all((folder / name).is_file() for name in (JOB_NAME, WEIGHTS_NAME))
        }

    def save(self, data: Never) -> Never:
        """Refuse: fits are written by training."""
        raise DatasetError("finished fits are read only")

    def files(self) -> list[Path]:
        """Record of every finished fit."""
        return sorted(self._root.glob(str(self._filepath.relative_to(self._root))))

    def fingerprint(self) -> str:
        """Digest of place and time of every record."""
        states = [(str(file.relative_to(self._root)), file.stat().st_mtime_ns) for file in self.files()]
        return text_digest(repr(states))

    @property
    def _root(self) -> Path:
        before = [part for part in self._filepath.parents if "*" not in str(part)]
        return before[0]

    def _exists(self) -> bool:
        return bool(self.files())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown_path(self._filepath)}


def _job(path: Path, place: str) -> str:
    try:
        text = path.read_bytes().decode()
        if isinstance(json.loads(text), dict):
            return text
    except (OSError, ValueError, RecursionError):
        pass
    remedy = "delete the folder of this fit and run its strategy's pipeline again"
    raise OutputError(f"{place}/{path.name}", "damaged", "the job of a finished fit", remedy)


@dataclass(frozen=True)
class WatchedFits(WorkFolder):
    """Where the fits of a study work; its path holds a folder a strategy.

    Attributes:
        localisers: Folder of the localisers' fits.
        begun: Strategies whose training cohort has been selected: those that have been asked for.
    """

    localisers: Path
    begun: frozenset[str]


class WatchedFitsDataset(Previewed, AbstractDataset[Never, WatchedFits]):
    """Tells where fits are being made; read only, and no run waits for who looks.

    Args:
        filepath: Folder of the fits, with a folder a strategy; need not exist.
        localisers: Folder of the localisers' fits, from the folder above ``filepath``.
        cohorts: Pattern of the strategies' training cohorts, from there; a strategy's lies in a folder of its name.
        needed: File without which there is no study to look at, from there.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    ignored_by_keys = True
    """Whoever looks makes nothing."""

    def __init__(
        self, filepath: str, localisers: str, cohorts: str, needed: str, metadata: dict[str, Any] | None = None
    ) -> None:
        self._filepath = Path(filepath)
        self._localisers, self._cohorts, self._needed = localisers, cohorts, needed
        self.metadata = metadata

    def load(self) -> WatchedFits:
        """Where to look.

        Raises:
            OutputError: There is no study yet.
        """
        study = self._filepath.parent
        if not (study / self._needed).is_file():
            raise OutputError(
                f"study {shown_path(study)}",
                "no fit is planned in it yet",
                "a study whose data are prepared",
                "run kedro run first, or wait until a run has come so far; give --env and --params as that run does",
            )
        begun = frozenset(cohort.parent.name for cohort in study.glob(self._cohorts))
        return WatchedFits(self._filepath, code="", localisers=study / self._localisers, begun=begun)

    def save(self, data: Never) -> Never:
        """Refuse: fits are written by training."""
        raise DatasetError("fits are watched and not written")

    def files(self) -> list[Path]:
        """Nothing that a result consists of."""
        return []

    def _exists(self) -> bool:
        return (self._filepath.parent / self._needed).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": shown_path(self._filepath)}
