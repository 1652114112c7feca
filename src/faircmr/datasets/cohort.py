"""Catalog entries for scans: a cohort from any source, and a folder of unlabelled scans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Never

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from faircmr.core import InvalidCohortError, json_digest, parse_parameters
from faircmr.core.host import worker_count
from faircmr.core.scans import FILES, Cohort, LeftOut, UnlabelledScans
from faircmr.core.study import (
    LEFT_OUT_FILE,
    UNLABELLED,
    Names,
    ReadingParameters,
    assign_file_keys,
    is_storable_name,
    name_subjects,
    parse_naming,
)
from faircmr.datasets.base import Previewed, import_named, no_paths_in_errors
from faircmr.datasets.key_table import updated_keys
from faircmr.sources import (
    FoundScans,
    ImageFile,
    Rejection,
    Source,
    SourceFiles,
    build_cohort,
    file_state,
    file_states_below,
    first_number,
    first_paths,
    list_unlabelled,
    path_below,
    read_frames,
)

CONVERTED = "converted"
"""Folder next to the table of keys for scans that a source converts."""


class CohortDataset(Previewed, AbstractDataset[Never, Cohort]):
    """Scans of a source as a :class:`~faircmr.core.scans.Cohort`, named by study keys.

    Args:
        source: Dotted path of the source, e.g. ``faircmr.sources.acdc.Acdc``.
        filepath: Folder of the raw scans.
        path: The table of keys, ``01_raw/key.csv``: the only file that holds source ids.
        parameters: The source's own parameters.
        names: How subjects are named: ``numbered``; ``source_ids``, for public data only; or ``{salt_file: <path>}``,
            pseudonyms that are the same in every study with the secret in this file.
        workers: Scans that may be read at the same time; ``None`` for as many as there are CPUs.
        reading: Limits of spacing and whether headers place labels: a mapping of the fields of
            :class:`~faircmr.core.study.ReadingParameters`.
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
        self._naming = parse_naming(names)
        self._workers = worker_count(workers)
        self._reading = parse_parameters(ReadingParameters, dict(reading or {}), "reading")
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
            return json_digest(self._content())

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
            "scans": file_states_below(paths, self._root),
            "attributes": file_states_below(source.attribute_files(), self._root),
            "rejected": {source_id: one.reason for source_id, one in rejected.items()},
            # pages say what is left out: they are stale when that changes
            "omissions": [asdict(one) for one in source.omissions()],
        }

    def _prepared_source(self) -> Source:
        kind: type[Source] = import_named(self._source_path, "cohort.source")
        # a new one each time: a source may remember what it has listed
        source = kind(self._root, parse_parameters(kind.parameters_type, self._parameters, "cohort.parameters"))
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


NO_TEXT = "its name is not valid UTF-8 or has control characters"


class UnlabelledDataset(Previewed, AbstractDataset[Never, UnlabelledScans]):
    """Cines and single frames of a folder, named by study keys.

    Args:
        filepath: The folder.
        path: Its table of keys, ``01_raw/predict_key.csv``: the only file that holds source ids and paths, also of the
            files that are left out.
        names: How subjects are named: ``numbered`` (``new-0001``, ...); ``source_ids``, for public data only; or
            ``{salt_file: <path>}``, pseudonyms that are the same in every study with the secret in this file.
        reading: Limits of spacing and whether headers place labels: a mapping of the fields of
            :class:`~faircmr.core.study.ReadingParameters`.
        metadata: For tools such as Kedro-Viz; not used here.
    """

    def __init__(
        self,
        filepath: str,
        path: str,
        *,
        names: Names = "numbered",
        reading: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self._root = Path(filepath)
        self._key_path = Path(path)
        self._naming = parse_naming(names, UNLABELLED)
        self._reading = parse_parameters(ReadingParameters, dict(reading or {}), "reading")
        self.metadata = metadata

    def load(self) -> UnlabelledScans:
        """List the subjects and the files that are left out, and give new ones their key; no image is opened."""
        folder = self._named()
        start = first_number(folder.subjects.values())
        return UnlabelledScans(
            fingerprints={key: _fingerprint(each, start, self._reading) for key, each in folder.subjects.items()},
            readers={key: partial(read_frames, each, start, self._reading) for key, each in folder.subjects.items()},
            left_out=folder.left_out,
            files=folder.files,
        )

    def save(self, data: Never) -> Never:
        """Refuse: scans are never written back."""
        raise DatasetError("unlabelled scans are read only")

    def files(self) -> list[Path]:
        """The table of keys; the scans are not the study's own."""
        return [self._key_path]

    def fingerprint(self) -> str:
        """Digest of keys, of names, size and time of every scan, and of what is left out; opens no image."""
        folder = self._named()
        start = first_number(folder.subjects.values())
        states = {
            key: (_fingerprint(each, start, self._reading), self._names(each)) for key, each in folder.subjects.items()
        }
        return json_digest([states, [astuple(one) for one in folder.left_out]])

    def _named(self) -> _NamedFolder:
        with no_paths_in_errors("predict_root"):
            found = list_unlabelled(self._root)
            table = self._updated_keys(found)
        of_files = _of_files(table)
        keys = _lookup(table[~of_files], "source_id")
        by_key = {keys[source_id]: files for source_id, files in found.subjects.items()}
        by_path = _lookup(table[of_files], "path")
        return _NamedFolder(
            subjects={key: by_key[key] for key in keys.values() if key in by_key},
            left_out=(
                *(_left_out(reason, path_below(path, self._root), by_path) for path, reason in found.left_out.items()),
                *(LeftOut(one.what, one.reason, count=one.count) for one in found.omissions),
            ),
            files=found.files,
        )

    def _updated_keys(self, found: FoundScans) -> pd.DataFrame:
        paths = {source_id: self._names(files)[0] for source_id, files in found.subjects.items()}
        left_out = [
            path for path in (path_below(path, self._root) for path in found.left_out) if is_storable_name(path)
        ]

        def named(known: pd.DataFrame) -> pd.DataFrame:
            of_files = _of_files(known)
            subjects = name_subjects(known[~of_files], paths, self._naming, "unlabelled")
            keys = pd.concat([subjects, assign_file_keys(known[of_files], left_out)], ignore_index=True)
            if keys["subject_id"].duplicated().any():
                found = f"subjects are called {LEFT_OUT_FILE}-0001, ..., as files that are left out are"
                raise InvalidCohortError("unlabelled.names", found, "other names", "set unlabelled.names to numbered")
            return keys

        return updated_keys(self._key_path, named)

    def _names(self, files: tuple[ImageFile, ...]) -> list[str]:
        return [path_below(file.path, self._root) for file in files]

    def _exists(self) -> bool:
        return self._root.is_dir()

    def _describe(self) -> dict[str, Any]:
        # no path: folders of patients' scans may be named after them
        return {}


@dataclass(frozen=True)
class _NamedFolder:
    """What a folder holds, by keys.

    Attributes:
        subjects: Files of each subject, in the order of the table of keys.
        left_out: What is of no subject.
        files: NIfTI files in the folder.
    """

    subjects: dict[str, tuple[ImageFile, ...]]
    left_out: tuple[LeftOut, ...]
    files: int


def _of_files(keys: pd.DataFrame) -> pd.Series:
    """Whether a row is of a file that is left out: those have no source id."""
    of_files: pd.Series = keys["source_id"] == ""
    return of_files


def _lookup(keys: pd.DataFrame, column: str) -> dict[str, str]:
    return dict(zip(keys[column], keys["subject_id"], strict=True))


def _left_out(reason: str, path: str, keys: Mapping[str, str]) -> LeftOut:
    return LeftOut(FILES, reason, keys[path]) if is_storable_name(path) else LeftOut(FILES, f"{reason}; {NO_TEXT}")


def _fingerprint(files: tuple[ImageFile, ...], start: int, reading: ReadingParameters) -> str:
    """Digest of one subject's files, of the number that frames are counted from in their names, and of the limits."""
    # without paths: with them a short source id could be found by trying all
    states = [(file_state(file.path), file.phase, file.number, file.short_axis) for file in files]
    return json_digest([start, states, reading.model_dump(mode="json")])
