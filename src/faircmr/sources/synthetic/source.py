"""The embedded synthetic cohort as a source: written once, then read like any other data set."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

import pandas as pd

from faircmr.core import InvalidCohortError, InvalidParameterError, Omission, Parameters
from faircmr.core.host import lease, remove_durably, write_atomically
from faircmr.core.scans import Structure
from faircmr.sources import Rejection, SourceFiles, no_scans_error
from faircmr.sources.synthetic.parameters import SyntheticParameters, draw_person, recorded_attributes
from faircmr.sources.synthetic.subject import subject_files, write_subject

LAYOUT = "an empty folder, or one that the embedded cohort wrote"
MANIFEST, RECIPE, TABLE = "manifest.json", "recipe.json", "subjects.csv"
VERSION = 1
"""Raise when the generator draws other images from the same parameters: cohorts on disk are then written anew."""
FEW = 16
"""Subjects up to which starting further processes costs more than it saves."""
logger = logging.getLogger(__name__)


class Synthetic:
    """Synthetic subjects in six groups whose difference is known; see ``docs/synthetic_cohort.md``."""

    parameters_type: ClassVar[type[Parameters]] = SyntheticParameters
    label_values: Mapping[int, Structure] = MappingProxyType({int(structure): structure for structure in Structure})

    def __init__(self, root: Path, parameters: Parameters) -> None:
        """Remember where the cohort lies or will lie; nothing is written yet.

        Raises:
            InvalidParameterError: The parameters are of another source, or ask for nobody.
        """
        if not isinstance(parameters, SyntheticParameters):
            raise InvalidParameterError("cohort parameters", type(parameters).__name__, "those of the embedded cohort")
        self._root, self._parameters = root, parameters
        self._source_ids = parameters.source_ids()
        if not self._source_ids:
            raise InvalidParameterError("cohort parameters", "no subjects", "at least one subject")

    def prepare(self, own: Path) -> None:
        """Write the subjects that are missing, the table, and the manifest last.

        A cohort of other parameters in the same folder is removed first; one of other group sizes keeps the
        subjects that both have.

        Args:
            own: Not needed: the raw scans are this source's own.

        Raises:
            InvalidCohortError: The folder holds something else.
            OutputError: Another process writes the cohort, or the folder cannot be written.
        """
        sizes = _file_sizes(self._root)
        if sizes and RECIPE not in sizes:
            raise no_scans_error(LAYOUT)
        if not self._is_whole(sizes):
            with lease(self._root, "embedded cohort"):
                # another process may have written more since
                self._complete(_file_sizes(self._root))

    def scan_files(self) -> SourceFiles:
        """Image and label of both phases of every subject that the parameters ask for.

        Raises:
            InvalidCohortError: The cohort was not prepared.
        """
        if not (self._root / MANIFEST).is_file():
            raise InvalidCohortError("embedded cohort", "not written whole", "a prepared cohort", "prepare it first")
        return {
            (source_id, phase): files
            for source_id in self._source_ids
            for phase, files in subject_files(self._root, source_id).items()
        }

    def rejected(self) -> Mapping[str, Rejection]:
        """Nobody."""
        return {}

    def omissions(self) -> Sequence[Omission]:
        """Nothing: the cohort is written by the source itself."""
        return ()

    def attribute_files(self) -> Sequence[Path]:
        """The demographics table."""
        return [self._root / TABLE]

    def attributes(self) -> pd.DataFrame:
        """Group, sex, age (years), height (cm), weight (kg) and imaging centre of every subject."""
        text = {"source_id": "string", "group": "string", "sex": "string", "centre": "string"}
        return pd.read_csv(self._root / TABLE, dtype=text).set_index("source_id")

    def _is_whole(self, sizes: Mapping[str, int]) -> bool:
        recorded = self._recorded_sizes()
        return self._is_current() and not self._missing(sizes, recorded) and recorded.keys() == self._all_names()

    def _missing(self, sizes: Mapping[str, int], recorded: Mapping[str, int]) -> list[str]:
        """Subjects of whom a file is missing or cut short."""
        whole = {name for name, size in sizes.items() if recorded.get(name, size) == size}
        return [source_id for source_id in self._source_ids if not self._names(source_id) <= whole]

    def _complete(self, sizes: Mapping[str, int]) -> None:
        """Write what is missing or cut short, given the size of every file that is there."""
        if self._is_whole(sizes):
            return
        if not self._is_current():
            self._clear(sizes)
            sizes = {}
            write_atomically(self._root / RECIPE, self._recipe())
        missing = self._missing(sizes, self._recorded_sizes())
        remove_durably(self._root / MANIFEST)
        self._write_subjects(missing)
        write_atomically(self._root / TABLE, self._table())
        names, sizes = self._all_names(), _file_sizes(self._root)
        content = json.dumps({name: sizes[name] for name in sorted(names)}, indent=0)
        write_atomically(self._root / MANIFEST, content.encode())

    def _write_subjects(self, source_ids: Sequence[str]) -> None:
        logger.info("Embedded cohort: writing %d of %d subjects", len(source_ids), len(self._source_ids))
        write = partial(write_subject, self._root, self._parameters)
        if self._parameters.workers == 1 or len(source_ids) <= FEW:
            for source_id in source_ids:
                write(source_id)
            return
        # a fresh interpreter: forking a process that has threads (BLAS, torch) may deadlock
        with ProcessPoolExecutor(self._parameters.workers, mp_context=get_context("spawn")) as pool:
            list(pool.map(write, source_ids, chunksize=8))

    def _table(self) -> bytes:
        seed = self._parameters.cohort_seed
        rows = [recorded_attributes(seed, draw_person(seed, source_id)) for source_id in self._source_ids]
        return pd.DataFrame(rows).to_csv(index=False).encode()

    def _recipe(self) -> bytes:
        """Everything that decides what an image looks like."""
        sizes = {"training", "validation_per_group", "test_per_group", "workers"}
        recipe = {"version": VERSION, **self._parameters.model_dump(exclude=sizes)}
        return json.dumps(recipe, sort_keys=True, indent=0).encode()

    def _is_current(self) -> bool:
        recipe = self._root / RECIPE
        return recipe.is_file() and recipe.read_bytes() == self._recipe()

    def _recorded_sizes(self) -> dict[str, int]:
        """File sizes by the manifest; empty where there is none or it is damaged."""
        try:
            recorded = json.loads((self._root / MANIFEST).read_text())
        except (OSError, ValueError):
            return {}
        return recorded if isinstance(recorded, dict) else {}

    def _names(self, source_id: str) -> set[str]:
        files = subject_files(self._root, source_id).values()
        return {path.name for file in files for path in (file.image, file.label) if path is not None}

    def _all_names(self) -> set[str]:
        return {TABLE}.union(*(self._names(source_id) for source_id in self._source_ids))

    def _clear(self, names: Mapping[str, int]) -> None:
        for name in sorted(names, key=lambda name: name != MANIFEST):
            if name.endswith(".nii.gz") or name in (MANIFEST, TABLE):
                remove_durably(self._root / name)


def _file_sizes(root: Path) -> dict[str, int]:
    if not root.is_dir():
        return {}
    with os.scandir(root) as entries:
        return {entry.name: entry.stat().st_size for entry in entries if entry.is_file()}
