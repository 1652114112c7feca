"""The fits of a study as somebody sees them who only looks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never

from kedro.io import AbstractDataset, DatasetError

from faircmr.core.errors import OutputError
from faircmr.core.work_folder import WorkFolder
from faircmr.datasets.base import Previewed, shown_path


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
