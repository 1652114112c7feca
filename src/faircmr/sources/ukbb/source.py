"""UK Biobank as its users hold it: bulk archives or NIfTI, manual contours, and tables in any of three forms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd
from pydantic import Field

from faircmr.core.anatomy import Phase, Structure
from faircmr.core.errors import InvalidParameterError
from faircmr.core.omissions import Omission
from faircmr.core.parallel import worker_count
from faircmr.core.parameters import Parameters
from faircmr.sources.base import Rejection, SourceFiles, no_scans
from faircmr.sources.conversion import Converted, conversion_omissions, convert_all
from faircmr.sources.ukbb.converting import OBSERVER, UkbbConverter
from faircmr.sources.ukbb.files import LAYOUT, FoundFiles, find_files, phase_files
from faircmr.sources.ukbb.tables import Demographics, read_tables, tables_among


class UkbbParameters(Parameters):
    """How the archives are read.

    Attributes:
        cines: Whether whole cines are written too, also of participants without contours, for the pipeline
            ``predict``: about 10 MB each.
        workers: Archives that are converted at the same time; ``None`` for as many as there are CPUs.
    """

    cines: bool = False
    workers: int | None = Field(default=None, ge=1)


class Ukbb:
    """UK Biobank's short-axis cines.

    Attributes are those of :class:`~faircmr.sources.ukbb.tables.Demographics` and ``observer``, the pseudonym of who
    drew the contours. Labels are those of ukbb_cardiac: 1 LV blood pool, 2 LV myocardium, 3 RV blood pool.
    """

    parameters_type: ClassVar[type[Parameters]] = UkbbParameters
    label_values: Mapping[int, Structure] = MappingProxyType({int(structure): structure for structure in Structure})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the data lie; nothing is read yet.

        Raises:
            InvalidParameterError: The parameters are of another source.
        """
        if not isinstance(parameters, UkbbParameters):
            raise InvalidParameterError("cohort parameters", type(parameters).__name__, "those of UK Biobank")
        self._root, self._parameters = root, parameters
        self._converted: Mapping[str, Converted] = {}

    def prepare(self, own: Path) -> None:
        """Convert the archives that have contours and are not converted yet.

        Args:
            own: Folder of the converted scans; nothing in it is named after a participant.

        Raises:
            InvalidCohortError: There are neither archives nor NIfTI, or a participant has two of one kind.
            OutputError: The folder cannot be written.
        """
        found = self._found
        if not found.scans and not found.images:
            raise no_scans(LAYOUT)
        others = found.without_contours()
        workers = worker_count(self._parameters.workers)
        converter = UkbbConverter(self._parameters.cines)
        acquisitions = found.contoured() + (others if self._parameters.cines else [])
        converted = convert_all(acquisitions, converter, own, workers) if acquisitions else {}
        self._converted = {eid: each for eid, each in converted.items() if eid in found.contours}

    def scan_files(self) -> SourceFiles:
        """Image and label of both phases of everybody who can be used."""
        left = self.rejected()
        converted = {
            eid: {phase: phase_files(each.folder, phase) for phase in Phase} for eid, each in self._converted.items()
        }
        everybody = {**converted, **self._found.scans}
        return {
            (eid, phase): files
            for eid, phases in everybody.items()
            if eid not in left
            for phase, files in phases.items()
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Participants whose archives cannot be converted, or whose table contradicts itself."""
        unreadable = {
            eid: Rejection(self._found.images[eid], each.record.reason)
            for eid, each in self._converted.items()
            if each.record.reason
        }
        contradictory = {
            eid: Rejection(self._first_file(eid), reason) for eid, reason in self._demographics.rejected.items()
        }
        return {**contradictory, **unreadable}

    def omissions(self) -> Sequence[Omission]:
        """Archives that are not used, what conversion put right, and rows and values of the tables."""
        return (*self._found.omissions(), *conversion_omissions(self._converted), *self._demographics.omissions())

    def attribute_files(self) -> Sequence[Path]:
        """The tables."""
        return self._tables

    def attributes(self) -> pd.DataFrame:
        """What the tables say of everybody who has images, and who drew the contours.

        Raises:
            InvalidCohortError: There is no table, or it lacks sex or ethnic background.
        """
        observers = {eid: each.record.notes.get(OBSERVER) for eid, each in self._converted.items()}
        attributes = self._demographics.attributes
        return attributes.assign(observer=attributes.index.map(observers).astype("str").astype("category"))

    def _first_file(self, eid: str) -> Path:
        scans = self._found.scans.get(eid)
        return scans[Phase.ED].image if scans else self._found.images[eid]

    @cached_property
    def _found(self) -> FoundFiles:
        return find_files(self._root)

    @cached_property
    def _tables(self) -> tuple[Path, ...]:
        return tables_among(self._found.texts)

    @cached_property
    def _demographics(self) -> Demographics:
        return read_tables(self._tables, {*self._found.scans, *self._converted})
