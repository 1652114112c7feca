"""The catalog's entry for a data set of scans, whatever its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Never

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from faircmr.core.cohort import Cohort
from faircmr.core.naming import Names, name_subjects, naming_of
from faircmr.core.parallel import worker_count
from faircmr.core.reading import ReadingParameters
from faircmr.core.validation import validated
from faircmr.datasets.base import Previewed, import_named, no_paths_in_errors
from faircmr.datasets.key_table import updated_keys
from faircmr.sources.base import Rejection, Source, SourceFiles
from faircmr.sources.building import build_cohort, first_paths
from faircmr.sources.fingerprints import digest, located_states

CONVERTED = "converted"
"""Folder beside the table of keys for what a source makes of the raw scans."""


class CohortDataset(Previewed, AbstractDataset[Never, Cohort]):
    """Scans of a source as a :class:`~faircmr.core.cohort.Cohort`, named by study keys.

    Args:
        source: Dotted path of the source, e.g. ``faircmr.sources.acdc.Acdc``.
        filepath: Folder of the raw scans.
        path: The table of keys, ``01_raw/key.csv``: the only file that holds source ids.
        parameters: The source's own parameters.
        names: How subjects are named: ``numbered``; ``source_ids``, for public data only; or ``{salt_file: <path>}``,
            pseudonyms that are the same in every study with the secret in this file.
        workers: Scans that may be read at the same time; ``None`` for as many as there are CPUs.
        reading: Limits of spacing and whether headers place labels: a mapping of the fields of
            :class:`~faircmr.core.reading.ReadingParameters`.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(  # noqa: PLR0913 one argument a line of the catalog
        self,
        source: str,
        filepath: str,
        path: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        names: Names = "numbered",
        workers: int | None = None,
        reading: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._source_path = source
        self._root = Path(filepath)
        self._key_path = Path(path)
        self._parameters = dict(parameters or {})
        self._naming = naming_of(names)
        self._workers = worker_count(workers)
        self._reading = validated(ReadingParameters, dict(reading or {}), "reading")
        self.metadata = metadata

    def load(self) -> Cohort:
        """List the subjects, give new ones their key, and return the cohort; no image is opened."""
        with no_paths_in_errors("source_root"):
            source = self._prepared_source()
            keys = self._updated_keys(source.scan_files(), source.rejected())
            return build_cohort(source, keys, self._workers, self._reading)

    def save(self, data: Never) -> Never:
        """Refuse: scans are never written back."""
        raise DatasetError("the cohort is read only")

    def files(self) -> list[Path]:
        """The table of keys; the scans are not the study's own."""
        return [self._key_path]

    def fingerprint(self) -> str:
        """Digest of settings, keys, what is left out, and size and time of every scan and table; opens no image."""
        with no_paths_in_errors("source_root"):
            return digest(self._content())

    @property
    def root(self) -> Path:
        """Folder of the raw scans; for reading, never for showing."""
        return self._root

    def _content(self) -> dict[str, object]:
        source = self._prepared_source()
        files = source.scan_files()
        rejected = source.rejected()
        keys = self._updated_keys(files, rejected)
        present = keys[keys["source_id"].isin({source_id for source_id, _ in files} | rejected.keys())]
        paths = [path for scan in files.values() for path in (scan.image, scan.label) if path is not None]
        return {
            "source": self._source_path,
            "parameters": self._parameters,
            "reading": self._reading.model_dump(mode="json"),
            "keys": present[["subject_id", "source_id"]].to_numpy().tolist(),
            "scans": located_states(paths, self._root),
            "attributes": located_states(source.attribute_files(), self._root),
            "rejected": {source_id: one.reason for source_id, one in rejected.items()},
            # pages say what is left out: they are stale when that changes
            "omissions": [asdict(one) for one in source.omissions()],
        }

    def _prepared_source(self) -> Source:
        kind: type[Source] = import_named(self._source_path, "cohort.source")
        # a new one each time: a source may remember what it has listed
        source = kind(self._root, validated(kind.parameters_type, self._parameters, "cohort.parameters"))
        source.prepare(self._key_path.parent / CONVERTED)
        return source

    def _updated_keys(self, files: SourceFiles, rejected: Mapping[str, Rejection]) -> pd.DataFrame:
        paths = first_paths(files, rejected, self._root)
        return updated_keys(self._key_path, lambda known: name_subjects(known, paths, self._naming, "cohort"))

    def _exists(self) -> bool:
        return self._root.is_dir()

    def _describe(self) -> dict[str, Any]:
        # no path: folders of patients' scans may be named after them
        return {"source": self._source_path}
